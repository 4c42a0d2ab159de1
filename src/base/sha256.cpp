#include "base/sha256.h"

#include <openssl/evp.h>

namespace capstan {

namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MD* kind) const { EVP_MD_free(kind); }
};

// Fetched once: EVP_sha256() is looked up again with every use of OpenSSL 3, which costs as much as a small hash.
const EVP_MD* kind() {
  static const std::unique_ptr<EVP_MD, Free> fetched(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return fetched ? fetched.get() : EVP_sha256();
}

std::optional<std::uint8_t> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return {};
}

}  // namespace

struct Sha256Hasher::State {
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256Hasher::Sha256Hasher() : state_(std::make_unique<State>()) {
  EVP_DigestInit_ex(state_->context.get(), kind(), nullptr);
}

Sha256Hasher::~Sha256Hasher() = default;

void Sha256Hasher::add(std::string_view piece) { EVP_DigestUpdate(state_->context.get(), piece.data(), piece.size()); }

Sha256 Sha256Hasher::finish() {
  Sha256 hash{};
  EVP_DigestFinal_ex(state_->context.get(), hash.data(), nullptr);
  EVP_DigestInit_ex(state_->context.get(), kind(), nullptr);
  return hash;
}

Sha256 sha256(std::string_view bytes) {
  thread_local Sha256Hasher hasher;
  hasher.add(bytes);
  return hasher.finish();
}

std::string_view bytes_of(const Sha256& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

std::string to_hex(const Sha256& hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * hash.size());
  for (const std::uint8_t byte : hash) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

std::optional<Sha256> parse_sha256(std::string_view hex) {
  Sha256 hash{};
  if (hex.size() != 2 * hash.size()) return {};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto high = digit(hex[2 * i]);
    const auto low = digit(hex[2 * i + 1]);
    if (!high || !low) return {};
    hash[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return hash;
}

}  // namespace capstan
