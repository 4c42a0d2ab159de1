// Operators of a pipeline: columns in, columns out, stages made.
#pragma once

#include "expression_binder.h"

namespace capstan::kql {

class PipelineBinder {
public:
  // `environment` is used while binding only.
  PipelineBinder(Program::Impl& program, Diagnostics& diagnostics, const Environment& environment)
      : program_(program),
        diagnostics_(diagnostics),
        tables_(environment.tables),
        expressions_(program, diagnostics, environment) {}

  // Binds the whole query; what went wrong is in the diagnostics. Its rows can be written after read_outputs() only.
  void bind(const Query& query, const Schema& schema);
  void read_outputs();
  // Adds a let to the names of a scope; false after a diagnostic.
  bool add_let(const Statement& statement, Scope& scope);
  // The names behind the last operator, for what an encoder wants of the rows.
  const Scope& last_scope() const { return last_scope_; }

private:
  void bind_pipeline(const Pipeline& pipeline, Scope& scope, int depth);
  void bind_print(const Pipeline& pipeline, Scope& scope);
  void bind_datatable(const Pipeline& pipeline, Scope& scope);
  void bind_operator(const Operator& op, Scope& scope);
  void bind_where(const Operator& op, Scope& scope);
  void bind_extend(const Operator& op, Scope& scope);
  void bind_project(const Operator& op, Scope& scope);
  void bind_rename(const Operator& op, Scope& scope);
  void bind_patterns(const Operator& op, Scope& scope);
  void bind_parse(const Operator& op, Scope& scope);
  void bind_expand(const Operator& op, Scope& scope);
  // --- lookup_binder.cpp
  void bind_lookup(const Operator& op, Scope& scope);
  struct LookupSide;
  std::shared_ptr<LiveTable> lookup_table(const Pipeline& pipeline, const Scope& scope, int depth);
  std::shared_ptr<LiveTable> written_table(const Pipeline& pipeline, const Scope& scope);
  std::optional<std::size_t> table_column(const LiveTable& table, const std::string& name, Span span);
  bool bind_lookup_key(const LookupKey& key, const LiveTable& table, Scope& scope, LookupSide& side);
  bool bind_address(const Operator& op, const LiveTable& table, Scope& scope, LookupSide& side);
  void add_lookup_columns(const LiveTable& table, Scope& scope, LookupSide& side);
  std::string name_of(const NamedExpression& named, std::size_t number, std::string_view prefix,
                      const std::vector<std::string>& taken) const;
  // Puts a column at its old place, or behind the others.
  void set_column(Scope& scope, const std::string& name, Type type, std::size_t slot);
  void touch_all(Scope& scope);
  void note_outputs();
  bool is_copied(const Program::Impl::OutputSlot& output) const;

  Program::Impl& program_;
  Diagnostics& diagnostics_;
  const Tables& tables_;
  ExpressionBinder expressions_;
  Scope last_scope_;
};

}  // namespace capstan::kql
