#include "kql/table_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "csv_reader.h"
#include "dynamic_form.h"
#include "event/json_check.h"
#include "event/json_split.h"
#include "input.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

constexpr std::size_t excerpt_max = 80;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

Error refused(const TableText& source, std::size_t line, std::string_view sentence) {
  return {ErrorCode::table_refused, fmt::format("{}:{}: {}", source.name, line, sentence)};
}

// Puts rows into the table, value by value.
class Filling {
public:
  Filling(const TableText& source, std::vector<Column> columns) : source_(source), builder_(columns) {
    for (const Column& column : columns)
      inputs_.push_back({column.name, {}, {}, column.type, column.is_epoch_ms, true});
    row_.resize(inputs_.size());
  }

  std::size_t size() const { return inputs_.size(); }
  const std::string& name(std::size_t column) const { return inputs_[column].column; }
  void begin_row() {
    work_.arena.clear();
    for (std::size_t i = 0; i < inputs_.size(); ++i) row_[i] = Datum::null(inputs_[i].type);
  }
  Result<> set_text(std::size_t column, std::string_view text, std::size_t line) {
    const Input& input = inputs_[column];
    if (text.empty()) return {};
    if (input.type == Type::dynamic) {
      row_[column] = read_dynamic_input(text, work_);
      if (row_[column].is_null && text != "null") row_[column] = dynamic_text(text);
      return {};
    }
    row_[column] = read_input(Value{.type = Value::Type::string, .text = text, .items = {}}, input, work_);
    return check(column, fmt::format("\"{}\"", cut_utf8(text, excerpt_max)), line);
  }
  Result<> set_json(std::size_t column, const Dynamic& value, std::size_t line) {
    if (value.kind == Dynamic::Kind::null) return {};
    row_[column] = read_input(value, inputs_[column], work_);
    if (!row_[column].is_null) return {};
    std::string text;
    append_json(value, text);
    return check(column, cut_utf8(text, excerpt_max), line);
  }
  Result<> end_row(std::size_t line) {
    const Result<> added = builder_.add(row_);
    if (!added) return refused(source_, line, added.error().sentence());
    return {};
  }
  TablePtr finish() { return builder_.finish(); }

private:
  Datum dynamic_text(std::string_view text) {
    const auto place = work_.arena.array<Dynamic>(1);
    place[0].kind = Dynamic::Kind::string;
    place[0].text = text;
    return Datum::of(place.data());
  }
  Result<> check(std::size_t column, std::string_view seen, std::size_t line) const {
    if (!row_[column].is_null) return {};
    return refused(source_, line,
                   fmt::format("{}: expected {}, got {}", name(column), to_string(inputs_[column].type), seen));
  }

  const TableText& source_;
  TableBuilder builder_;
  std::vector<Input> inputs_;
  std::vector<Datum> row_;
  Workspace work_;
};

// No character of UTF-8 goes over the end of a line.
std::optional<std::size_t> first_line_not_utf8(std::string_view text) {
  if (is_utf8(text)) return std::nullopt;
  std::size_t line = 1;
  for (; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!is_utf8(text.substr(0, end))) break;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return line;
}

// --- CSV
Result<std::vector<std::string>> read_header(const TableText& source, CsvReader& reader) {
  const Result<bool> has_row = reader.next();
  if (!has_row) return refused(source, reader.line(), has_row.error().sentence());
  if (!*has_row) return refused(source, 1, "expected a row with the names of the columns, got nothing");
  std::vector<std::string> names;
  for (const std::string_view cell : reader.cells()) {
    if (cell.empty()) return refused(source, 1, fmt::format("column {} has no name", names.size() + 1));
    if (std::ranges::find(names, cell) != names.end())
      return refused(source, 1, fmt::format("the column \"{}\" stands twice", cell));
    names.emplace_back(cell);
  }
  return names;
}

std::vector<Column> text_columns(const std::vector<std::string>& names) {
  std::vector<Column> columns;
  for (const std::string& name : names) columns.push_back({name, Type::string, false, {}});
  return columns;
}

Result<TablePtr> read_csv(const TableText& source) {
  CsvReader reader(source.text);
  const std::vector<std::string> names = TRY(read_header(source, reader));
  Filling filling(source, source.columns.value_or(text_columns(names)));
  std::vector<std::size_t> cell_of;
  for (std::size_t i = 0; i < filling.size(); ++i) {
    const auto found = std::ranges::find(names, filling.name(i));
    if (found == names.end())
      return refused(source, 1, fmt::format("expected a column \"{}\", got none of that name", filling.name(i)));
    cell_of.push_back(static_cast<std::size_t>(found - names.begin()));
  }
  while (true) {
    const Result<bool> has_row = reader.next();
    if (!has_row) return refused(source, reader.line(), has_row.error().sentence());
    if (!*has_row) return filling.finish();
    const auto& cells = reader.cells();
    const bool is_blank = cells.size() == 1 && cells.front().empty();
    if (is_blank && names.size() > 1) continue;
    if (cells.size() != names.size())
      return refused(source, reader.line(), fmt::format("expected {} cells, got {}", names.size(), cells.size()));
    filling.begin_row();
    for (std::size_t i = 0; i < cell_of.size(); ++i) TRY(filling.set_text(i, cells[cell_of[i]], reader.line()));
    TRY(filling.end_row(reader.line()));
  }
}

