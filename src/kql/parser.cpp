#include "parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace capstan::kql {

namespace {

constexpr int depth_max = 200;

using Kind = Expression::Kind;

struct OperatorName {
  std::string_view text;
  Operator::Kind kind;
};
constexpr std::array operator_names{
    OperatorName{"where", Operator::Kind::where},
    OperatorName{"filter", Operator::Kind::where},
    OperatorName{"extend", Operator::Kind::extend},
    OperatorName{"project", Operator::Kind::project},
    OperatorName{"project-away", Operator::Kind::project_away},
    OperatorName{"project-keep", Operator::Kind::project_keep},
    OperatorName{"project-rename", Operator::Kind::project_rename},
    OperatorName{"project-reorder", Operator::Kind::project_reorder},
    OperatorName{"parse", Operator::Kind::parse},
    OperatorName{"parse-where", Operator::Kind::parse_where},
    OperatorName{"mv-expand", Operator::Kind::mv_expand},
    OperatorName{"mvexpand", Operator::Kind::mv_expand},
};

// Operators of KQL that need more than one record, or the outside. Refused by name.
constexpr std::array<std::string_view, 36> refused_operators{"summarize",     "count",
                                                             "distinct",      "top",
                                                             "sort",          "order",
                                                             "take",          "limit",
                                                             "sample",        "join",
                                                             "union",         "mv-apply",
                                                             "make-series",   "parse-kv",
                                                             "project-smart", "search",
                                                             "find",          "evaluate",
                                                             "invoke",        "fork",
                                                             "facet",         "partition",
                                                             "scan",          "serialize",
                                                             "range",         "render",
                                                             "getschema",     "as",
                                                             "consume",       "externaldata",
                                                             "top-nested",    "top-hitters",
                                                             "reduce",        "sample-distinct",
                                                             "macro-expand",  "lookup"};

constexpr std::array<std::string_view, 32> string_operators{"=~",
                                                            "!~",
                                                            "has",
                                                            "!has",
                                                            "has_cs",
                                                            "!has_cs",
                                                            "contains",
                                                            "!contains",
                                                            "contains_cs",
                                                            "!contains_cs",
                                                            "startswith",
                                                            "!startswith",
                                                            "startswith_cs",
                                                            "!startswith_cs",
                                                            "endswith",
                                                            "!endswith",
                                                            "endswith_cs",
                                                            "!endswith_cs",
                                                            "hasprefix",
                                                            "!hasprefix",
                                                            "hasprefix_cs",
                                                            "!hasprefix_cs",
                                                            "hassuffix",
                                                            "!hassuffix",
                                                            "hassuffix_cs",
                                                            "!hassuffix_cs",
                                                            "matches regex",
                                                            "like",
                                                            "!like",
                                                            "notlike",
                                                            "containscs",
                                                            "!containscs"};

class Parser {
public:
  Parser(std::vector<Token> tokens, Diagnostics& diagnostics) : tokens_(std::move(tokens)), diagnostics_(diagnostics) {}

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

private:
  // --- tokens
  // ------------------------------------------------------------------------------------------------------------------
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is_symbol(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::symbol && peek(ahead).text == text;
  }
  bool is_word(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::identifier && peek(ahead).text == text;
  }
  bool take_symbol(std::string_view text) {
    if (!is_symbol(text)) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view text) {
    if (!is_word(text)) return false;
    ++at_;
    return true;
  }
  bool touches(std::size_t ahead) const { return peek(ahead).span.end == peek(ahead + 1).span.begin; }
  std::string seen() const {
    const Token& token = peek();
    switch (token.kind) {
      case Token::Kind::end:
        return "the end of the query";
      case Token::Kind::string:
        return "a string";
      case Token::Kind::long_integer:
      case Token::Kind::real:
        return "a number";
      case Token::Kind::timespan:
        return "a timespan";
      case Token::Kind::typed_literal:
        return fmt::format("{}(…)", token.name);
      default:
        return fmt::format("\"{}\"", token.text);
    }
  }
  void complain(std::string sentence) { diagnostics_.add(ErrorCode::kql_syntax, peek().span, std::move(sentence)); }
  bool expect(std::string_view symbol, std::string_view where) {
    if (take_symbol(symbol)) return true;
    complain(fmt::format("expected \"{}\" {}, got {}", symbol, where, seen()));
    return false;
  }

