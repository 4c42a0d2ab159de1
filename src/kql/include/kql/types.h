// KQL's scalar types, and a table's columns. Sources: docs "Scalar data types"; the subset for transformations of
// single records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::kql {

enum class Type : std::uint8_t { boolean, integer, long_integer, real, string, datetime, timespan, guid, dynamic };

// "bool", "int", "long", "real", "string", "datetime", "timespan", "guid", "dynamic"
std::string_view to_string(Type type);
// Takes the aliases too: boolean, double, date, time, uniqueid.
std::optional<Type> parse_type(std::string_view name);

struct Column {
  std::string name;
  Type type = Type::dynamic;
  bool is_epoch_ms = false;  // a datetime column whose record member is milliseconds since 1970
  std::string note;          // for people
};

struct Schema {
  std::vector<Column> columns;
  // Whether members that no column names may be used; they are dynamic then.
  bool is_open = false;
  std::optional<std::size_t> find(std::string_view name) const;
};

}  // namespace capstan::kql