// --- JSON
struct JsonRow {
  std::string_view text;
  std::size_t line = 1;
};

std::vector<JsonRow> lines_of(std::string_view text) {
  std::vector<JsonRow> rows;
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    if (row.find_first_not_of(" \t\r") != std::string_view::npos) rows.push_back({row, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

// Whether the file is one JSON text, so that nothing between its rows is passed over.
Result<> is_json(const TableText& source) {
  std::string_view text = source.text;
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  JsonExtent extent = json_extent(text);
  const std::size_t behind = text.find_first_not_of(" \t\r\n", extent.at);
  if (extent.kind == JsonExtent::Kind::whole && behind != std::string_view::npos)
    extent = {JsonExtent::Kind::broken, behind, "nothing behind the array"};
  if (extent.kind == JsonExtent::Kind::whole) return {};
  const auto lines = static_cast<std::size_t>(std::ranges::count(text.substr(0, extent.at), '\n'));
  return refused(source, 1 + lines, to_string(extent, text));
}

Result<std::vector<JsonRow>> items_of(const TableText& source) {
  TRY(is_json(source));
  const auto items = split_array(source.text);
  if (!items) return refused(source, 1, "expected one JSON array of objects");
  std::vector<JsonRow> rows;
  const char* at = source.text.data();
  std::size_t line = 1;
  for (const std::string_view item : *items) {
    line += static_cast<std::size_t>(std::count(at, item.data(), '\n'));
    at = item.data();
    rows.push_back({item, line});
  }
  return rows;
}

// Rows one after another; each lives until the next.
class JsonRows {
public:
  Result<Dynamic> read(const TableText& source, const JsonRow& row) {
    work_.arena.clear();
    const auto value = read_dynamic(row.text, work_.json, work_.arena);
    if (!value || value->kind != Dynamic::Kind::bag) return refused(source, row.line, "expected a JSON object");
    return *value;
  }

private:
  Workspace work_;
};

// The columns that the objects have together, by first appearance.
class Inference {
public:
  Result<> add(const TableText& source, const Dynamic& object, std::size_t line) {
    for (const DynamicMember& member : object.members) {
      auto known = std::ranges::find(columns_, member.name, &Seen::name);
      if (known == columns_.end()) {
        if (columns_.size() == table_columns_max)
          return refused(source, line, fmt::format("expected at most {} different members", table_columns_max));
        known = columns_.insert(columns_.end(), {std::string(member.name), 0});
      }
      if (member.value.kind != Dynamic::Kind::null) known->kinds |= bit(member.value.kind);
    }
    return {};
  }
  std::vector<Column> columns() const {
    std::vector<Column> columns;
    for (const Seen& seen : columns_) columns.push_back({seen.name, type_of(seen.kinds), false, {}});
    return columns;
  }

private:
  struct Seen {
    std::string name;
    unsigned kinds = 0;
  };
  static unsigned bit(Dynamic::Kind kind) { return 1U << static_cast<unsigned>(kind); }
  static Type type_of(unsigned kinds) {
    using Kind = Dynamic::Kind;
    if (kinds == bit(Kind::boolean)) return Type::boolean;
    if (kinds == bit(Kind::long_integer)) return Type::long_integer;
    if (kinds == bit(Kind::real) || kinds == (bit(Kind::real) | bit(Kind::long_integer))) return Type::real;
    if (kinds == bit(Kind::string)) return Type::string;
    return Type::dynamic;
  }

  std::vector<Seen> columns_;
};

Result<TablePtr> read_json(const TableText& source) {
  const std::vector<JsonRow> rows = source.format == TableFormat::json ? TRY(items_of(source)) : lines_of(source.text);
  JsonRows reader;
  std::vector<Column> columns;
  if (source.columns) {
    columns = *source.columns;
  } else {
    Inference inference;
    for (const JsonRow& row : rows) TRY(inference.add(source, TRY(reader.read(source, row)), row.line));
    columns = inference.columns();
  }
  Filling filling(source, std::move(columns));
  for (const JsonRow& row : rows) {
    const Dynamic object = TRY(reader.read(source, row));
    filling.begin_row();
    for (std::size_t i = 0; i < filling.size(); ++i)
      if (const Dynamic* value = find_member(object, filling.name(i))) TRY(filling.set_json(i, *value, row.line));
    TRY(filling.end_row(row.line));
  }
  return filling.finish();
}

}  // namespace

Result<TablePtr> read_table(const TableText& source) {
  if (source.text.size() > table_text_max)
    return refused(source, 1, fmt::format("expected at most {} bytes", table_text_max));
  if (const auto line = first_line_not_utf8(source.text)) return refused(source, *line, "expected UTF-8");
  return source.format == TableFormat::csv ? read_csv(source) : read_json(source);
}

std::optional<TableFormat> format_of_file(std::string_view path) {
  if (path.ends_with(".csv")) return TableFormat::csv;
  if (path.ends_with(".json")) return TableFormat::json;
  if (path.ends_with(".ndjson") || path.ends_with(".jsonl")) return TableFormat::ndjson;
  return std::nullopt;
}

}  // namespace capstan::kql
