#include "table.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::app {

namespace {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width_of(column.heading));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string text;
  const auto line = [&](const auto& cell_of) {
    std::string one;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string blanks(widths[i] - width_of(cell), ' ');
      one += (i == 0 ? "" : "  ") + (columns_[i].align == Align::right ? blanks + cell : cell + blanks);
    }
    one.erase(one.find_last_not_of(' ') + 1);
    text += one + "\n";
  };
  line([&](std::size_t i) -> const std::string& { return columns_[i].heading; });
  for (const auto& row : rows_) line([&](std::size_t i) -> const std::string& { return row[i]; });
  return text;
}

std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string roughly(Duration d) {
  using namespace std::chrono;
  if (d < 1s) return fmt::format("{} ms", d.count());
  if (d < 2min) return fmt::format("{} s", duration_cast<seconds>(d).count());
  if (d < 2h) return fmt::format("{} min", duration_cast<minutes>(d).count());
  if (d < 48h) return fmt::format("{} h", duration_cast<hours>(d).count());
  return fmt::format("{} d", duration_cast<days>(d).count());
}

}  // namespace capstan::app
