#include "pipeline_binder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "operators.h"

namespace capstan::kql {

namespace {

constexpr int table_depth_max = 16;

}  // namespace

void PipelineBinder::bind(const Query& query, const Schema& schema) {
  Scope scope;
  scope.is_open = schema.is_open;
  for (const Column& column : schema.columns)
    scope.columns.push_back({column.name, column.type, std::nullopt, column.is_epoch_ms});
  const Pipeline* last = nullptr;
  Span last_span;
  for (const Statement& statement : query.statements) {
    if (statement.kind == Statement::Kind::table) {
      if (last != nullptr)
        diagnostics_.add(ErrorCode::kql_not_supported, statement.span, "a rule has one table; \";\" ends a let");
      last = statement.pipeline.get();
      last_span = statement.span;
      continue;
    }
    if (!add_let(statement, scope)) return;
  }
  if (last == nullptr) {
    if (diagnostics_.is_empty())
      diagnostics_.add(ErrorCode::kql_syntax, query.statements.empty() ? Span{} : query.statements.back().span,
                       "a rule ends with a table; write at least \"source\"");
    return;
  }
  bind_pipeline(*last, scope, 0);
  if (!diagnostics_.is_empty()) return;
  touch_all(scope);
  for (const BoundColumn& column : scope.columns) {
    program_.output.push_back({column.name, column.type, false, {}});
    program_.output_slots.push_back({program_.output.back(), *column.slot});
  }
  program_.keeps_members = scope.is_open;
  program_.member_rules = scope.member_rules;
  note_outputs();
  if (program_.is_table) program_.front_stages = program_.front_inputs = 0;
  last_scope_ = std::move(scope);
}

// What comes out in the column's form has to be read; what the record's own bytes say needs not.
void PipelineBinder::read_outputs() {
  for (const Program::Impl::OutputSlot& output : program_.output_slots)
    for (std::size_t i = 0; i < program_.inputs.size(); ++i)
      if (!is_copied(output) && program_.input_slots[i] == output.slot) program_.inputs[i].is_read = true;
}

bool PipelineBinder::is_copied(const Program::Impl::OutputSlot& output) const {
  return program_.keeps_members && program_.is_untouched(output);
}

void PipelineBinder::note_outputs() {
  for (const Program::Impl::OutputSlot& output : program_.output_slots) {
    if (!is_copied(output)) program_.is_filter = false;
    if (!program_.is_untouched(output)) program_.made.push_back(output.column);
  }
  program_.is_filter = program_.is_filter && program_.keeps_members && program_.member_rules.empty();
}

// Every column that goes on needs a slot.
void PipelineBinder::touch_all(Scope& scope) {
  for (BoundColumn& column : scope.columns) expressions_.slot_of(column);
}

bool PipelineBinder::add_let(const Statement& statement, Scope& scope) {
  if (scope.lets.contains(statement.name)) {
    diagnostics_.add(ErrorCode::kql_syntax, statement.span,
                     fmt::format("the name \"{}\" stands twice", statement.name));
    return false;
  }
  switch (statement.kind) {
    case Statement::Kind::let_function:
      scope.lets[statement.name] = {nullptr, nullptr, statement.function.get()};
      return true;
    case Statement::Kind::let_table:
      scope.lets[statement.name] = {nullptr, statement.pipeline.get(), nullptr};
      return true;
    case Statement::Kind::let_scalar: {
      // A let is not a column: it sees other lets only. A bare name may be a table's second name.
      if (statement.expression->kind == Expression::Kind::name) {
        if (const auto other = scope.lets.find(statement.expression->name); other != scope.lets.end()) {
          scope.lets[statement.name] = other->second;
          return true;
        }
        if (auto live = tables_.find(statement.expression->name)) {
          scope.lets[statement.name].live = std::move(live);
          return true;
        }
      }
      Scope outside;
      outside.lets = scope.lets;
      NodePtr value = expressions_.bind(*statement.expression, outside);
      if (!value) return false;
      scope.lets[statement.name] = {std::move(value), nullptr, nullptr};
      return true;
    }
    default:
      diagnostics_.add(ErrorCode::kql_syntax, statement.span, "a table is expected here; begin with \"source\"");
      return false;
  }
}

void PipelineBinder::bind_pipeline(const Pipeline& pipeline, Scope& scope, int depth) {
  switch (pipeline.source) {
    case Pipeline::Source::record:
      break;
    case Pipeline::Source::print:
      bind_print(pipeline, scope);
      break;
    case Pipeline::Source::datatable:
      bind_datatable(pipeline, scope);
      break;
    case Pipeline::Source::name: {
      const auto let = scope.lets.find(pipeline.name);
      if (let == scope.lets.end() || let->second.table == nullptr || depth > table_depth_max) {
        std::vector<std::string_view> names{"source", "print", "datatable"};
        for (const auto& [name, other] : scope.lets)
          if (other.table != nullptr) names.push_back(name);
        const std::string_view near = nearest(pipeline.name, names);
        diagnostics_.add(
            ErrorCode::kql_unknown_name, {pipeline.span.begin, pipeline.span.begin + pipeline.name.size()},
            fmt::format("there is no table \"{}\"; {}", pipeline.name,
                        near.empty() ? "a rule begins with \"source\"" : fmt::format("did you mean \"{}\"?", near)));
        return;
      }
      bind_pipeline(*let->second.table, scope, depth + 1);
      break;
    }
  }
  for (const Operator& op : pipeline.operators) bind_operator(op, scope);
}

void PipelineBinder::bind_print(const Pipeline& pipeline, Scope& scope) {
  scope.columns.clear();
  scope.is_open = false;
  std::vector<Assignment> row;
  std::vector<BoundColumn> columns;
  std::vector<std::string> taken;
  for (std::size_t i = 0; i < pipeline.print.size(); ++i) {
    NodePtr node = expressions_.bind(*pipeline.print[i].expression, scope);
    if (!node) continue;
    taken.push_back(name_of(pipeline.print[i], i, "print_", taken));
    columns.push_back({taken.back(), node->type(), program_.slots, false});
    row.push_back({program_.slots++, std::move(node)});
  }
  scope.columns = std::move(columns);
  program_.is_table = true;
  program_.tables.push_back(std::move(row));
}

void PipelineBinder::bind_datatable(const Pipeline& pipeline, Scope& scope) {
  Scope outside;
  outside.lets = scope.lets;
  scope.columns.clear();
  scope.is_open = false;
  for (const ColumnDeclaration& column : pipeline.columns)
    scope.columns.push_back({column.name, column.type, program_.slots++, false});
  program_.is_table = true;
  for (std::size_t i = 0; i < pipeline.values.size(); i += pipeline.columns.size()) {
    std::vector<Assignment> row;
    for (std::size_t j = 0; j < pipeline.columns.size(); ++j) {
      NodePtr node = expressions_.bind(*pipeline.values[i + j], outside);
      if (node) row.push_back({*scope.columns[j].slot, make_conversion(std::move(node), pipeline.columns[j].type)});
    }
    program_.tables.push_back(std::move(row));
  }
}

void PipelineBinder::bind_operator(const Operator& op, Scope& scope) {
  switch (op.kind) {
    case Operator::Kind::where:
      return bind_where(op, scope);
    case Operator::Kind::extend:
      return bind_extend(op, scope);
    case Operator::Kind::project:
      return bind_project(op, scope);
    case Operator::Kind::project_rename:
      return bind_rename(op, scope);
    case Operator::Kind::project_keep:
    case Operator::Kind::project_reorder:
      expressions_.note_extension(op.span, op.name);
      [[fallthrough]];
    case Operator::Kind::project_away:
      return bind_patterns(op, scope);
    case Operator::Kind::parse_where:
      expressions_.note_extension(op.span, op.name);
      [[fallthrough]];
    case Operator::Kind::parse:
      return bind_parse(op, scope);
    case Operator::Kind::mv_expand:
      expressions_.note_extension(op.span, op.name);
      return bind_expand(op, scope);
    case Operator::Kind::lookup:
    case Operator::Kind::ipv4_lookup:
      expressions_.note_extension(op.span, op.name);
      return bind_lookup(op, scope);
  }
}

void PipelineBinder::bind_where(const Operator& op, Scope& scope) {
  NodePtr predicate = expressions_.bind(*op.expressions.front().expression, scope);
  if (!predicate) return;
  if (predicate->type() != Type::boolean) {
    diagnostics_.add(
        ErrorCode::kql_type, op.expressions.front().expression->span,
        fmt::format("where: expected a bool, got {}; use tobool() or a comparison", to_string(predicate->type())));
    return;
  }
  const bool is_in_front = program_.front_stages == program_.stages.size();
  program_.stages.push_back(make_filter(std::move(predicate)));
  if (!is_in_front) return;
  program_.front_stages = program_.stages.size();
  program_.front_inputs = program_.inputs.size();
}

std::string PipelineBinder::name_of(const NamedExpression& named, std::size_t number, std::string_view prefix,
                                    const std::vector<std::string>& taken) const {
  if (named.name) return *named.name;
  const auto is_taken = [&](const std::string& name) { return std::ranges::find(taken, name) != taken.end(); };
  const std::string base = ExpressionBinder::implicit_name(*named.expression);
  if (base.empty()) {
    for (std::size_t i = prefix == "Column" ? number + 1 : number;; ++i)
      if (std::string name = fmt::format("{}{}", prefix, i); !is_taken(name)) return name;
  }
  // The same column twice is a slip; the same name out of a function gets a number.
  if (named.expression->kind == Expression::Kind::name) return base;
  std::string name = base;
  for (int suffix = 1; is_taken(name); ++suffix) name = fmt::format("{}{}", base, suffix);
  return name;
}

void PipelineBinder::set_column(Scope& scope, const std::string& name, Type type, std::size_t slot) {
  if (BoundColumn* column = scope.find_column(name)) {
    column->type = type;
    column->slot = slot;
    column->is_undeclared = false;
    return;
  }
  scope.columns.push_back({name, type, slot, false});
}

void PipelineBinder::bind_extend(const Operator& op, Scope& scope) {
  std::vector<Assignment> assignments;
  std::vector<BoundColumn> made;
  std::vector<std::string> taken;
  std::size_t unnamed = 0;
  for (const NamedExpression& named : op.expressions) {
    NodePtr node = expressions_.bind(*named.expression, scope);
    if (!node) continue;
    const bool has_name = named.name || !ExpressionBinder::implicit_name(*named.expression).empty();
    const std::string name = name_of(named, has_name ? 0 : unnamed++, "Column", taken);
    if (std::ranges::find(taken, name) != taken.end()) {
      diagnostics_.add(ErrorCode::kql_syntax, named.span, fmt::format("the column \"{}\" stands twice", name));
      continue;
    }
    taken.push_back(name);
    made.push_back({name, node->type(), program_.slots, false});
    assignments.push_back({program_.slots++, std::move(node)});
  }
  for (const BoundColumn& column : made) set_column(scope, column.name, column.type, *column.slot);
  program_.stages.push_back(make_compute(std::move(assignments)));
}

void PipelineBinder::bind_project(const Operator& op, Scope& scope) {
  std::vector<Assignment> assignments;
  std::vector<BoundColumn> columns;
  std::vector<std::string> taken;
  std::size_t unnamed = 0;
  for (const NamedExpression& named : op.expressions) {
    NodePtr node = expressions_.bind(*named.expression, scope);
    if (!node) continue;
    const bool has_name = named.name || !ExpressionBinder::implicit_name(*named.expression).empty();
    const std::string name = name_of(named, has_name ? 0 : unnamed++, "Column", taken);
    if (std::ranges::find(taken, name) != taken.end()) {
      diagnostics_.add(ErrorCode::kql_syntax, named.span, fmt::format("the column \"{}\" stands twice", name));
      continue;
    }
    taken.push_back(name);
    if (const auto* slot = dynamic_cast<const Slot*>(node.get())) {
      columns.push_back({name, node->type(), slot->index(), false});
      continue;
    }
    columns.push_back({name, node->type(), program_.slots, false});
    assignments.push_back({program_.slots++, std::move(node)});
  }
  scope.columns = std::move(columns);
  scope.is_open = false;
  if (!assignments.empty()) program_.stages.push_back(make_compute(std::move(assignments)));
}

void PipelineBinder::bind_rename(const Operator& op, Scope& scope) {
  std::vector<std::pair<std::size_t, std::string>> renames;
  for (const NamedExpression& named : op.expressions) {
    if (!named.name || named.expression->kind != Expression::Kind::name) {
      diagnostics_.add(ErrorCode::kql_syntax, named.span, "expected new = old");
      continue;
    }
    const auto old = std::ranges::find(scope.columns, named.expression->name, &BoundColumn::name);
    // Says what is wrong, or opens the member.
    if (old == scope.columns.end() && !expressions_.bind(*named.expression, scope)) continue;
    const auto found = std::ranges::find(scope.columns, named.expression->name, &BoundColumn::name);
    if (found != scope.columns.end())
      renames.emplace_back(static_cast<std::size_t>(found - scope.columns.begin()), *named.name);
  }
  for (const auto& [place, name] : renames) expressions_.slot_of(scope.columns[place]);
  for (const auto& [place, name] : renames) {
    if (scope.find_column(name) != nullptr && scope.columns[place].name != name)
      diagnostics_.add(ErrorCode::kql_syntax, op.span, fmt::format("the name \"{}\" is in use", name));
  }
  MemberRule taken;
  for (const auto& [place, name] : renames) {
    taken.patterns.push_back(scope.columns[place].name);
    scope.columns[place].name = name;
  }
  if (scope.is_open) scope.member_rules.push_back(std::move(taken));
}

void PipelineBinder::bind_patterns(const Operator& op, Scope& scope) {
  std::vector<BoundColumn> chosen;
  for (std::size_t i = 0; i < op.patterns.size(); ++i) {
    const auto& [pattern, span] = op.patterns[i];
    std::vector<BoundColumn> matching;
    for (const BoundColumn& column : scope.columns)
      if (matches_pattern(pattern, column.name) &&
          std::ranges::find(chosen, column.name, &BoundColumn::name) == chosen.end())
        matching.push_back(column);
    const bool is_known = !matching.empty() || std::ranges::any_of(scope.columns, [&](const BoundColumn& c) {
      return matches_pattern(pattern, c.name);
    });
    if (!is_known && scope.is_open) {
      // A member that no column names: gone, kept or put in front as it is asked for.
      if (std::string gone = ExpressionBinder::what_became_of(pattern, scope); !gone.empty()) {
        diagnostics_.add(ErrorCode::kql_unknown_name, span, std::move(gone));
      } else if (op.kind == Operator::Kind::project_reorder && !pattern.contains('*')) {
        matching.push_back({pattern, Type::dynamic, std::nullopt, false, true});
      }
    } else if (!is_known && !pattern.contains('*')) {
      std::vector<std::string_view> names;
      for (const BoundColumn& column : scope.columns) names.push_back(column.name);
      const std::string_view near = nearest(pattern, names);
      diagnostics_.add(ErrorCode::kql_unknown_name, span,
                       fmt::format("there is no column \"{}\"{}", pattern,
                                   near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
    if (op.flags[i] == 'a') std::ranges::sort(matching, {}, &BoundColumn::name);
    if (op.flags[i] == 'd') std::ranges::sort(matching, std::ranges::greater{}, &BoundColumn::name);
    chosen.insert(chosen.end(), matching.begin(), matching.end());
  }
  const auto is_chosen = [&](const BoundColumn& column) {
    return std::ranges::find(chosen, column.name, &BoundColumn::name) != chosen.end();
  };
  if (scope.is_open && op.kind != Operator::Kind::project_reorder) {
    MemberRule rule{op.kind == Operator::Kind::project_keep, {}};
    for (const auto& [pattern, span] : op.patterns) rule.patterns.push_back(pattern);
    scope.member_rules.push_back(std::move(rule));
  }
  if (op.kind == Operator::Kind::project_away) std::erase_if(scope.columns, is_chosen);
  if (op.kind == Operator::Kind::project_keep)
    std::erase_if(scope.columns, [&](const BoundColumn& c) { return !is_chosen(c); });
  if (op.kind == Operator::Kind::project_reorder) {
    std::erase_if(scope.columns, is_chosen);
    scope.columns.insert(scope.columns.begin(), chosen.begin(), chosen.end());
  }
}

void PipelineBinder::bind_parse(const Operator& op, Scope& scope) {
  NodePtr subject = expressions_.bind(*op.expressions.front().expression, scope);
  if (!subject) return;
  ParsePlan plan;
  plan.is_regex = op.parse_kind == "regex";
  plan.is_relaxed = op.parse_kind == "relaxed";
  plan.drops_failures = op.kind == Operator::Kind::parse_where;
  plan.flags = {op.flags.contains('i'), op.flags.contains('s'), op.flags.contains('m'), op.flags.contains('U')};
  plan.items = op.items;
  if (plan.is_relaxed && plan.drops_failures) {
    diagnostics_.add(ErrorCode::kql_syntax, op.span, "parse-where does not go with kind=relaxed");
    return;
  }
  constexpr std::size_t portable_columns_max = 10;  // of one parse in a data collection rule
  const auto is_column = [](const ParseItem& item) { return item.kind == ParseItem::Kind::column; };
  if (static_cast<std::size_t>(std::ranges::count_if(op.items, is_column)) > portable_columns_max)
    expressions_.note_extension(op.span, fmt::format("{} with more than {} columns", op.name, portable_columns_max));
  std::vector<BoundColumn> columns;
  for (const ParseItem& item : op.items) {
    if (item.kind != ParseItem::Kind::column) continue;
    columns.push_back({item.text, item.type, program_.slots, false});
    plan.targets.push_back({program_.slots++, item.type});
  }
  MadeStage made = make_parse(std::move(plan), make_conversion(std::move(subject), Type::string));
  if (!made.stage) {
    diagnostics_.add(ErrorCode::kql_syntax, op.span, made.refusal);
    return;
  }
  for (const BoundColumn& column : columns) set_column(scope, column.name, column.type, *column.slot);
  program_.is_filter = false;
  program_.stages.push_back(std::move(made.stage));
}

void PipelineBinder::bind_expand(const Operator& op, Scope& scope) {
  std::vector<Expansion> expansions;
  std::vector<BoundColumn> made;
  for (const NamedExpression& named : op.expressions) {
    NodePtr node = expressions_.bind(*named.expression, scope);
    if (!node) continue;
    if (node->type() != Type::dynamic) {
      diagnostics_.add(ErrorCode::kql_type, named.span,
                       fmt::format("mv-expand: expected dynamic, got {}", to_string(node->type())));
      continue;
    }
    std::string name = named.name.value_or(ExpressionBinder::implicit_name(*named.expression));
    if (name.empty()) name = fmt::format("Column{}", made.size() + 1);
    made.push_back({name, named.to_type.value_or(Type::dynamic), program_.slots, false});
    expansions.push_back({std::move(node), program_.slots++, named.to_type});
  }
  std::optional<std::size_t> index_slot;
  for (const BoundColumn& column : made) set_column(scope, column.name, column.type, *column.slot);
  if (op.index_name) {
    index_slot = program_.slots++;
    std::string name = *op.index_name;
    for (int suffix = 1; scope.find_column(name) != nullptr; ++suffix)
      name = fmt::format("{}{}", *op.index_name, suffix);
    scope.columns.push_back({name, Type::long_integer, index_slot, false});
  }
  program_.is_filter = false;
  program_.stages.push_back(make_expand(std::move(expansions), index_slot, op.limit, op.expands_bags_to_arrays));
}

}  // namespace capstan::kql
