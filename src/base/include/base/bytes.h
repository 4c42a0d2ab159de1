// An amount of bytes, so that a unit is never guessed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace capstan {

struct Bytes {
  std::uint64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};

constexpr Bytes operator""_B(unsigned long long n) { return Bytes{n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes{n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes{n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes{n << 30}; }

// "64MiB", "1GiB", "500kB", "10GB", "4096B"; nothing for anything else (a bare number too).
std::optional<Bytes> parse_bytes(std::string_view text);
// The shortest exact form that parse_bytes takes: "64MiB".
std::string to_string(Bytes b);
// For people, one decimal: "14.2 MiB".
std::string to_human(Bytes b);

}  // namespace capstan
