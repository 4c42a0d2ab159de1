// Texts of a line as the values of a schema's columns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "kql/types.h"

namespace capstan::app {

// The columns of one of the named schemas, by name.
class LineColumns {
public:
  explicit LineColumns(std::string_view schema_name);
  bool has(std::string_view name) const { return type(name).has_value(); }
  // JSON: a number where the column is one and the text says one that fits, a date in ISO 8601 where the column is a
  // datetime and the text says one, else text. So what the column's type cannot hold is kept, and null to a rule.
  std::string json(std::string_view name, std::string_view text, Timestamp now) const;
  // Whether the column's type can say it.
  bool holds(std::string_view name, std::string_view text) const;

private:
  std::optional<kql::Type> type(std::string_view name) const;
  std::unordered_map<std::string_view, kql::Type> types_;  // names of the schema's own
};

// What a syslog header before "CEF:" or "LEEF:" says.
struct LineHeader {
  std::string host;
  std::optional<Timestamp> time;
};
LineHeader read_line_header(std::string_view prefix, Timestamp now);

}  // namespace capstan::app
