#include "parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "operator_parser.h"

namespace capstan::kql {

namespace {

class Parser final : OperatorParser {
public:
  Parser(std::vector<Token> tokens, Diagnostics& diagnostics) : OperatorParser(std::move(tokens), diagnostics) {}

  Query run() {
    Query query;
    while (is_symbol(";")) ++at_;
    while (peek().kind != Token::Kind::end) {
      parse_statement(query.statements);
      if (peek().kind == Token::Kind::end) break;
      if (!is_symbol(";")) complain("expected \"|\", \";\" or the end of the query");
      skip_to_statement_end();
    }
    if (query.statements.empty() && diagnostics_.is_empty()) complain("the query is empty; write at least \"source\"");
    return query;
  }

  ExpressionPtr run_expression() {
    if (peek().kind == Token::Kind::end) {
      complain("an expression is expected here");
      return nullptr;
    }
    auto expression = parse_expression();
    if (expression && peek().kind != Token::Kind::end) {
      complain(fmt::format("expected the end of the expression, got {}", seen()));
      return nullptr;
    }
    return expression;
  }

  Query run_lets() {
    Query query;
    while (take_symbol(";")) {
    }
    while (peek().kind != Token::Kind::end) {
      if (!is_word("let")) complain(fmt::format("expected a let, got {}", seen()));
      const std::size_t before = diagnostics_.size();
      parse_statement(query.statements);
      if (diagnostics_.size() != before) break;
      while (take_symbol(";")) {
      }
    }
    return query;
  }

private:
  // --- statements
  // --------------------------------------------------------------------------------------------------------------
  void parse_statement(std::vector<Statement>& into) {
    const std::size_t begin = peek().span.begin;
    Statement statement;
    bool is_good = false;
    if (is_word("let") && (peek(1).kind == Token::Kind::identifier || is_symbol("[", 1))) {
      is_good = parse_let(statement);
    } else {
      is_good = parse_body(statement, true);
    }
    statement.span = {begin, tokens_[at_ == 0 ? 0 : at_ - 1].span.end};
    if (is_good) into.push_back(std::move(statement));
  }

  bool parse_let(Statement& statement) {
    ++at_;
    const auto name = parse_name("a name after let");
    if (!name || !expect("=", "after the name of a let")) return false;
    statement.name = *name;
    if (is_function_ahead()) {
      statement.kind = Statement::Kind::let_function;
      statement.function = parse_function();
      return statement.function != nullptr;
    }
    if (!parse_body(statement, false)) return false;
    statement.kind =
        statement.kind == Statement::Kind::table ? Statement::Kind::let_table : Statement::Kind::let_scalar;
    if (!is_symbol(";")) {
      complain(fmt::format("expected \";\" after the let, got {}", seen()));
      return false;
    }
    return true;
  }

  // A table or a scalar. At the top `name` is a table; in a let it may be either, which the binder decides.
  bool parse_body(Statement& statement, bool is_top) {
    if (is_table_ahead(is_top)) {
      statement.kind = Statement::Kind::table;
      statement.pipeline = parse_pipeline();
      return statement.pipeline != nullptr;
    }
    statement.kind = Statement::Kind::scalar;
    statement.expression = parse_expression();
    if (statement.expression && is_symbol("|")) {
      complain("a table is expected before \"|\", and this is a scalar; begin with \"source\"");
      return false;
    }
    return statement.expression != nullptr;
  }

  bool is_table_ahead(bool is_top) const {
    if (peek().kind != Token::Kind::identifier && !is_symbol("[")) return false;
    if (is_word("print") || is_word("datatable")) return !is_symbol("=", 1);
    if (is_top) return true;
    if (peek().kind == Token::Kind::identifier) return is_symbol("|", 1) || (is_word("source") && is_symbol(";", 1));
    return false;
  }

  bool is_function_ahead() const {
    std::size_t i = 0;
    if (is_word("view")) ++i;
    if (!is_symbol("(", i)) return false;
    int depth = 0;
    for (; peek(i).kind != Token::Kind::end; ++i) {
      if (is_symbol("(", i)) ++depth;
      if (is_symbol(")", i) && --depth == 0) return is_symbol("{", i + 1);
    }
    return false;
  }

  std::unique_ptr<Function> parse_function() {
    take_word("view");
    auto function = std::make_unique<Function>();
    ++at_;
    while (!is_symbol(")")) {
      Function::Parameter parameter;
      parameter.span = peek().span;
      const auto name = parse_name("a parameter's name");
      if (!name || !expect(":", "after the name of a parameter")) return nullptr;
      parameter.name = *name;
      if (is_symbol("(")) {
        diagnostics_.add(ErrorCode::kql_not_supported, peek().span,
                         "a function here takes scalar parameters only, not tables");
        return nullptr;
      }
      const auto type = parse_type_name();
      if (!type) return nullptr;
      parameter.type = *type;
      if (take_symbol("=")) {
        parameter.default_value = parse_expression();
        if (!parameter.default_value) return nullptr;
      }
      function->parameters.push_back(std::move(parameter));
      if (!is_symbol(")") && !expect(",", "between parameters")) return nullptr;
    }
    ++at_;
    if (!expect("{", "before the body of a function")) return nullptr;
    while (!is_symbol("}")) {
      if (peek().kind == Token::Kind::end) {
        complain("the body of the function does not end; expected \"}\"");
        return nullptr;
      }
      const std::size_t before = diagnostics_.size();
      parse_function_statement(*function);
      if (diagnostics_.size() != before) return nullptr;
      while (take_symbol(";")) {
      }
    }
    ++at_;
    if (function->body.empty()) {
      complain("the body of the function is empty");
      return nullptr;
    }
    return function;
  }

