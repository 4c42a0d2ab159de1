// Checksums and digests, each for one purpose.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

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
// XXH64, seed 0, as KQL's hash_xxhash64(): not the XXH3 of hash64().
std::uint64_t xxhash64(std::string_view bytes);

}  // namespace capstan
