#include "cursor_file.h"

#include <fmt/format.h>

#include <charconv>

#include "base/digest.h"

namespace capstan::store {

namespace {

constexpr std::string_view title = "capstan cursors ";
constexpr std::string_view version_1 = "1 ";
constexpr std::string_view version_2 = "2 ";

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

bool parse_position(std::string_view text, Position& position) {
  const std::size_t dot = text.find('.');
  return dot != std::string_view::npos && parse(text.substr(0, dot), position.offset) &&
         parse(text.substr(dot + 1), position.index);
}

std::optional<Cursor> read_line_1(std::string_view line) {
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

// Where a field's value goes; false when it is none.
bool take_field(std::string_view name, std::string_view value, Cursor& cursor) {
  struct Number {
    std::string_view name;
    std::uint64_t Cursor::* member;
  };
  static constexpr Number numbers[] = {{"number", &Cursor::number},
                                       {"began_at", &Cursor::began_at},
                                       {"attempted_to", &Cursor::attempted_to},
                                       {"delivered", &Cursor::delivered},
                                       {"dropped", &Cursor::dropped},
                                       {"rejected", &Cursor::rejected},
                                       {"resent", &Cursor::resent},
                                       {"lost_to_retention", &Cursor::lost_to_retention},
                                       {"lost_to_damage", &Cursor::lost_to_damage}};
  for (const Number& one : numbers)
    if (one.name == name) return parse(value, cursor.*one.member);
  if (name == "position") return parse_position(value, cursor.position);
  if (name == "unsure_from") return parse_position(value, cursor.unsure_from.emplace());
  if (name != "route" && name != "receipt") return true;
  auto text = unescape(value);
  if (!text) return false;
  (name == "route" ? cursor.route : cursor.receipt) = std::move(*text);
  return true;
}

bool take_mark(std::string_view name, std::string_view value, CursorFile::Marks& marks) {
  if (name == "durable") return parse(value, marks.durable.offset);
  if (name == "records") return parse(value, marks.durable.records);
  if (name == "removed") return parse(value, marks.removed.offset);
  if (name == "removed_records") return parse(value, marks.removed.records);
  return true;
}

// "journal" or "cursor", then name=value, separated by tabs.
bool read_line_2(std::string_view line, CursorFile& file) {
  const auto parts = split(line, '\t');
  CursorFile::Marks marks;
  Cursor cursor;
  const bool is_cursor = parts.front() == "cursor";
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = parts[i].substr(0, equals);
    const std::string_view value = parts[i].substr(equals + 1);
    if (!(is_cursor ? take_field(name, value, cursor) : take_mark(name, value, marks))) return false;
  }
  if (is_cursor) file.cursors.push_back(std::move(cursor));
  if (parts.front() == "journal") file.marks = marks;
  return true;
}

}  // namespace

std::string write_cursors(const CursorFile::Marks& marks, const std::vector<Cursor>& cursors) {
  std::string lines =
      fmt::format("journal\tdurable={}\trecords={}\tremoved={}\tremoved_records={}\n", marks.durable.offset,
                  marks.durable.records, marks.removed.offset, marks.removed.records);
  for (const Cursor& c : cursors) {
    lines += fmt::format("cursor\troute={}\tposition={}\tnumber={}", escape(c.route), to_string(c.position), c.number);
    if (c.unsure_from) lines += fmt::format("\tunsure_from={}", to_string(*c.unsure_from));
    lines += fmt::format(
        "\tbegan_at={}\tattempted_to={}\tdelivered={}\tdropped={}\trejected={}\tresent={}\tlost_to_retention={}"
        "\tlost_to_damage={}\treceipt={}\n",
        c.began_at, c.attempted_to, c.delivered, c.dropped, c.rejected, c.resent, c.lost_to_retention, c.lost_to_damage,
        escape(c.receipt));
  }
  return fmt::format("{}{}{:08x}\n{}", title, version_2, crc32c(lines), lines);
}

std::optional<CursorFile> read_cursors(std::string_view text) {
  constexpr std::size_t head_size = title.size() + version_1.size() + 9;
  if (text.size() < head_size || !text.starts_with(title)) return {};
  const std::string_view version = text.substr(title.size(), version_1.size());
  std::string_view lines = text.substr(head_size);
  if (text.substr(head_size - 9, 9) != fmt::format("{:08x}\n", crc32c(lines))) return {};
  CursorFile file;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return {};
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (version == version_2) {
      if (!read_line_2(line, file)) return {};
      continue;
    }
    auto cursor = version == version_1 ? read_line_1(line) : std::nullopt;
    if (!cursor) return {};
    file.cursors.push_back(std::move(*cursor));
  }
  return file;
}

}  // namespace capstan::store