  void parse_function_statement(Function& function) {
    Statement statement;
    const std::size_t begin = peek().span.begin;
    bool is_good = false;
    if (is_word("let")) {
      is_good = parse_let(statement);
    } else {
      is_good = parse_body(statement, false);
    }
    statement.span = {begin, tokens_[at_ == 0 ? 0 : at_ - 1].span.end};
    if (is_good) function.body.push_back(std::move(statement));
    if (is_good && !is_symbol(";") && !is_symbol("}"))
      complain(fmt::format("expected \";\" or \"}}\", got {}", seen()));
  }

  // --- pipelines
  // ---------------------------------------------------------------------------------------------------------------
  std::unique_ptr<Pipeline> parse_pipeline() override {
    auto pipeline = std::make_unique<Pipeline>();
    pipeline->span = peek().span;
    if (!parse_source(*pipeline)) return nullptr;
    while (take_symbol("|")) {
      const std::size_t before = diagnostics_.size();
      Operator op;
      op.span = peek().span;
      if (parse_operator(op)) {
        op.span.end = tokens_[at_ - 1].span.end;
        pipeline->operators.push_back(std::move(op));
      }
      if (diagnostics_.size() != before) skip_to({"|", ";"});
    }
    pipeline->span.end = tokens_[at_ == 0 ? 0 : at_ - 1].span.end;
    return pipeline;
  }

  bool parse_source(Pipeline& pipeline) override {
    if (is_word("print") && !is_symbol("|", 1)) {
      ++at_;
      pipeline.source = Pipeline::Source::print;
      return parse_named_list(pipeline.print);
    }
    if (is_word("datatable")) return parse_datatable(pipeline);
    for (const std::string_view refused : {"range", "union", "search", "find", "externaldata", "evaluate"}) {
      if (!is_word(refused) || is_symbol("|", 1) || is_symbol("=", 1) || peek(1).kind == Token::Kind::end ||
          is_symbol(";", 1))
        continue;
      diagnostics_.add(
          ErrorCode::kql_not_supported, peek().span,
          fmt::format("\"{}\" is not for single records; a rule begins with \"source\", \"print\" or \"datatable\"",
                      refused));
      return false;
    }
    pipeline.span = peek().span;
    if (is_word("source")) {
      ++at_;
      pipeline.source = Pipeline::Source::record;
      return true;
    }
    const auto name = parse_name("a table: \"source\", \"print\", \"datatable\" or a name");
    if (!name) return false;
    pipeline.source = Pipeline::Source::name;
    pipeline.name = *name;
    return true;
  }

  bool parse_datatable(Pipeline& pipeline) {
    ++at_;
    pipeline.source = Pipeline::Source::datatable;
    if (!expect("(", "after datatable")) return false;
    while (!is_symbol(")")) {
      ColumnDeclaration column;
      column.span = peek().span;
      const auto name = parse_name("a column's name");
      if (!name || !expect(":", "after the name of a column")) return false;
      column.name = *name;
      const auto type = parse_type_name();
      if (!type) return false;
      column.type = *type;
      pipeline.columns.push_back(std::move(column));
      if (!is_symbol(")") && !expect(",", "between columns")) return false;
    }
    ++at_;
    if (!expect("[", "before the values of a datatable")) return false;
    while (!is_symbol("]")) {
      auto value = parse_expression();
      if (!value) return false;
      pipeline.values.push_back(std::move(value));
      if (!is_symbol("]") && !expect(",", "between values")) return false;
    }
    ++at_;
    if (pipeline.columns.empty() || pipeline.values.size() % pipeline.columns.size() != 0) {
      diagnostics_.add(
          ErrorCode::kql_syntax, pipeline.span,
          fmt::format("expected a multiple of {} values, got {}", pipeline.columns.size(), pipeline.values.size()));
      return false;
    }
    return true;
  }
};

}  // namespace

Query parse_query(std::string_view text, Diagnostics& diagnostics) {
  auto tokens = tokenize(text, diagnostics);
  return Parser(std::move(tokens), diagnostics).run();
}

ExpressionPtr parse_one_expression(std::string_view text, Diagnostics& diagnostics) {
  auto tokens = tokenize(text, diagnostics);
  if (!diagnostics.is_empty()) return nullptr;
  return Parser(std::move(tokens), diagnostics).run_expression();
}

Query parse_lets(std::string_view text, Diagnostics& diagnostics) {
  auto tokens = tokenize(text, diagnostics);
  return Parser(std::move(tokens), diagnostics).run_lets();
}

}  // namespace capstan::kql
