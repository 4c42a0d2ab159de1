#include "base/time.h"
#include "dice.h"
#include "records.h"

namespace capstan::simulator {
namespace {

constexpr std::uint64_t factor = 0xd1342543de82ef95;  // odd, so it has an inverse modulo 2^64

constexpr std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;
  for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;  // Newton: each step doubles the bits that are right
  return inverse;
}
static_assert(inverse_of(factor) * factor == 1);

std::uint64_t key_of(std::uint64_t seed, Stream stream) { return mix(mix(seed) + static_cast<std::uint64_t>(stream)); }

void append_digits(std::string& out, std::uint64_t number) {
  constexpr char hex[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += hex[(number >> shift) & 15];
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string id_digits(std::uint64_t seed, Stream stream, std::uint32_t index) {
  std::string digits;
  append_digits(digits, ((std::uint64_t{index} + 1) * factor) ^ key_of(seed, stream));
  return digits;
}

std::optional<std::uint32_t> index_of_digits(std::uint64_t seed, Stream stream, std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (digits.size() == 16) break;
    if (c == '-') continue;  // inside a GUID
    if (is_hex(c)) {
      digits += c;
    } else {
      digits.clear();
    }
  }
  if (digits.size() < 16) return std::nullopt;
  const std::uint64_t number = std::stoull(digits, nullptr, 16);
  const std::uint64_t index = (number ^ key_of(seed, stream)) * inverse_of(factor) - 1;
  if (index > 0xfffffffe) return std::nullopt;
  return static_cast<std::uint32_t>(index);
}

std::string hex_digits(std::uint64_t seed, std::uint64_t count) {
  std::string digits;
  for (std::uint64_t part = 1; digits.size() < count; ++part) append_digits(digits, mix(seed ^ mix(part)));
  digits.resize(count);
  return digits;
}

std::string as_guid(std::string_view digits) {
  std::string guid(digits.substr(0, 32));
  for (const std::size_t place : {20U, 16U, 12U, 8U}) guid.insert(place, 1, '-');
  return guid;
}

std::string iso_time(std::int64_t ms) { return to_iso8601(from_epoch_ms(ms)); }

}  // namespace capstan::simulator
