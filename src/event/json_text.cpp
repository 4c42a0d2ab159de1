#include "json_text.h"

#include <array>
#include <cstdint>

namespace capstan::json {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// What a string may hold without a closer look.
constexpr auto is_plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < table.size(); ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

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

struct Unit {
  std::uint32_t character = 0;
  std::size_t size = 0;  // of the escape, from the backslash on; 0: half a pair
};

// \uXXXX or the pair of them that stands for one character.
Unit unicode_escape(std::string_view text) {
  const std::int32_t first = hex4(text.substr(2));
  if (first < 0xD800 || first > 0xDFFF) return {static_cast<std::uint32_t>(first), 6};
  if (first > 0xDBFF || text.size() < 12 || text[6] != '\\' || text[7] != 'u') return {};
  const std::int32_t second = hex4(text.substr(8));
  if (second < 0xDC00 || second > 0xDFFF) return {};
  return {static_cast<std::uint32_t>(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 12};
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

std::size_t string_size(std::string_view text) {
  if (text.empty() || text.front() != '"') return 0;
  std::size_t at = 1;
  while (true) {
    while (at < text.size() && is_plain[static_cast<unsigned char>(text[at])]) ++at;
    if (at == text.size()) return 0;
    if (text[at] == '"') return at + 1;
    if (text[at] != '\\' || at + 1 == text.size()) return 0;
    const char escape = text[at + 1];
    if (escape == 'u') {
      if (hex4(text.substr(at + 2)) < 0) return 0;
      at += 6;
    } else if (std::string_view("\"\\/bfnrt").contains(escape)) {
      at += 2;
    } else {
      return 0;
    }
  }
}

bool append_unescaped(std::string_view text, std::string& into) {
  const std::size_t before = into.size();
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
    if (unit.size == 0) {
      into.resize(before);
      return false;
    }
    append_utf8(unit.character, into);
    text.remove_prefix(unit.size);
  }
  return true;
}

}  // namespace capstan::json
