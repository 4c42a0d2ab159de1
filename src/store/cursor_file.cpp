#include "cursor_file.h"

#include <fmt/format.h>

#include <charconv>

#include "base/digest.h"

namespace capstan::store {

namespace {

constexpr std::string_view title = "capstan cursors 1 ";

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '%' || static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return {};
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (error != std::errc{} || end != text.data() + i + 3) return {};
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

template <class N>
bool parse(std::string_view text, N& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(mark);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<Cursor> read_line(std::string_view line) {
  const auto parts = split(line, '\t');
  if (parts.size() != 11) return {};
  Cursor cursor;
  const auto route = unescape(parts[0]);
  const auto receipt = unescape(parts[10]);
  if (!route || !receipt || !parse(parts[1], cursor.position.offset) || !parse(parts[2], cursor.position.index) ||
      !parse(parts[3], cursor.delivered) || !parse(parts[4], cursor.dropped) || !parse(parts[5], cursor.rejected) ||
      !parse(parts[6], cursor.resent) || !parse(parts[7], cursor.lost_to_retention))
    return {};
  // A "-" for both: nothing is unsure.
  if (parts[8] != "-" || parts[9] != "-") {
    Position unsure;
    if (!parse(parts[8], unsure.offset) || !parse(parts[9], unsure.index)) return {};
    cursor.unsure_from = unsure;
  }
  cursor.route = *route;
  cursor.receipt = *receipt;
  return cursor;
}

}  // namespace

std::string write_cursors(const std::vector<Cursor>& cursors) {
  std::string lines;
  for (const Cursor& c : cursors) {
    const std::string unsure =
        c.unsure_from ? fmt::format("{}\t{}", c.unsure_from->offset, c.unsure_from->index) : "-\t-";
    lines +=
        fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", escape(c.route), c.position.offset, c.position.index,
                    c.delivered, c.dropped, c.rejected, c.resent, c.lost_to_retention, unsure, escape(c.receipt));
  }
  return fmt::format("{}{:08x}\n{}", title, crc32c(lines), lines);
}

std::optional<std::vector<Cursor>> read_cursors(std::string_view text) {
  constexpr std::size_t head_size = title.size() + 9;
  if (text.size() < head_size || !text.starts_with(title)) return {};
  std::string_view lines = text.substr(head_size);
  if (text.substr(title.size(), 9) != fmt::format("{:08x}\n", crc32c(lines))) return {};
  std::vector<Cursor> cursors;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return {};
    auto cursor = read_line(lines.substr(0, end));
    if (!cursor) return {};
    cursors.push_back(std::move(*cursor));
    lines.remove_prefix(end + 1);
  }
  return cursors;
}

}  // namespace capstan::store
