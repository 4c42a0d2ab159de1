// Tokens → trees of expressions. Precedence: docs/reference/kql.md; string operators bind tighter than `*`, comparisons
// do not associate. Recursion is bounded: by depth_max for what is nested, by operators_max for what stands in a row.
#pragma once

#include "syntax.h"
#include "token_cursor.h"

namespace capstan::kql {

class ExpressionParser : protected TokenCursor {
protected:
  using TokenCursor::TokenCursor;
  using Kind = Expression::Kind;

  // nullptr after a diagnostic.
  ExpressionPtr parse_expression();

private:
  ExpressionPtr make_binary(ExpressionPtr left, std::string name, ExpressionPtr right);
  template <class Next>
  ExpressionPtr parse_left_words(std::string_view word, Next next) {
    auto left = next();
    while (left && take_word(word)) {
      auto right = next();
      if (!right) return nullptr;
      left = make_binary(std::move(left), std::string(word), std::move(right));
    }
    return left;
  }
  ExpressionPtr parse_or();
  std::string equality_ahead() const;
  ExpressionPtr parse_equality();
  // `a = b` as a comparison is a slip that people from other languages make.
  ExpressionPtr refuse_assignment(ExpressionPtr left);
  ExpressionPtr parse_between(ExpressionPtr left, const std::string& name);
  ExpressionPtr parse_any_of(ExpressionPtr left, const std::string& name);
  bool is_comparison_ahead() const;
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_product();
  std::string string_operator_ahead() const;
  ExpressionPtr parse_string_operation();
  ExpressionPtr parse_unary();
  ExpressionPtr parse_postfix();
  ExpressionPtr make(Kind kind);
  ExpressionPtr parse_primary();
  ExpressionPtr parse_word();
  ExpressionPtr parse_call();
  ExpressionPtr parse_typeof();
  ExpressionPtr parse_bracket();
  ExpressionPtr parse_dynamic();
  bool parse_json_value(std::string& out, int depth);
  static std::string json_real(double value);
  // A typed literal inside dynamic is kept for the binder in a marked string, because its meaning is the binder's
  // business.
  bool parse_json_typed(std::string& out);
  bool parse_json_word(std::string& out, int depth);
  bool parse_json_array(std::string& out, int depth);
  bool parse_json_bag(std::string& out, int depth);

  int depth_ = 0;
  std::size_t operators_ = 0;  // in the whole query
};

}  // namespace capstan::kql
