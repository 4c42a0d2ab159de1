#include "base/bytes.h"

#include <fmt/format.h>

#include <array>

namespace capstan {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};
// Binary units first and largest first: to_string takes the first that divides.
constexpr std::array units{Unit{"TiB", 1ULL << 40},
                           Unit{"GiB", 1ULL << 30},
                           Unit{"MiB", 1ULL << 20},
                           Unit{"KiB", 1ULL << 10},
                           Unit{"TB", 1'000'000'000'000ULL},
                           Unit{"GB", 1'000'000'000ULL},
                           Unit{"MB", 1'000'000ULL},
                           Unit{"kB", 1'000ULL},
                           Unit{"B", 1}};

}  // namespace

std::optional<Bytes> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    const auto digit = static_cast<std::uint64_t>(text[digits] - '0');
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number) || __builtin_add_overflow(number, digit, &number))
      return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  for (const Unit& unit : units) {
    if (text != unit.name && !(text == "KB" && unit.name == "kB")) continue;
    if (__builtin_mul_overflow(number, unit.size, &number)) return std::nullopt;
    return Bytes{number};
  }
  return std::nullopt;
}

std::string to_string(Bytes b) {
  for (const Unit& unit : units)
    if (b.count >= unit.size && b.count % unit.size == 0) return fmt::format("{}{}", b.count / unit.size, unit.name);
  return "0B";
}

std::string to_human(Bytes b) {
  for (const Unit& unit : units) {
    if (!unit.name.contains('i') || b.count < unit.size) continue;
    return fmt::format("{:.1f} {}", static_cast<double>(b.count) / static_cast<double>(unit.size), unit.name);
  }
  return fmt::format("{} B", b.count);
}

}  // namespace capstan
