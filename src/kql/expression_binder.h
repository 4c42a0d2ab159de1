// Names and types of expressions: tree → nodes. Type rules: docs "Scalar operators"; what Microsoft's binder accepts
// and refuses.
#pragma once

#include <string>
#include <vector>

#include "functions.h"
#include "program_impl.h"
#include "scope.h"

namespace capstan::kql {

inline bool is_integer(Type type) { return type == Type::integer || type == Type::long_integer; }
inline bool is_number(Type type) { return is_integer(type) || type == Type::real; }

class ExpressionBinder {
public:
  ExpressionBinder(Program::Impl& program, Diagnostics& diagnostics, const Environment& environment)
      : program_(program), diagnostics_(diagnostics), environment_(environment) {}

  // nullptr after a diagnostic.
  NodePtr bind(const Expression& expression, Scope& scope);
  // The name of a result that has none of its own; empty: Column1 and the like.
  static std::string implicit_name(const Expression& expression);
  // The slot of a column; asks the record for it when nobody has.
  std::size_t slot_of(BoundColumn& column);
  // The same for an expression: the input is needed, not only passed on.
  std::size_t read_slot_of(BoundColumn& column);
  // Why a member of an open record cannot be named any more; empty when it can.
  static std::string what_became_of(std::string_view member, const Scope& scope);
  void note_extension(Span span, std::string_view what);

private:
  // --- expression_binder.cpp: literals, names, operators
  NodePtr bind_literal(const Expression& e);
  NodePtr bind_typed_literal(const Expression& e);
  NodePtr bind_dynamic(const Expression& e);
  NodePtr bind_name(const Expression& e, Scope& scope);
  void doubt_member(const Expression& e, const Scope& scope);
  void doubt_text(const Expression& e, const Node& text, Type other);
  NodePtr bind_path(const Expression& e, Scope& scope);
  NodePtr input_path(const Expression& e, Scope& scope);
  NodePtr input_list(const Expression& e, const std::string& list, Scope& scope);
  bool is_of_record(const BoundColumn& column) const;
  NodePtr bind_unary(const Expression& e, Scope& scope);
  NodePtr bind_binary(const Expression& e, Scope& scope);
  NodePtr bind_logic(const Expression& e, NodePtr left, NodePtr right);
  NodePtr bind_arithmetic(const Expression& e, NodePtr left, NodePtr right);
  NodePtr bind_comparison(const Expression& e, NodePtr left, NodePtr right);
  NodePtr bind_text_operator(const Expression& e, NodePtr left, NodePtr right);
  NodePtr bind_any_of(const Expression& e, Scope& scope);
  NodePtr bind_between(const Expression& e, Scope& scope);
  // --- call_binder.cpp: functions
  NodePtr bind_call(const Expression& e, Scope& scope);
  NodePtr bind_condition(const Expression& e, Scope& scope);
  NodePtr bind_coalesce(const Expression& e, Scope& scope);
  NodePtr bind_column_if_exists(const Expression& e, Scope& scope);
  NodePtr bind_pluck(const Expression& e, Scope& scope);
  NodePtr bind_pack_all(const Expression& e, const Scope& scope);
  NodePtr bind_user_function(const Expression& e, const Function& function, Scope& scope);
  NodePtr bind_row(const Expression& e, const FunctionRow& row, std::vector<NodePtr> arguments);
  NodePtr fit(const Expression& argument, NodePtr node, char wanted, std::string_view function);
  std::optional<Type> common_type(const std::vector<NodePtr>& nodes, Span span, std::string_view where);
  bool check_text_constants(const Expression& e, const std::vector<NodePtr>& arguments);
  // --- environment_binder.cpp: functions that the configuration lends
  static bool uses_environment(std::string_view function);
  NodePtr bind_environment_call(const Expression& e, Scope& scope);
  NodePtr bind_hmac(const Expression& e, Scope& scope);
  NodePtr bind_place(const Expression& e, Scope& scope);
  NodePtr refuse(ErrorCode code, Span span, std::string sentence);

  Program::Impl& program_;
  Diagnostics& diagnostics_;
  const Environment& environment_;
  std::vector<const Function*> open_functions_;  // against recursion
};

}  // namespace capstan::kql
