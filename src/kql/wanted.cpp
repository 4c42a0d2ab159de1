#include "kql/wanted.h"

#include <fmt/format.h>

#include <deque>

#include "meta.h"
#include "parser.h"
#include "pipeline_binder.h"
#include "program_impl.h"

namespace capstan::kql {

namespace {

// Binds what is wanted behind the last operator of a rule.
class WantedBinder {
public:
  WantedBinder(Program::Impl& program, CompiledWanted& compiled, const Environment& environment)
      : program_(program), compiled_(compiled), environment_(environment) {}

  void bind(const Wanted& wanted, Scope scope, const Schema& schema) {
    open_to_all(scope, schema);
    for (const auto& [name, text] : wanted.texts)
      scope.lets[name] = {std::make_shared<Constant>(Datum::of(std::string_view(text))), nullptr, nullptr};
    if (!bind_lets(wanted.lets, scope)) return;
    for (std::size_t i = 0; i < wanted.shapes.size(); ++i) bind_shape(wanted.shapes[i], i, scope);
  }

private:
  // The meta columns whatever became of them; null for what the rule took away.
  static void open_to_all(Scope& scope, const Schema& schema) {
    scope.is_behind_rule = true;
    scope.gone_is_null = schema.is_open;
    for (const MetaColumn& row : meta_column_table)
      if (scope.find_column(row.name) == nullptr)
        scope.columns.push_back({std::string(row.name), row.type, std::nullopt, false});
    if (scope.is_open) return;
    for (const Column& column : schema.columns)
      if (scope.find_column(column.name) == nullptr)
        scope.parameters[column.name] = std::make_shared<Constant>(Datum::null(column.type));
  }

  bool bind_lets(const std::string& lets, Scope& scope) {
    Diagnostics diagnostics;
    lets_ = parse_lets(lets, diagnostics);
    PipelineBinder binder(program_, diagnostics, environment_);
    for (const Statement& statement : lets_.statements)
      if (!binder.add_let(statement, scope)) break;
    return note(diagnostics, {WantedPlace::Part::lets, 0, 0});
  }

  void bind_shape(const Shape& shape, std::size_t number, Scope& scope) {
    Program::Impl::Cells cells;
    if (!shape.when.empty()) {
      cells.when = bind_expression(shape.when, scope, {WantedPlace::Part::when, number, 0});
      if (cells.when && cells.when->type() != Type::boolean) {
        Diagnostics diagnostics;
        diagnostics.add(
            ErrorCode::kql_type, {0, shape.when.size()},
            fmt::format("when: expected a bool, got {}; use tobool() or a comparison", to_string(cells.when->type())));
        note(diagnostics, {WantedPlace::Part::when, number, 0});
      }
    }
    for (std::size_t i = 0; i < shape.cells.size(); ++i)
      cells.nodes.push_back(bind_expression(shape.cells[i], scope, {WantedPlace::Part::cell, number, i}));
    program_.shapes.push_back(std::move(cells));
  }

  NodePtr bind_expression(const std::string& text, Scope& scope, WantedPlace place) {
    Diagnostics diagnostics;
    NodePtr node;
    const ExpressionPtr tree = parse_one_expression(text, diagnostics);
    if (tree) node = ExpressionBinder(program_, diagnostics, environment_).bind(*tree, scope);
    for (; doubts_ < program_.doubts.size(); ++doubts_) compiled_.doubts.push_back({place, program_.doubts[doubts_]});
    note(diagnostics, place);
    return node;
  }

  bool note(const Diagnostics& diagnostics, WantedPlace place) {
    for (const Diagnostic& diagnostic : diagnostics.all()) compiled_.problems.push_back({place, diagnostic});
    return diagnostics.is_empty();
  }

  Program::Impl& program_;
  CompiledWanted& compiled_;
  std::size_t doubts_ = program_.doubts.size();  // those that are the rule's or told
  const Environment& environment_;
  Query lets_;  // functions of its lets are bound where they are called
};

}  // namespace

CompiledWanted compile(std::string_view rule, const Schema& schema, const Wanted& wanted,
                       const Environment& environment) {
  CompiledWanted compiled;
  const std::string_view text = rule.empty() ? "source" : rule;
  if (!is_readable(text, compiled.rule)) return compiled;
  const Query tree = parse_query(text, compiled.rule);
  auto impl = std::make_unique<Program::Impl>();
  PipelineBinder binder(*impl, compiled.rule, environment);
  if (compiled.rule.is_empty()) binder.bind(tree, schema);
  note_length(text, *impl);
  if (!compiled.rule.is_empty()) return compiled;
  // Behind the rule names are the mapping's own: a let of the rule is not seen there.
  Scope scope = binder.last_scope();
  scope.lets.clear();
  // Whether the mapping would do elsewhere is nobody's question.
  const std::vector<Diagnostic> not_portable = impl->not_portable;
  WantedBinder(*impl, compiled, environment).bind(wanted, std::move(scope), schema);
  impl->not_portable = not_portable;
  if (impl->writes_row) binder.read_outputs();
  if (compiled.problems.empty()) compiled.program = std::make_shared<Program>(std::move(impl));
  return compiled;
}

}  // namespace capstan::kql
