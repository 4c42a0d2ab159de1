// lookup and ipv4_lookup: which table, which of its columns are asked by, and how the others are called. Names and
// types as Microsoft's binder gives them.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "convert.h"
#include "live_table.h"
#include "operators.h"
#include "pipeline_binder.h"

namespace capstan::kql {

namespace {

constexpr int table_names_max = 16;  // one standing for another

bool are_comparable(Type left, Type right) {
  return left == right || left == Type::dynamic || (is_integer(left) && is_integer(right));
}

std::string suggestion(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view near = nearest(name, known);
  return near.empty() ? std::string{} : fmt::format("; did you mean \"{}\"?", near);
}

}  // namespace

// What a lookup asks by, as it comes together.
struct PipelineBinder::LookupSide {
  LookupPlan plan;
  IndexKey index;
};

void PipelineBinder::bind_lookup(const Operator& op, Scope& scope) {
  const std::shared_ptr<LiveTable> table = lookup_table(*op.table, scope, 0);
  if (!table) return;
  if (op.keys.size() > lookup_keys_max) {
    diagnostics_.add(ErrorCode::kql_not_supported, op.span,
                     fmt::format("{}: expected at most {} keys, got {}", op.name, lookup_keys_max, op.keys.size()));
    return;
  }
  LookupSide side;
  side.plan.drops_unmatched = op.drops_unmatched;
  if (op.kind == Operator::Kind::ipv4_lookup && !bind_address(op, *table, scope, side)) return;
  for (const LookupKey& key : op.keys)
    if (!bind_lookup_key(key, *table, scope, side)) return;
  add_lookup_columns(*table, scope, side);
  side.plan.index = table->impl().want(side.index);
  // Held once a record, so that two lookups see the same rows.
  const auto held = std::ranges::find(program_.lookup_tables, table);
  side.plan.table = static_cast<std::size_t>(held - program_.lookup_tables.begin());
  if (held == program_.lookup_tables.end()) program_.lookup_tables.push_back(table);
  program_.is_filter = false;
  program_.stages.push_back(make_lookup(std::move(side.plan)));
}

std::shared_ptr<LiveTable> PipelineBinder::lookup_table(const Pipeline& pipeline, const Scope& scope, int depth) {
  const auto refuse = [&](ErrorCode code, Span span, std::string sentence) {
    diagnostics_.add(code, span, std::move(sentence));
    return nullptr;
  };
  if (!pipeline.operators.empty())
    return refuse(ErrorCode::kql_not_supported, pipeline.operators.front().span,
                  fmt::format("the operator \"{}\" is not supported in the table of a lookup; look up first and write "
                              "it behind",
                              pipeline.operators.front().name));
  switch (pipeline.source) {
    case Pipeline::Source::datatable:
      return written_table(pipeline, scope);
    case Pipeline::Source::name:
      break;
    case Pipeline::Source::record:
    case Pipeline::Source::print:
      return refuse(ErrorCode::kql_not_supported, pipeline.span, "a lookup takes a table's name or a datatable");
  }
  const auto let = scope.lets.find(pipeline.name);
  if (let != scope.lets.end() && let->second.live) return let->second.live;
  if (let != scope.lets.end() && let->second.table != nullptr && depth < table_names_max)
    return lookup_table(*let->second.table, scope, depth + 1);
  if (auto found = tables_.find(pipeline.name)) return found;
  std::vector<std::string_view> names;
  for (const auto& known : tables_.all()) names.push_back(known->name());
  for (const auto& [name, other] : scope.lets)
    if (other.table != nullptr || other.live) names.push_back(name);
  return refuse(
      ErrorCode::kql_unknown_name, pipeline.span,
      fmt::format("there is no table \"{}\" to look up in{}", pipeline.name, suggestion(pipeline.name, names)));
}

// The rows stand in the query, so they are known now.
std::shared_ptr<LiveTable> PipelineBinder::written_table(const Pipeline& pipeline, const Scope& scope) {
  Scope outside;
  outside.lets = scope.lets;
  std::vector<Column> columns;
  for (const ColumnDeclaration& column : pipeline.columns) columns.push_back({column.name, column.type, false, {}});
  TableBuilder builder(columns);
  Workspace work;
  Frame frame{{}, work};
  std::vector<Datum> row;
  for (const ExpressionPtr& value : pipeline.values) {
    const NodePtr node = expressions_.bind(*value, outside);
    if (!node) return nullptr;
    if (!node->is_constant()) {
      diagnostics_.add(ErrorCode::kql_not_supported, value->span, "expected a constant in the table of a lookup");
      return nullptr;
    }
    row.push_back(copy_into(convert(node->evaluate(frame), columns[row.size()].type, work), work.arena));
    if (row.size() < columns.size()) continue;
    if (const Result<> added = builder.add(row); !added) {
      diagnostics_.add(ErrorCode::kql_not_supported, value->span, added.error().sentence());
      return nullptr;
    }
    row.clear();
  }
  return std::make_shared<LiveTable>("datatable", builder.finish());
}

std::optional<std::size_t> PipelineBinder::table_column(const LiveTable& table, const std::string& name, Span span) {
  const auto found = std::ranges::find(table.columns(), name, &Column::name);
  if (found != table.columns().end()) return static_cast<std::size_t>(found - table.columns().begin());
  std::vector<std::string_view> names;
  for (const Column& column : table.columns()) names.push_back(column.name);
  diagnostics_.add(ErrorCode::kql_unknown_name, span,
                   fmt::format("the table has no column \"{}\"{}", name, suggestion(name, names)));
  return std::nullopt;
}

bool PipelineBinder::bind_lookup_key(const LookupKey& key, const LiveTable& table, Scope& scope, LookupSide& side) {
  Expression name;
  name.kind = Expression::Kind::name;
  name.span = key.span;
  name.name = key.left;
  NodePtr node = expressions_.bind(name, scope);
  const auto right = table_column(table, key.right, key.span);
  if (!node || !right) return false;
  const Type type = table.columns()[*right].type;
  if (type == Type::dynamic || !are_comparable(node->type(), type)) {
    diagnostics_.add(ErrorCode::kql_type, key.span,
                     type == Type::dynamic ? fmt::format("\"{}\" of the table is dynamic, and a key is not", key.right)
                                           : fmt::format("expected keys of one type, got {} and {}",
                                                         to_string(node->type()), to_string(type)));
    return false;
  }
  if (node->type() == Type::dynamic) node = make_conversion(std::move(node), type);
  side.plan.keys.push_back(std::move(node));
  side.index.columns.push_back(*right);
  return true;
}

bool PipelineBinder::bind_address(const Operator& op, const LiveTable& table, Scope& scope, LookupSide& side) {
  const NamedExpression& address = op.expressions.front();
  NodePtr node = expressions_.bind(*address.expression, scope);
  side.index.network = table_column(table, op.network, op.network_span);
  if (!node || !side.index.network) return false;
  const auto is_text = [&](Type type, Span span) {
    if (type == Type::string) return true;
    diagnostics_.add(ErrorCode::kql_type, span, fmt::format("ipv4_lookup: expected text, got {}", to_string(type)));
    return false;
  };
  if (!is_text(table.columns()[*side.index.network].type, op.network_span)) return false;
  if (node->type() != Type::dynamic && !is_text(node->type(), address.span)) return false;
  side.plan.address = make_conversion(std::move(node), Type::string);
  return true;
}

// Key columns are not repeated. A name that is taken gets a number; a member of the record that no schema declares is
// not known before the record comes, and gives way as it does to extend.
void PipelineBinder::add_lookup_columns(const LiveTable& table, Scope& scope, LookupSide& side) {
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    if (std::ranges::find(side.index.columns, i) != side.index.columns.end()) continue;
    const Column& column = table.columns()[i];
    const auto is_taken = [&](const std::string& name) {
      const BoundColumn* known = scope.find_column(name);
      return known != nullptr && !known->is_undeclared;
    };
    std::string name = column.name;
    for (int suffix = 1; is_taken(name); ++suffix) name = fmt::format("{}{}", column.name, suffix);
    side.plan.targets.push_back({i, program_.slots, column.type});
    set_column(scope, name, column.type, program_.slots++);
  }
}

}  // namespace capstan::kql
