#include "cef_text.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace capstan::cef {

namespace {

using Table = std::array<bool, 256>;

constexpr Table stops_at(std::string_view characters) {
  Table table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  for (const char c : characters) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr Table stops_value = stops_at("\\=");
constexpr Table stops_header = stops_at("\\|");

bool is_blank_or_control(char c) { return static_cast<unsigned char>(c) <= 0x20; }
bool becomes_space(char c) { return is_blank_or_control(c) && c != '\n' && c != '\r'; }

template <class Goes>
std::string_view without_ends(std::string_view text, Goes goes) {
  while (!text.empty() && goes(text.front())) text.remove_prefix(1);
  while (!text.empty() && goes(text.back())) text.remove_suffix(1);
  return text;
}

// Copies runs of plain characters whole, and what `write` makes of the others.
template <class Write>
void append_runs(std::string_view text, const Table& stops, std::string& out, Write write) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!stops[static_cast<unsigned char>(text[at])]) continue;
    out.append(text, begin, at - begin);
    write(text[at]);
    begin = at + 1;
  }
  out.append(text, begin);
}

}  // namespace

void append_value(std::string_view text, std::string& out) {
  append_runs(text, stops_value, out, [&](char c) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '=':
        out += "\\=";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += ' ';
    }
  });
}

void append_header(std::string_view text, std::string& out) {
  append_runs(text, stops_header, out, [&](char c) {
    if (c == '\\' || c == '|') {
      out += '\\';
      out += c;
    } else {
      out += ' ';
    }
  });
}

std::string_view trimmed(std::string_view text) { return without_ends(text, becomes_space); }

std::string_view trimmed_header(std::string_view text) { return without_ends(text, is_blank_or_control); }

std::string_view as_utf8(std::string_view text, std::string& scratch) {
  if (is_utf8(text)) return text;
  scratch = capstan::as_utf8(text);
  return scratch;
}

}  // namespace capstan::cef
