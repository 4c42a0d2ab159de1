// Tables as people keep them: CSV (RFC 4180, the first row names the columns), one JSON array of objects, or an object
// a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kql/table.h"

namespace capstan::kql {

enum class TableFormat : std::uint8_t { csv, json, ndjson };

constexpr std::uint64_t table_text_max = 64U << 20;  // bytes of one file

struct TableText {
  std::string name;  // of the file, for messages
  std::string_view text;
  TableFormat format = TableFormat::csv;
  // What the table has; what the text has besides is passed over. Nothing: every column of the text, which are string
  // in CSV; in JSON the narrowest type that holds every value.
  std::optional<std::vector<Column>> columns;
};

// table_refused with "offices.csv:12: …" where the text is not well-formed, lacks a column, or has a value that is none
// of its column's type (an empty cell of CSV is null, and "" where the column is a string).
Result<TablePtr> read_table(const TableText& source);

// By the file's extension: csv, json, ndjson or jsonl.
std::optional<TableFormat> format_of_file(std::string_view path);

}  // namespace capstan::kql
