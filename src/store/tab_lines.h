// Lines of fields that are separated by tabs, behind a title with a checksum: the form of the small files that are
// replaced as a whole. `%` and bytes below 0x20 in a text are written %xx.
//
//   capstan proof 1 89abcdef        title, CRC-32C of all that follows
//   field \t field \t …
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::store {

std::string escape_field(std::string_view text);
std::optional<std::string> unescape_field(std::string_view field);
std::vector<std::string_view> split_fields(std::string_view line);

template <class N>
bool parse_field(std::string_view field, N& number) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  return error == std::errc{} && end == field.data() + field.size();
}

std::string with_checksum(std::string_view title, std::string_view lines);
// The lines, each without its end; nothing when title or checksum do not fit or the last line has no end.
std::optional<std::vector<std::string_view>> checked_lines(std::string_view title, std::string_view text);

}  // namespace capstan::store
