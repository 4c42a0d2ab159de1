// Rows of CSV as RFC 4180 has it; lines may end with LF alone, and the last one need not end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "arena.h"
#include "base/result.h"

namespace capstan::kql {

class CsvReader {
public:
  // `text` outlives the reader. A byte order mark is passed over.
  explicit CsvReader(std::string_view text);

  // Goes to the next row; false at the end. Fails with table_refused, without a place, at line().
  Result<bool> next();
  // Of the row; valid until the next call.
  const std::vector<std::string_view>& cells() const { return cells_; }
  // Where the row begins, from 1.
  std::size_t line() const { return line_; }

private:
  Result<> read_cell();
  Result<std::string_view> read_quoted();
  bool is_at_line_end() const;
  void pass_line_end();

  std::string_view rest_;
  std::size_t line_ = 0;
  std::size_t next_line_ = 1;
  std::vector<std::string_view> cells_;
  Arena arena_;  // cells with doubled quotes, of one row
};

}  // namespace capstan::kql