  void skip_to_statement_end() {
    skip_to({";"});
    while (take_symbol(";")) {
    }
  }
  // Goes to one of the symbols outside of brackets, or to the end.
  void skip_to(std::initializer_list<std::string_view> stops) {
    int depth = 0;
    for (; peek().kind != Token::Kind::end; ++at_) {
      if (peek().kind != Token::Kind::symbol) continue;
      const std::string& text = peek().text;
      if (depth == 0 && std::ranges::find(stops, text) != stops.end()) return;
      if (text == "(" || text == "[" || text == "{") ++depth;
      if (text == ")" || text == "]" || text == "}") depth = std::max(0, depth - 1);
    }
  }

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
  std::unique_ptr<Pipeline> parse_pipeline() {
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

  bool parse_source(Pipeline& pipeline) {
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

  // The operator's name: words joined by "-" without blanks.
  std::string take_operator_name() {
    std::string name;
    if (peek().kind != Token::Kind::identifier) return name;
    name = peek().text;
    while (is_symbol("-", 1) && touches(0) && touches(1) && peek(2).kind == Token::Kind::identifier) {
      name += "-" + peek(2).text;
      at_ += 2;
    }
    ++at_;
    return name;
  }

  bool parse_operator(Operator& op) {
    if (peek().kind != Token::Kind::identifier) {
      complain(fmt::format("expected an operator after \"|\", got {}", seen()));
      return false;
    }
    op.name = take_operator_name();
    op.span.end = tokens_[at_ - 1].span.end;
    const auto known = std::ranges::find(operator_names, op.name, &OperatorName::text);
    if (op.name == "lookup") return parse_lookup(op);
    if (op.name == "evaluate" && is_word("ipv4_lookup")) return parse_ipv4_lookup(op);
    if (known == operator_names.end()) return refuse_operator(op);
    op.kind = known->kind;
    switch (op.kind) {
      case Operator::Kind::where: {
        NamedExpression predicate;
        predicate.span = peek().span;
        predicate.expression = parse_expression();
        if (!predicate.expression) return false;
        op.expressions.push_back(std::move(predicate));
        return at_operator_end();
      }
      case Operator::Kind::extend:
      case Operator::Kind::project:
      case Operator::Kind::project_rename:
        return parse_named_list(op.expressions) && at_operator_end();
      case Operator::Kind::project_away:
      case Operator::Kind::project_keep:
      case Operator::Kind::project_reorder:
        return parse_patterns(op) && at_operator_end();
      case Operator::Kind::parse:
      case Operator::Kind::parse_where:
        return parse_parse(op) && at_operator_end();
      case Operator::Kind::mv_expand:
        return parse_mv_expand(op) && at_operator_end();
      case Operator::Kind::lookup:
      case Operator::Kind::ipv4_lookup:
        return false;
    }
    return false;
  }

  bool refuse_operator(const Operator& op) {
    if (std::ranges::find(refused_operators, op.name) != refused_operators.end()) {
      diagnostics_.add(ErrorCode::kql_not_supported, op.span,
                       fmt::format("the operator \"{}\" is not for single records{}", op.name, instead_of(op.name)));
      return false;
    }
    std::vector<std::string_view> names;
    for (const OperatorName& name : operator_names) names.push_back(name.text);
    const std::string_view near = nearest(op.name, names);
    diagnostics_.add(ErrorCode::kql_unknown_name, op.span,
                     fmt::format("there is no operator \"{}\"{}", op.name,
                                 near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    return false;
  }
  static std::string instead_of(std::string_view name) {
    if (name == "join" || name == "lookup") return "; \"lookup kind=leftouter\" adds columns from a table";
    if (name == "mv-apply") return "; \"mv-expand\" makes one row an item";
    if (name == "parse-kv") return "; \"parse\" and \"extract\" take text apart";
    return "";
  }

  bool at_operator_end() {
    if (is_symbol("|") || is_symbol(";") || is_symbol("}") || is_symbol(")") || peek().kind == Token::Kind::end)
      return true;
    complain(fmt::format("expected \"|\" or the end of the operator, got {}", seen()));
    return false;
  }

  bool parse_named_list(std::vector<NamedExpression>& into) {
    do {
      NamedExpression named;
      named.span = peek().span;
      const bool is_name = peek().kind == Token::Kind::identifier && is_symbol("=", 1);
      const bool is_quoted_name =
          is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2) && is_symbol("=", 3);
      if (is_name || is_quoted_name) {
        named.name = parse_name("a name");
        ++at_;
      }
      named.expression = parse_expression();
      if (!named.expression) return false;
      named.span.end = tokens_[at_ - 1].span.end;
      into.push_back(std::move(named));
    } while (take_symbol(","));
    return true;
  }

  // a, b*, *c, ['d e'], and asc/desc behind one.
  bool parse_patterns(Operator& op) {
    do {
      const Span begin = peek().span;
      std::string pattern;
      std::size_t end = begin.begin;
      while (peek().span.begin == end || pattern.empty()) {
        if (is_symbol("*")) {
          pattern += '*';
        } else if (peek().kind == Token::Kind::identifier || peek().kind == Token::Kind::long_integer) {
          pattern += peek().text;
        } else if (pattern.empty() && is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2)) {
          pattern = peek(1).text;
          at_ += 2;
        } else {
          break;
        }
        end = peek().span.end;
        ++at_;
      }
      if (pattern.empty()) {
        complain(fmt::format("expected a column's name, got {}", seen()));
        return false;
      }
      op.patterns.emplace_back(pattern, Span{begin.begin, end});
      if (op.kind == Operator::Kind::project_reorder && (is_word("asc") || is_word("desc") || is_word("granny-asc"))) {
        op.flags += is_word("asc") ? 'a' : 'd';
        ++at_;
      } else {
        op.flags += '-';
      }
    } while (take_symbol(","));
    return true;
  }

  bool parse_parse(Operator& op) {
    if (is_word("kind") && is_symbol("=", 1)) {
      at_ += 2;
      op.parse_kind = peek().text;
      if (op.parse_kind != "simple" && op.parse_kind != "regex" && op.parse_kind != "relaxed") {
        complain(fmt::format("expected kind=simple, kind=regex or kind=relaxed, got {}", seen()));
        return false;
      }
      ++at_;
    }
    if (is_word("flags") && is_symbol("=", 1)) {
      at_ += 2;
      op.flags = peek().text;
      const bool are_known = std::ranges::all_of(op.flags, [](char c) { return std::string_view("ismU").contains(c); });
      if (op.parse_kind != "regex" || peek().kind != Token::Kind::identifier || !are_known) {
        complain(op.parse_kind != "regex" ? "flags go with kind=regex"
                                          : fmt::format("expected flags out of i, s, m and U, got {}", seen()));
        return false;
      }
      ++at_;
    }
    NamedExpression subject;
    subject.span = peek().span;
    subject.expression = parse_expression();
    if (!subject.expression) return false;
    op.expressions.push_back(std::move(subject));
    if (!take_word("with")) {
      complain(fmt::format("expected \"with\" after what is parsed, got {}", seen()));
      return false;
    }
    while (is_symbol("*") || peek().kind == Token::Kind::string || peek().kind == Token::Kind::identifier ||
           is_symbol("["))
      if (!parse_parse_item(op)) return false;
    return true;
  }

  bool parse_parse_item(Operator& op) {
    ParseItem item;
    item.span = peek().span;
    if (take_symbol("*")) {
      item.kind = ParseItem::Kind::star;
    } else if (peek().kind == Token::Kind::string) {
      item.kind = ParseItem::Kind::literal;
      item.text = peek().text;
      ++at_;
    } else {
      item.kind = ParseItem::Kind::column;
      const auto name = parse_name("a column's name");
      if (!name) return false;
      item.text = *name;
      if (take_symbol(":")) {
        const auto type = parse_type_name();
        if (!type) return false;
        item.type = *type;
      }
    }
    op.items.push_back(std::move(item));
    return true;
  }

  bool parse_mv_expand(Operator& op) {
    if (op.name == "mvexpand") op.limit = 128;
    while (peek().kind == Token::Kind::identifier && is_symbol("=", 1) &&
           (is_word("kind") || is_word("bagexpansion") || is_word("with_itemindex"))) {
      const std::string option = peek().text;
      at_ += 2;
      const Span span = peek().span;
      const auto value = parse_name("a value");
      if (!value) return false;
      if (option == "with_itemindex") {
        op.index_name = *value;
      } else if (*value == "array" || *value == "bag") {
        op.expands_bags_to_arrays = *value == "array";
      } else {
        diagnostics_.add(ErrorCode::kql_syntax, span,
                         fmt::format("expected {}=bag or {}=array, got \"{}\"", option, option, *value));
        return false;
      }
    }
    do {
      std::vector<NamedExpression> one;
      if (!parse_one_expansion(one)) return false;
      op.expressions.push_back(std::move(one.front()));
    } while (take_symbol(","));
    if (take_word("limit")) {
      if (peek().kind != Token::Kind::long_integer) {
        complain(fmt::format("expected a number after limit, got {}", seen()));
        return false;
      }
      op.limit = peek().number;
      ++at_;
    }
    return true;
  }

  bool parse_one_expansion(std::vector<NamedExpression>& into) {
    NamedExpression named;
    named.span = peek().span;
    if (peek().kind == Token::Kind::identifier && is_symbol("=", 1)) {
      named.name = peek().text;
      at_ += 2;
    }
    named.expression = parse_expression();
    if (!named.expression) return false;
    if (is_word("to") && is_word("typeof", 1)) {
      at_ += 2;
      if (!expect("(", "after typeof")) return false;
      named.to_type = parse_type_name();
      if (!named.to_type || !expect(")", "after the type")) return false;
    }
    into.push_back(std::move(named));
    return true;
  }

  // lookup kind=leftouter TABLE on key, …
  bool parse_lookup(Operator& op) {
    op.kind = Operator::Kind::lookup;
    std::string kind = "leftouter";
    if (is_word("kind") && is_symbol("=", 1)) {
      at_ += 2;
      kind = peek().text;
      if (kind != "leftouter") {
        diagnostics_.add(ErrorCode::kql_not_supported, peek().span,
                         fmt::format("expected kind=leftouter, got kind={}; a rule keeps one row a record", kind));
        return false;
      }
      ++at_;
    }
    const bool is_parenthesised = take_symbol("(");
    const auto table = parse_name("a table's name");
    if (!table || (is_parenthesised && !expect(")", "after the table"))) return false;
    op.table = *table;
    if (!take_word("on")) {
      complain(fmt::format("expected \"on\" after the table, got {}", seen()));
      return false;
    }
    do {
      const auto key = parse_name("a key column");
      if (!key) return false;
      op.keys.push_back(*key);
    } while (take_symbol(","));
    return at_operator_end();
  }

  // evaluate ipv4_lookup(TABLE, source column, network column)
  bool parse_ipv4_lookup(Operator& op) {
    op.kind = Operator::Kind::ipv4_lookup;
    op.name = "ipv4_lookup";
    ++at_;
    if (!expect("(", "after ipv4_lookup")) return false;
    const auto table = parse_name("a table's name");
    if (!table || !expect(",", "after the table")) return false;
    op.table = *table;
    NamedExpression address;
    address.span = peek().span;
    address.expression = parse_expression();
    if (!address.expression || !expect(",", "after the address")) return false;
    op.expressions.push_back(std::move(address));
    const auto network = parse_name("the table's network column");
    if (!network || !expect(")", "after the network column")) return false;
    op.keys.push_back(*network);
    return at_operator_end();
  }

  // --- names and types
  // ---------------------------------------------------------------------------------------------------------
  std::optional<std::string> parse_name(std::string_view wanted) {
    if (peek().kind == Token::Kind::identifier) return tokens_[at_++].text;
    if (is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2)) {
      at_ += 3;
      return tokens_[at_ - 2].text;
    }
    complain(fmt::format("expected {}, got {}", wanted, seen()));
    return std::nullopt;
  }

  std::optional<Type> parse_type_name() {
    if (peek().kind == Token::Kind::identifier) {
      if (const auto type = parse_type(peek().text)) {
        ++at_;
        return type;
      }
      if (peek().text == "decimal") {
        diagnostics_.add(ErrorCode::kql_not_supported, peek().span,
                         "the type \"decimal\" is not supported; use real or long");
        return std::nullopt;
      }
    }
    complain(fmt::format("expected a type (bool, int, long, real, string, datetime, timespan, guid, dynamic), got {}",
                         seen()));
    return std::nullopt;
  }

  // --- expressions, loosest first
  // ----------------------------------------------------------------------------------------------
  ExpressionPtr parse_expression() {
    if (depth_ >= depth_max) {
      complain(fmt::format("the expression is nested deeper than {} levels", depth_max));
      return nullptr;
    }
    ++depth_;
    auto result = parse_or();
    --depth_;
    return result;
  }

  ExpressionPtr make_binary(ExpressionPtr left, std::string name, ExpressionPtr right) {
    auto node = std::make_unique<Expression>();
    node->kind = Kind::binary;
    node->span = {left->span.begin, right->span.end};
    node->name = std::move(name);
    node->items.push_back(std::move(left));
    node->items.push_back(std::move(right));
    return node;
  }

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
  ExpressionPtr parse_or() {
    return parse_left_words("or", [this] { return parse_left_words("and", [this] { return parse_equality(); }); });
  }

  std::string equality_ahead() const {
    for (const std::string_view symbol : {"==", "!=", "<>", "in~", "!in", "!in~", "!between", "!has_any", "!has_all"})
      if (is_symbol(symbol)) return std::string(symbol);
    for (const std::string_view word : {"in", "has_any", "has_all", "between"})
      if (is_word(word)) return std::string(word);
    return {};
  }

  ExpressionPtr parse_equality() {
    auto left = parse_comparison();
    if (!left) return nullptr;
    std::string name = equality_ahead();
    if (name.empty()) return refuse_assignment(std::move(left));
    ++at_;
    if (name == "<>") name = "!=";
    ExpressionPtr result;
    if (name == "==" || name == "!=") {
      auto right = parse_comparison();
      if (!right) return nullptr;
      result = make_binary(std::move(left), name, std::move(right));
    } else if (name == "between" || name == "!between") {
      result = parse_between(std::move(left), name);
    } else {
      result = parse_any_of(std::move(left), name);
    }
    if (result && !equality_ahead().empty()) {
      complain(fmt::format("\"{}\" cannot follow another comparison; use parentheses or \"and\"", peek().text));
      return nullptr;
    }
    return result;
  }

  // `a = b` as a comparison is a slip that people from other languages make.
  ExpressionPtr refuse_assignment(ExpressionPtr left) {
    for (const auto& [wrong, right] : {std::pair{"&", "and"}, std::pair{"||", "or"}}) {
      if (!is_symbol(wrong)) continue;
      complain(fmt::format("expected \"{}\"", right));
      return nullptr;
    }
    return left;
  }

  ExpressionPtr parse_between(ExpressionPtr left, const std::string& name) {
    auto node = std::make_unique<Expression>();
    node->kind = Kind::between;
    node->name = name;
    node->span = left->span;
    node->items.push_back(std::move(left));
    if (!expect("(", fmt::format("after {}", name))) return nullptr;
    auto low = parse_sum();
    if (!low || !expect("..", "between the two ends")) return nullptr;
    auto high = parse_sum();
    if (!high || !expect(")", "after the two ends")) return nullptr;
    node->items.push_back(std::move(low));
    node->items.push_back(std::move(high));
    node->span.end = tokens_[at_ - 1].span.end;
    return node;
  }

  ExpressionPtr parse_any_of(ExpressionPtr left, const std::string& name) {
    auto node = std::make_unique<Expression>();
    node->kind = Kind::any_of;
    node->name = name;
    node->span = left->span;
    node->items.push_back(std::move(left));
    if (!expect("(", fmt::format("after {}", name))) return nullptr;
    do {
      auto item = parse_expression();
      if (!item) return nullptr;
      node->items.push_back(std::move(item));
    } while (take_symbol(","));
    if (!expect(")", "after the list")) return nullptr;
    node->span.end = tokens_[at_ - 1].span.end;
    return node;
  }

  bool is_comparison_ahead() const { return is_symbol("<") || is_symbol(">") || is_symbol("<=") || is_symbol(">="); }
  ExpressionPtr parse_comparison() {
    auto left = parse_sum();
    if (!left || !is_comparison_ahead()) return left;
    const std::string name = tokens_[at_++].text;
    auto right = parse_sum();
    if (!right) return nullptr;
    if (is_comparison_ahead()) {
      complain(fmt::format("\"{}\" cannot follow another comparison; use parentheses or \"and\"", peek().text));
      return nullptr;
    }
    return make_binary(std::move(left), name, std::move(right));
  }

  ExpressionPtr parse_sum() {
    auto left = parse_product();
    while (left && (is_symbol("+") || is_symbol("-"))) {
      const std::string name = tokens_[at_++].text;
      auto right = parse_product();
      if (!right) return nullptr;
      left = make_binary(std::move(left), name, std::move(right));
    }
    return left;
  }

  ExpressionPtr parse_product() {
    auto left = parse_string_operation();
    while (left && (is_symbol("*") || is_symbol("/") || is_symbol("%"))) {
      const std::string name = tokens_[at_++].text;
      auto right = parse_string_operation();
      if (!right) return nullptr;
      left = make_binary(std::move(left), name, std::move(right));
    }
    return left;
  }

  std::string string_operator_ahead() const {
    if (is_word("matches") && is_word("regex", 1)) return "matches regex";
    if (peek().kind != Token::Kind::identifier && peek().kind != Token::Kind::symbol) return {};
    return std::ranges::find(string_operators, peek().text) != string_operators.end() ? peek().text : std::string{};
  }

  ExpressionPtr parse_string_operation() {
    auto left = parse_unary();
    if (!left) return nullptr;
    const std::string name = string_operator_ahead();
    if (name.empty()) return left;
    if (name.ends_with("like") || name.ends_with("containscs")) {
      diagnostics_.add(ErrorCode::kql_not_supported, peek().span,
                       fmt::format("\"{}\" is not supported; use contains, has or matches regex", name));
      return nullptr;
    }
    at_ += name == "matches regex" ? 2 : 1;
    auto right = parse_unary();
    if (!right) return nullptr;
    if (!string_operator_ahead().empty()) {
      complain(fmt::format("\"{}\" cannot follow another string operator; use parentheses or \"and\"", peek().text));
      return nullptr;
    }
    return make_binary(std::move(left), name, std::move(right));
  }

  ExpressionPtr parse_unary() {
    if (!is_symbol("-") && !is_symbol("+")) return parse_postfix();
    if (is_symbol("-") && peek(1).needs_minus) {
      auto smallest = make(Kind::long_integer);
      smallest->number = peek(1).number;
      smallest->span.end = peek(1).span.end;
      at_ += 2;
      return smallest;
    }
    auto node = std::make_unique<Expression>();
    node->kind = Kind::unary;
    node->span = peek().span;
    node->name = tokens_[at_++].text;
    auto operand = parse_postfix();
    if (!operand) return nullptr;
    node->span.end = operand->span.end;
    node->items.push_back(std::move(operand));
    return node;
  }

  ExpressionPtr parse_postfix() {
    auto left = parse_primary();
    for (int steps = 0; left && steps < depth_max; ++steps) {
      if (is_symbol(".")) {
        ++at_;
        auto node = std::make_unique<Expression>();
        node->kind = Kind::member;
        const auto name = parse_name("a member's name");
        if (!name) return nullptr;
        node->name = *name;
        node->span = {left->span.begin, tokens_[at_ - 1].span.end};
        node->items.push_back(std::move(left));
        left = std::move(node);
      } else if (is_symbol("[")) {
        ++at_;
        auto node = std::make_unique<Expression>();
        node->kind = Kind::element;
        auto index = parse_expression();
        if (!index || !expect("]", "after the index")) return nullptr;
        node->span = {left->span.begin, tokens_[at_ - 1].span.end};
        node->items.push_back(std::move(left));
        node->items.push_back(std::move(index));
        left = std::move(node);
      } else {
        break;
      }
    }
    return left;
  }

  ExpressionPtr make(Kind kind) {
    auto node = std::make_unique<Expression>();
    node->kind = kind;
    node->span = peek().span;
    return node;
  }

  ExpressionPtr parse_primary() {
    const Token& token = peek();
    switch (token.kind) {
      case Token::Kind::string: {
        auto node = make(Kind::string);
        node->text = token.text;
        ++at_;
        return node;
      }
      case Token::Kind::long_integer:
      case Token::Kind::timespan: {
        if (token.needs_minus) {
          complain(fmt::format("the number {} is larger than a long can be", token.text));
          return nullptr;
        }
        auto node = make(token.kind == Token::Kind::timespan ? Kind::timespan : Kind::long_integer);
        node->number = token.number;
        ++at_;
        return node;
      }
      case Token::Kind::real: {
        auto node = make(Kind::real);
        node->real = token.real;
        ++at_;
        return node;
      }
      case Token::Kind::typed_literal: {
        auto node = make(Kind::typed_literal);
        node->name = token.name;
        node->text = token.text;
        ++at_;
        return node;
      }
      case Token::Kind::identifier:
        return parse_word();
      case Token::Kind::symbol:
        return parse_bracket();
      case Token::Kind::end:
        break;
    }
    complain(fmt::format("expected an expression, got {}", seen()));
    return nullptr;
  }

  ExpressionPtr parse_word() {
    const std::string& word = peek().text;
    for (const std::string_view spelling : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
      if (word != spelling || is_symbol("(", 1)) continue;
      auto node = make(Kind::boolean);
      node->flag = spelling.front() == 't' || spelling.front() == 'T';
      ++at_;
      return node;
    }
    if (word == "dynamic" && is_symbol("(", 1)) return parse_dynamic();
    if (word == "decimal" && is_symbol("(", 1)) {
      diagnostics_.add(ErrorCode::kql_not_supported, peek().span,
                       "the type \"decimal\" is not supported; use real or long");
      return nullptr;
    }
    if (word == "typeof" && is_symbol("(", 1)) return parse_typeof();
    if (is_symbol("(", 1)) return parse_call();
    if ((word == "and" || word == "or" || word == "not") && !is_symbol("=", 1)) {
      complain(word == "not" ? "\"not\" is a function: write not(…)"
                             : fmt::format("expected an expression, got \"{}\"", word));
      return nullptr;
    }
    auto node = make(Kind::name);
    node->name = word;
    ++at_;
    return node;
  }

  ExpressionPtr parse_call() {
    auto node = make(Kind::call);
    node->name = peek().text;
    at_ += 2;
    while (!is_symbol(")")) {
      if (is_symbol("*")) {
        node->items.push_back(make(Kind::star));
        ++at_;
      } else {
        auto argument = parse_expression();
        if (!argument) return nullptr;
        node->items.push_back(std::move(argument));
      }
      if (!is_symbol(")") && !expect(",", "between arguments")) return nullptr;
    }
    node->span.end = peek().span.end;
    ++at_;
    return node;
  }

  ExpressionPtr parse_typeof() {
    auto node = make(Kind::typed_literal);
    node->name = "typeof";
    at_ += 2;
    const auto type = parse_type_name();
    if (!type || !expect(")", "after the type")) return nullptr;
    node->text = to_string(*type);
    return node;
  }

  ExpressionPtr parse_bracket() {
    if (is_symbol("(")) {
      const std::size_t begin = peek().span.begin;
      ++at_;
      auto inner = parse_expression();
      if (!inner || !expect(")", "after the expression")) return nullptr;
      inner->is_parenthesised = true;
      inner->span = {begin, tokens_[at_ - 1].span.end};
      return inner;
    }
    // ['any text'] names a column.
    if (is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2)) {
      auto node = make(Kind::name);
      node->name = peek(1).text;
      node->span.end = peek(2).span.end;
      at_ += 3;
      return node;
    }
    complain(fmt::format("expected an expression, got {}", seen()));
    return nullptr;
  }

