// Checksums and digests, each for one purpose.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace capstan {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4): torn and damaged bytes on disk. `seed` continues an earlier call.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// XXH3, 64 and 128 bits: telling records apart. Not against an adversary.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Hash128&) const = default;
};
Hash128 hash128(std::string_view bytes, std::uint64_t seed = 0);

// SHA-256 (FIPS 180-4), lower-case hexadecimal: evidence that people compare.
std::string sha256_hex(std::string_view bytes);

// What other systems ask for by name; lower-case hexadecimal. Neither withstands an adversary.
std::string md5_hex(std::string_view bytes);   // RFC 1321
std::string sha1_hex(std::string_view bytes);  // FIPS 180-4
// HMAC-SHA-256 (RFC 2104) with a key that is set up once. The same object may be used by several threads.
class HmacSha256 {
public:
  explicit HmacSha256(const Secret& key);
  ~HmacSha256();
  HmacSha256(const HmacSha256&) = delete;
  HmacSha256& operator=(const HmacSha256&) = delete;
  std::string hex(std::string_view bytes) const;  // lower-case hexadecimal

private:
  struct Keyed;
  std::unique_ptr<Keyed> keyed_;
};
// XXH64, seed 0, as KQL's hash_xxhash64(): not the XXH3 of hash64().
std::uint64_t xxhash64(std::string_view bytes);

}  // namespace capstan
