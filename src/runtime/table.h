// Aligned columns for a terminal: text to the left, figures to the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace capstan::runtime {

class Table {
public:
  enum class Align { left, right };
  void column(std::string title, Align align) { columns_.push_back({std::move(title), align}); }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool is_empty() const { return rows_.empty(); }
  // Each line ends with a line end; two blanks between columns, no blanks at the end of a line.
  std::string text() const;

private:
  struct Column {
    std::string title;
    Align align;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "1,234,567"
std::string grouped(std::uint64_t n);

}  // namespace capstan::runtime