  // --- dynamic(…): JSON with typed literals and single-quoted strings in it; becomes JSON text
  // -------------------------------------
  ExpressionPtr parse_dynamic() {
    auto node = make(Kind::dynamic);
    at_ += 2;
    if (!parse_json_value(node->text, 0) || !expect(")", "after the dynamic value")) return nullptr;
    node->span.end = tokens_[at_ - 1].span.end;
    return node;
  }

  bool parse_json_value(std::string& out, int depth) {
    if (depth > depth_max) {
      complain("the dynamic value is nested too deep");
      return false;
    }
    const bool is_negative = take_symbol("-");
    const Token& token = peek();
    switch (token.kind) {
      case Token::Kind::string:
        out += json_quote(token.text);
        break;
      case Token::Kind::long_integer:
      case Token::Kind::timespan:
        out += fmt::format("{}{}", is_negative ? "-" : "", token.number);
        break;
      case Token::Kind::real:
        out += fmt::format("{}{}", is_negative ? "-" : "", json_real(token.real));
        break;
      case Token::Kind::typed_literal:
        return parse_json_typed(out);
      case Token::Kind::identifier:
        return parse_json_word(out, depth);
      case Token::Kind::symbol:
        if (is_symbol("[")) return parse_json_array(out, depth);
        if (is_symbol("{")) return parse_json_bag(out, depth);
        [[fallthrough]];
      case Token::Kind::end:
        complain(fmt::format("expected a JSON value, got {}", seen()));
        return false;
    }
    ++at_;
    return true;
  }

