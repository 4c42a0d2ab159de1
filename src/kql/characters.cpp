#include "characters.h"

#include <cstdint>

namespace capstan::kql {

char32_t next_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const std::uint32_t first = byte(at);
  if (first >= 0xC2 && first < 0xE0 && follows(at + 1)) {
    at += 2;
    return ((first & 0x1F) << 6) | (byte(at - 1) & 0x3F);
  }
  if (first >= 0xE0 && first < 0xF0 && follows(at + 1) && follows(at + 2)) {
    at += 3;
    return ((first & 0x0F) << 12) | ((byte(at - 2) & 0x3F) << 6) | (byte(at - 1) & 0x3F);
  }
  if (first >= 0xF0 && first < 0xF5 && follows(at + 1) && follows(at + 2) && follows(at + 3)) {
    at += 4;
    return ((first & 0x07) << 18) | ((byte(at - 3) & 0x3F) << 12) | ((byte(at - 2) & 0x3F) << 6) |
           (byte(at - 1) & 0x3F);
  }
  ++at;
  return first;
}

void append_character(char32_t c, std::string& out) {
  const auto piece = [&](std::uint32_t value) { out += static_cast<char>(value); };
  const auto code = static_cast<std::uint32_t>(c);
  if (code < 0x80) {
    piece(code);
  } else if (code < 0x800) {
    piece(0xC0 | (code >> 6));
    piece(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    piece(0xE0 | (code >> 12));
    piece(0x80 | ((code >> 6) & 0x3F));
    piece(0x80 | (code & 0x3F));
  } else {
    piece(0xF0 | (code >> 18));
    piece(0x80 | ((code >> 12) & 0x3F));
    piece(0x80 | ((code >> 6) & 0x3F));
    piece(0x80 | (code & 0x3F));
  }
}

char32_t fold(char32_t c) {
  if (c < 0x80) return c >= U'A' && c <= U'Z' ? c + 32 : c;
  if ((c >= 0xC0 && c <= 0xD6) || (c >= 0xD8 && c <= 0xDE)) return c + 32;
  if (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return (c & 1) != 0 ? c + 1 : c;
  if (c >= 0x14A && c <= 0x177) return c | 1;
  if (c == 0x178) return 0xFF;
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 32;
  if (c == 0x3C2) return 0x3C3;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  return c;
}

void fold_into(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(text, at);
    if (at - begin == 1 && c >= 0x80) {
      out += text[begin];
    } else {
      append_character(fold(c), out);
    }
  }
}

bool is_term_character(char32_t c) {
  if (c < 0x80) return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return false;
  // General punctuation, symbols, private use and the like are not letters; the other blocks nearly are.
  return !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x3004) && !(c >= 0x3008 && c <= 0x3020) &&
         !(c >= 0xE000 && c <= 0xF8FF) && !(c >= 0xFE10 && c <= 0xFE6F) && !(c >= 0xFF01 && c <= 0xFF0F) &&
         !(c >= 0xFFF0 && c <= 0xFFFF) && !(c >= 0x1F000 && c <= 0x1FAFF);
}

}  // namespace capstan::kql
