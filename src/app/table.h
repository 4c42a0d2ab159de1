// Columns under each other, for a terminal. Widths are counted in characters, not bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace capstan::app {

enum class Align : std::uint8_t { left, right };

class Table {
public:
  struct Column {
    std::string heading;
    Align align = Align::left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool is_empty() const { return rows_.empty(); }
  // Ends with a line end; no line ends with a blank.
  std::string text() const;

private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "1,234,567"
std::string grouped(std::uint64_t n);
// "3 s", "12 min", "5 h", "2 d": how long, for people.
std::string roughly(Duration d);

}  // namespace capstan::app