  static std::string json_real(double value) {
    const std::string text = fmt::format("{}", value);
    return text.find_first_of(".eEn") == std::string::npos ? text + ".0" : text;
  }

  // A typed literal inside dynamic is kept for the binder in a marked string, because its meaning is the binder's
  // business.
  bool parse_json_typed(std::string& out) {
    out += json_quote(std::string(1, '\x01') + peek().name + ":" + peek().text);
    ++at_;
    return true;
  }

  bool parse_json_word(std::string& out, int depth) {
    const std::string& word = peek().text;
    if (word == "true" || word == "false" || word == "null") {
      out += word;
      ++at_;
      return true;
    }
    if (word == "dynamic" && is_symbol("(", 1)) {
      at_ += 2;
      return parse_json_value(out, depth + 1) && expect(")", "after the dynamic value");
    }
    complain(fmt::format("expected a JSON value, got {}", seen()));
    return false;
  }

  bool parse_json_array(std::string& out, int depth) {
    ++at_;
    out += '[';
    for (bool is_first = true; !is_symbol("]"); is_first = false) {
      if (!is_first) {
        if (!expect(",", "between items")) return false;
        out += ',';
      }
      if (!parse_json_value(out, depth + 1)) return false;
    }
    ++at_;
    out += ']';
    return true;
  }

  bool parse_json_bag(std::string& out, int depth) {
    ++at_;
    out += '{';
    for (bool is_first = true; !is_symbol("}"); is_first = false) {
      if (!is_first) {
        if (!expect(",", "between members")) return false;
        out += ',';
      }
      if (peek().kind != Token::Kind::string) {
        complain(fmt::format("expected a member's name in quotes, got {}", seen()));
        return false;
      }
      out += json_quote(peek().text) + ":";
      ++at_;
      if (!expect(":", "after the member's name") || !parse_json_value(out, depth + 1)) return false;
    }
    ++at_;
    out += '}';
    return true;
  }

  std::vector<Token> tokens_;
  Diagnostics& diagnostics_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Query parse_query(std::string_view text, Diagnostics& diagnostics) {
  auto tokens = tokenize(text, diagnostics);
  return Parser(std::move(tokens), diagnostics).run();
}

}  // namespace capstan::kql
