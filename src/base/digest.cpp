#include "base/digest.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <span>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace capstan {

namespace {

constexpr std::uint32_t reversed_polynomial = 0x82F63B78;  // CRC-32C, bits reversed

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? reversed_polynomial : 0);
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t)
    for (std::size_t i = 0; i < 256; ++i) tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
  return tables;
}
constexpr auto tables = make_tables();

// Eight bytes a step by tables ("slicing by 8"), for machines without the instruction.
std::uint32_t crc_by_table(std::uint32_t crc, const char* bytes, std::size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= tables[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; size > 0; ++bytes, --size) crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<unsigned char>(*bytes)) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc_by_instruction(std::uint32_t crc, const char* bytes,
                                                                   std::size_t size) {
  std::uint64_t wide = crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++bytes, --size) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*bytes));
  return crc;
}
#endif

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string hex;
  for (const unsigned char byte : bytes) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string digest_hex(std::string_view bytes, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, kind, nullptr);
  return hex_of(std::span(digest).first(size));
}

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Hashing = std::unique_ptr<EVP_MD_CTX, Free>;

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~crc_by_instruction(~seed, bytes.data(), bytes.size());
#endif
  return ~crc_by_table(~seed, bytes.data(), bytes.size());
}

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 hash128(std::string_view bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.high64, hash.low64};
}

std::string sha256_hex(std::string_view bytes) { return digest_hex(bytes, EVP_sha256()); }
std::string md5_hex(std::string_view bytes) { return digest_hex(bytes, EVP_md5()); }
std::string sha1_hex(std::string_view bytes) { return digest_hex(bytes, EVP_sha1()); }

// Both halves of the construction with the key taken in; a message goes on from copies, so the key's two blocks are not
// hashed again for every one.
struct HmacSha256::Keyed {
  static constexpr std::size_t block = 64;  // bytes, of SHA-256

  explicit Keyed(const Secret& secret) {
    std::array<unsigned char, block> key{};
    if (secret.reveal().size() > block) {
      EVP_Digest(secret.reveal().data(), secret.reveal().size(), key.data(), nullptr, EVP_sha256(), nullptr);
    } else {
      std::ranges::copy(secret.reveal(), key.begin());
    }
    begin(inner, key, 0x36);
    begin(outer, key, 0x5C);
    OPENSSL_cleanse(key.data(), key.size());
  }
  static void begin(const Hashing& half, std::array<unsigned char, block> key, unsigned char pad) {
    for (unsigned char& byte : key) byte ^= pad;
    EVP_DigestInit_ex(half.get(), EVP_sha256(), nullptr);
    EVP_DigestUpdate(half.get(), key.data(), key.size());
    OPENSSL_cleanse(key.data(), key.size());
  }

  Hashing inner{EVP_MD_CTX_new()};
  Hashing outer{EVP_MD_CTX_new()};
};

HmacSha256::HmacSha256(const Secret& key) : keyed_(std::make_unique<Keyed>(key)) {}
HmacSha256::~HmacSha256() = default;

std::string HmacSha256::hex(std::string_view bytes) const {
  thread_local const Hashing hashing{EVP_MD_CTX_new()};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_MD_CTX_copy_ex(hashing.get(), keyed_->inner.get());
  EVP_DigestUpdate(hashing.get(), bytes.data(), bytes.size());
  EVP_DigestFinal_ex(hashing.get(), digest.data(), &size);
  EVP_MD_CTX_copy_ex(hashing.get(), keyed_->outer.get());
  EVP_DigestUpdate(hashing.get(), digest.data(), size);
  EVP_DigestFinal_ex(hashing.get(), digest.data(), &size);
  return hex_of(std::span(digest).first(size));
}

std::uint64_t xxhash64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace capstan
