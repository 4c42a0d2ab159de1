#include "csv_reader.h"

#include <algorithm>

#include "kql/table.h"

namespace capstan::kql {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

Error refused(const char* sentence) { return {ErrorCode::table_refused, sentence}; }

}  // namespace

CsvReader::CsvReader(std::string_view text) : rest_(text) {
  if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
}

bool CsvReader::is_at_line_end() const { return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n"); }

void CsvReader::pass_line_end() {
  if (rest_.empty()) return;
  rest_.remove_prefix(rest_.front() == '\n' ? 1 : 2);
  ++next_line_;
}

Result<bool> CsvReader::next() {
  cells_.clear();
  arena_.clear();
  line_ = next_line_;
  if (rest_.empty()) return false;
  while (true) {
    TRY(read_cell());
    if (cells_.size() > table_columns_max) return refused("expected at most 256 cells");
    if (is_at_line_end()) break;
    rest_.remove_prefix(1);  // the comma
  }
  pass_line_end();
  return true;
}

// Up to the comma or the end of the line, which stay.
Result<> CsvReader::read_cell() {
  if (rest_.starts_with('"')) {
    cells_.push_back(TRY(read_quoted()));
    if (!is_at_line_end() && rest_.front() != ',')
      return refused("expected \",\" or the end of the line after a quote");
    return {};
  }
  std::size_t end = std::min(rest_.find_first_of(",\n\""), rest_.size());
  if (end < rest_.size() && rest_[end] == '"')
    return refused("expected a cell that is quoted as a whole, got a quote inside");
  const std::size_t stop = end;
  if (end > 0 && end < rest_.size() && rest_[end] == '\n' && rest_[end - 1] == '\r') --end;
  cells_.push_back(rest_.substr(0, end));
  rest_.remove_prefix(end < stop ? end : stop);
  return {};
}

Result<std::string_view> CsvReader::read_quoted() {
  rest_.remove_prefix(1);
  std::size_t doubled = 0;
  std::size_t end = 0;
  while (true) {
    end = rest_.find('"', end);
    if (end == std::string_view::npos) return refused("expected a quote that closes, got the end of the file");
    if (!rest_.substr(end).starts_with("\"\"")) break;
    ++doubled;
    end += 2;
  }
  const std::string_view quoted = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  next_line_ += static_cast<std::size_t>(std::ranges::count(quoted, '\n'));
  if (doubled == 0) return quoted;
  const std::span<char> plain = arena_.array<char>(quoted.size() - doubled);
  std::size_t to = 0;
  for (std::size_t from = 0; from < quoted.size(); ++from) {
    plain[to++] = quoted[from];
    if (quoted[from] == '"') ++from;
  }
  return std::string_view(plain.data(), to);
}

}  // namespace capstan::kql
