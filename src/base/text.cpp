#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace capstan {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Bytes of the well-formed character at the front (Unicode 15, table 3-7), or 0.
std::size_t character_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = first == 0xE0   ? at(1) >= 0xA0 && at(1) <= 0xBF
                        : first == 0xED ? at(1) >= 0x80 && at(1) <= 0x9F
                                        : follows(1);
    return second && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = first == 0xF0   ? at(1) >= 0x90 && at(1) <= 0xBF
                        : first == 0xF4 ? at(1) >= 0x80 && at(1) <= 0x8F
                                        : follows(1);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t surrogate_size = 3;

// The code of the surrogate (Unicode 15, D71 to D73) at the front, as three bytes, or 0.
std::uint32_t surrogate(std::string_view text) {
  if (text.size() < surrogate_size || text[0] != '\xED' || !is_continuation(text[1]) || !is_continuation(text[2]))
    return 0;
  const std::uint32_t code =
      0xD000U | ((static_cast<unsigned char>(text[1]) & 0x3FU) << 6) | (static_cast<unsigned char>(text[2]) & 0x3FU);
  return code >= 0xD800 ? code : 0;
}

// A character of four bytes.
std::string supplementary(std::uint32_t code) {
  const auto piece = [&](unsigned shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  return {static_cast<char>(0xF0 | (code >> 18)), piece(12), piece(6), piece(0)};
}

// What stands for the wrong bytes at the front, and how many they are.
struct Mended {
  std::string text;
  std::size_t size = 1;
};
Mended mended(std::string_view text) {
  const std::uint32_t first = surrogate(text);
  if (first == 0) return {std::string(replacement), 1};
  const std::uint32_t second = surrogate(text.substr(surrogate_size));
  if (first < 0xDC00 && second >= 0xDC00)
    return {supplementary(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 2 * surrogate_size};
  return {std::string(replacement), surrogate_size};
}

// Edits to turn one word into the other; swapping two neighbours counts as one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string_view cut_utf8(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  std::size_t end = size_max;
  // A character has at most three continuation bytes; longer runs are not UTF-8 and may be cut anywhere.
  for (int steps = 0; steps < 3 && end > 0 && is_continuation(text[end]); ++steps) --end;
  return text.substr(0, is_continuation(text[end]) ? size_max : end);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool is_wtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = surrogate(text) != 0 ? surrogate_size : character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t size = character_size(text);
    if (size > 0) {
      out += text.substr(0, size);
    } else {
      const Mended character = mended(text);
      out += character.text;
      size = character.size;
    }
    text.remove_prefix(size);
  }
  return out;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t length_max = 64;
  std::string_view best;
  std::size_t best_distance = 3;
  if (word.size() > length_max) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > length_max) continue;
    const std::size_t d = distance(word, candidate);
    if (d < best_distance && d * 2 < std::max(word.size(), candidate.size())) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    std::size_t size = character_size(text);
    const char c = text.front();
    if (size == 0) {
      const Mended character = mended(text);
      out += character.text;
      size = character.size;
    } else if (size > 1) {
      out += text.substr(0, size);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
    text.remove_prefix(size);
  }
  out += '"';
  return out;
}

}  // namespace capstan
