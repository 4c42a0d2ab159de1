#include "expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace capstan::kql {

namespace {

constexpr int depth_max = 200;
// A tree leans to the left as far as operators stand in a row, and every walk over it goes down so far.
constexpr std::size_t operators_max = 2000;

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

}  // namespace

ExpressionPtr ExpressionParser::parse_expression() {
  if (depth_ >= depth_max) {
    complain(fmt::format("the expression is nested deeper than {} levels", depth_max));
    return nullptr;
  }
  ++depth_;
  auto result = parse_or();
  --depth_;
  return result;
}

ExpressionPtr ExpressionParser::make_binary(ExpressionPtr left, std::string name, ExpressionPtr right) {
  if (++operators_ > operators_max) {
    complain(fmt::format("the query has more than {} operators; use in (…) for long lists", operators_max));
    return nullptr;
  }
  auto node = std::make_unique<Expression>();
  node->kind = Kind::binary;
  node->span = {left->span.begin, right->span.end};
  node->name = std::move(name);
  node->items.push_back(std::move(left));
  node->items.push_back(std::move(right));
  return node;
}

ExpressionPtr ExpressionParser::parse_or() {
  return parse_left_words("or", [this] { return parse_left_words("and", [this] { return parse_equality(); }); });
}

std::string ExpressionParser::equality_ahead() const {
  for (const std::string_view symbol : {"==", "!=", "<>", "in~", "!in", "!in~", "!between", "!has_any", "!has_all"})
    if (is_symbol(symbol)) return std::string(symbol);
  for (const std::string_view word : {"in", "has_any", "has_all", "between"})
    if (is_word(word)) return std::string(word);
  return {};
}

ExpressionPtr ExpressionParser::parse_equality() {
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

ExpressionPtr ExpressionParser::refuse_assignment(ExpressionPtr left) {
  for (const auto& [wrong, right] : {std::pair{"&", "and"}, std::pair{"||", "or"}}) {
    if (!is_symbol(wrong)) continue;
    complain(fmt::format("expected \"{}\"", right));
    return nullptr;
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_between(ExpressionPtr left, const std::string& name) {
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

ExpressionPtr ExpressionParser::parse_any_of(ExpressionPtr left, const std::string& name) {
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

bool ExpressionParser::is_comparison_ahead() const {
  return is_symbol("<") || is_symbol(">") || is_symbol("<=") || is_symbol(">=");
}

ExpressionPtr ExpressionParser::parse_comparison() {
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

ExpressionPtr ExpressionParser::parse_sum() {
  auto left = parse_product();
  while (left && (is_symbol("+") || is_symbol("-"))) {
    const std::string name = tokens_[at_++].text;
    auto right = parse_product();
    if (!right) return nullptr;
    left = make_binary(std::move(left), name, std::move(right));
  }
  return left;
}

ExpressionPtr ExpressionParser::parse_product() {
  auto left = parse_string_operation();
  while (left && (is_symbol("*") || is_symbol("/") || is_symbol("%"))) {
    const std::string name = tokens_[at_++].text;
    auto right = parse_string_operation();
    if (!right) return nullptr;
    left = make_binary(std::move(left), name, std::move(right));
  }
  return left;
}

std::string ExpressionParser::string_operator_ahead() const {
  if (is_word("matches") && is_word("regex", 1)) return "matches regex";
  if (peek().kind != Token::Kind::identifier && peek().kind != Token::Kind::symbol) return {};
  return std::ranges::find(string_operators, peek().text) != string_operators.end() ? peek().text : std::string{};
}

ExpressionPtr ExpressionParser::parse_string_operation() {
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

ExpressionPtr ExpressionParser::parse_unary() {
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

ExpressionPtr ExpressionParser::parse_postfix() {
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

ExpressionPtr ExpressionParser::make(Kind kind) {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->span = peek().span;
  return node;
}

ExpressionPtr ExpressionParser::parse_primary() {
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

ExpressionPtr ExpressionParser::parse_word() {
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

ExpressionPtr ExpressionParser::parse_call() {
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

ExpressionPtr ExpressionParser::parse_typeof() {
  auto node = make(Kind::typed_literal);
  node->name = "typeof";
  at_ += 2;
  const auto type = parse_type_name();
  if (!type || !expect(")", "after the type")) return nullptr;
  node->text = to_string(*type);
  return node;
}

ExpressionPtr ExpressionParser::parse_bracket() {
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

ExpressionPtr ExpressionParser::parse_dynamic() {
  auto node = make(Kind::dynamic);
  at_ += 2;
  if (!parse_json_value(node->text, 0) || !expect(")", "after the dynamic value")) return nullptr;
  node->span.end = tokens_[at_ - 1].span.end;
  return node;
}

bool ExpressionParser::parse_json_value(std::string& out, int depth) {
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

std::string ExpressionParser::json_real(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".eEn") == std::string::npos ? text + ".0" : text;
}

bool ExpressionParser::parse_json_typed(std::string& out) {
  out += json_quote(std::string(1, '\x01') + peek().name + ":" + peek().text);
  ++at_;
  return true;
}

bool ExpressionParser::parse_json_word(std::string& out, int depth) {
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

bool ExpressionParser::parse_json_array(std::string& out, int depth) {
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

bool ExpressionParser::parse_json_bag(std::string& out, int depth) {
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

}  // namespace capstan::kql
