#include "tab_lines.h"

#include <fmt/format.h>

#include "base/digest.h"

namespace capstan::store {

std::string escape_field(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '%' || static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result;
}

std::optional<std::string> unescape_field(std::string_view field) {
  std::string result;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '%') {
      result += field[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= field.size()) return {};
    const auto [end, error] = std::from_chars(field.data() + i + 1, field.data() + i + 3, value, 16);
    if (error != std::errc{} || end != field.data() + i + 3) return {};
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t end = line.find('\t');
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

std::string with_checksum(std::string_view title, std::string_view lines) {
  return fmt::format("{} {:08x}\n{}", title, crc32c(lines), lines);
}

std::optional<std::vector<std::string_view>> checked_lines(std::string_view title, std::string_view text) {
  const std::size_t head_size = title.size() + 10;
  if (text.size() < head_size) return {};
  std::string_view lines = text.substr(head_size);
  if (text.substr(0, head_size) != fmt::format("{} {:08x}\n", title, crc32c(lines))) return {};
  std::vector<std::string_view> result;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (end == std::string_view::npos) return {};
    result.push_back(lines.substr(0, end));
    lines.remove_prefix(end + 1);
  }
  return result;
}

}  // namespace capstan::store
