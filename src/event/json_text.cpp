#include "json_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace capstan::json {

namespace {

// Beyond it the number of digits does not count any more.
constexpr std::int64_t exponent_max = std::int64_t{1} << 60;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// How many bytes at the front a string may hold without a closer look. Sixteen at a time, in the vector types of GCC
// and Clang, which are the machine's own wherever it has them.
std::size_t plain_size(std::string_view text) {
  using Bytes = unsigned char __attribute__((vector_size(16)));
  using Halves = std::uint64_t __attribute__((vector_size(16)));
  static_assert(std::endian::native == std::endian::little);
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(Bytes); at += sizeof(Bytes)) {
    Bytes bytes;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    // 0xFF for each byte that stops.
    const auto stops = std::bit_cast<Halves>((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
    if ((stops[0] | stops[1]) == 0) continue;
    const bool is_in_first = stops[0] != 0;
    const auto first_bit = static_cast<std::size_t>(std::countr_zero(is_in_first ? stops[0] : stops[1]));
    return at + (is_in_first ? 0 : sizeof(std::uint64_t)) + first_bit / 8;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x20 && text[at] != '"' && text[at] != '\\') ++at;
  return at;
}

// The value of four hexadecimal digits at the front, or -1.
std::int32_t hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  std::int32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    value <<= 4;
    if (is_digit(c))
      value |= c - '0';
    else if (c >= 'a' && c <= 'f')
      value |= c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      value |= c - 'A' + 10;
    else
      return -1;
  }
  return value;
}

// Whether the text ends among hexadecimal digits.
bool digits_are_cut(std::string_view digits) {
  return digits.size() < 4 && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

char control(char escape) {
  switch (escape) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return escape;  // quote, backslash and solidus stand for themselves
  }
}

void append_utf8(std::uint32_t c, std::string& into) {
  const auto tail = [&](unsigned shift) { into += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    into += static_cast<char>(c);
  } else if (c < 0x800) {
    into += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    into += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    into += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

constexpr std::size_t escape_size = 6;  // of \uXXXX

struct Unit {
  std::uint32_t character = 0;
  std::size_t size = 0;  // of the escape, from the backslash on
  bool is_half = false;  // of a surrogate pair
};

constexpr Unit half{0xFFFD, escape_size, true};

// \uXXXX or the pair of them that stands for one character.
Unit unicode_escape(std::string_view text) {
  const std::int32_t first = hex4(text.substr(2));
  if (first < 0xD800 || first > 0xDFFF) return {static_cast<std::uint32_t>(first), escape_size};
  if (first > 0xDBFF || text.size() < 2 * escape_size || text[6] != '\\' || text[7] != 'u') return half;
  const std::int32_t second = hex4(text.substr(8));
  if (second < 0xDC00 || second > 0xDFFF) return half;
  return {static_cast<std::uint32_t>(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 2 * escape_size};
}

}  // namespace

std::size_t number_size(std::string_view text) {
  std::size_t at = !text.empty() && text.front() == '-' ? 1 : 0;
  const std::size_t integer = digits_end(text, at);
  if (integer == at || (text[at] == '0' && integer > at + 1)) return 0;
  at = integer;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_end(text, at + 1);
    if (fraction == at + 1) return 0;
    at = fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t digits = at + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    const std::size_t exponent = digits_end(text, digits);
    if (exponent == digits) return 0;
    at = exponent;
  }
  return at;
}

StringExtent string_extent(std::string_view text) {
  if (text.empty() || text.front() != '"') return {};
  std::size_t at = 1;
  while (true) {
    at += plain_size(text.substr(at));
    if (at == text.size()) return {at, false};
    if (text[at] == '"') return {at + 1, true};
    if (text[at] != '\\') return {at, false};
    if (at + 1 == text.size()) return {at + 1, false};
    const char escape = text[at + 1];
    if (escape == 'u') {
      const std::string_view digits = text.substr(at + 2, 4);
      if (hex4(digits) < 0) return {digits_are_cut(digits) ? text.size() : at, false};
      at += escape_size;
    } else if (std::string_view("\"\\/bfnrt").contains(escape)) {
      at += 2;
    } else {
      return {at, false};
    }
  }
}

bool append_unescaped(std::string_view text, std::string& into) {
  bool is_exact = true;
  while (!text.empty()) {
    const std::size_t backslash = text.find('\\');
    into += text.substr(0, backslash);
    if (backslash == std::string_view::npos) break;
    text.remove_prefix(backslash);
    if (text[1] != 'u') {
      into += control(text[1]);
      text.remove_prefix(2);
      continue;
    }
    const Unit unit = unicode_escape(text);
    is_exact = is_exact && !unit.is_half;
    append_utf8(unit.character, into);
    text.remove_prefix(unit.size);
  }
  return is_exact;
}

std::size_t next_half(std::string_view json, std::size_t from) {
  std::size_t at = json.find('\\', from);
  while (at != std::string_view::npos) {
    std::size_t size = 2;
    if (json[at + 1] == 'u') {
      const Unit unit = unicode_escape(json.substr(at));
      if (unit.is_half) return at;
      size = unit.size;
    }
    at = json.find('\\', at + size);
  }
  return at;
}

double real_of(std::string_view number) {
  double value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc::result_out_of_range)
    return value;
  // from_chars does not say on which side. The magnitude does: where the first digit that counts stands, and the
  // exponent.
  const bool is_negative = number.starts_with('-');
  if (is_negative) number.remove_prefix(1);
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  const std::string_view digits = number.substr(0, e);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = std::min(digits.find_first_of("123456789"), digits.size());
  const auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  std::int64_t exponent = 0;
  const std::string_view written = number.substr(std::min(e + 1, number.size()));
  const bool has_plus = written.starts_with('+');
  const char* const begin = written.data() + (has_plus ? 1 : 0);
  if (std::from_chars(begin, written.data() + written.size(), exponent).ec == std::errc::result_out_of_range)
    exponent = written.starts_with('-') ? -exponent_max : exponent_max;
  const double size = std::clamp(exponent, -exponent_max, exponent_max) + magnitude > 0 ? HUGE_VAL : 0.0;
  return is_negative ? -size : size;
}

}  // namespace capstan::json
