#include "kql/schemas.h"

#include <fmt/format.h>

#include <algorithm>

#include "meta.h"
#include "schema_tables.h"

namespace capstan::kql {

namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\n')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

std::string_view take(std::string_view& text, char delimiter) {
  const std::size_t end = std::min(text.find(delimiter), text.size());
  const std::string_view piece = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return piece;
}

// The tables are texts that we wrote: one column a line, "name type [ms] note".
Schema read_table(std::string_view lines, bool is_open) {
  Schema schema;
  schema.is_open = is_open;
  while (!lines.empty()) {
    std::string_view line = take(lines, '\n');
    if (line.empty()) continue;
    Column column;
    column.name = take(line, ' ');
    column.type = parse_type(take(line, ' ')).value_or(Type::dynamic);
    if (line == "ms" || line.starts_with("ms ")) {
      column.is_epoch_ms = true;
      take(line, ' ');
    }
    column.note = line;
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

std::vector<NamedSchema> read_tables() {
  std::vector<NamedSchema> all;
  for (const tables::Table& table : tables::all)
    all.push_back({std::string(table.name), std::string(table.summary),
                   read_table(std::string(table.columns) + std::string(table.more_columns), table.is_open)});
  return all;
}

void merge(Schema& into, const Schema& other) {
  for (const Column& column : other.columns) {
    const auto known = into.find(column.name);
    if (!known) {
      into.columns.push_back(column);
    } else if (Column& mine = into.columns[*known];
               mine.type != column.type || mine.is_epoch_ms != column.is_epoch_ms) {
      mine.type = Type::dynamic;
      mine.is_epoch_ms = false;
      mine.note = "its type depends on _Feed";
    }
  }
}

}  // namespace

const std::vector<NamedSchema>& named_schemas() {
  static const std::vector<NamedSchema> all = read_tables();
  return all;
}

const NamedSchema* find_schema(std::string_view name) {
  const auto found = std::ranges::find(named_schemas(), name, &NamedSchema::name);
  return found == named_schemas().end() ? nullptr : &*found;
}

std::vector<Column> meta_columns() {
  std::vector<Column> columns;
  for (const MetaColumn& row : meta_column_table)
    columns.push_back({std::string(row.name), row.type, false, std::string(row.note)});
  return columns;
}

Schema with_meta_columns(Schema schema) {
  for (Column& column : meta_columns())
    if (!schema.find(column.name)) schema.columns.push_back(std::move(column));
  return schema;
}

Schema schema_of_feeds(std::span<const std::string> feeds) {
  Schema all;
  all.is_open = true;
  for (const std::string& feed : feeds)
    if (const NamedSchema* known = find_schema(feed)) merge(all, known->schema);
  return with_meta_columns(std::move(all));
}

Result<Schema> parse_schema(std::string_view text) {
  const auto wrong = [&](std::string why) {
    return Error(ErrorCode::wrong_usage, fmt::format("reading the schema \"{}\": {}", text, why));
  };
  Schema schema;
  schema.is_open = true;
  for (std::string_view rest = trimmed(text); !rest.empty();) {
    const std::string_view declaration = take(rest, ',');
    std::string_view parts = declaration;
    Column column;
    column.name = take(parts, ':');
    const std::string_view type_name = take(parts, ':');
    if (column.name.empty() || type_name.empty())
      return wrong(fmt::format("expected name:type, got \"{}\"", declaration));
    const auto type = parse_type(type_name);
    if (!type)
      return wrong(fmt::format(
          "expected bool, int, long, real, string, datetime, timespan, guid or dynamic, got \"{}\"", type_name));
    column.type = *type;
    column.is_epoch_ms = parts == "ms";
    if (!parts.empty() && (!column.is_epoch_ms || column.type != Type::datetime))
      return wrong(fmt::format("expected \":ms\" behind a datetime, got \"{}\"", declaration));
    if (schema.find(column.name)) return wrong(fmt::format("the column \"{}\" stands twice", column.name));
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

}  // namespace capstan::kql
