#include "token_cursor.h"

#include <fmt/format.h>

namespace capstan::kql {

std::string TokenCursor::seen() const {
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

void TokenCursor::skip_to(std::initializer_list<std::string_view> stops) {
  int depth = 0;
  for (; peek().kind != Token::Kind::end; ++at_) {
    if (peek().kind != Token::Kind::symbol) continue;
    const std::string& text = peek().text;
    if (depth == 0 && std::ranges::find(stops, text) != stops.end()) return;
    if (text == "(" || text == "[" || text == "{") ++depth;
    if (text == ")" || text == "]" || text == "}") depth = std::max(0, depth - 1);
  }
}

std::optional<std::string> TokenCursor::parse_name(std::string_view wanted) {
  if (peek().kind == Token::Kind::identifier) return tokens_[at_++].text;
  if (is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2)) {
    at_ += 3;
    return tokens_[at_ - 2].text;
  }
  complain(fmt::format("expected {}, got {}", wanted, seen()));
  return std::nullopt;
}

std::optional<Type> TokenCursor::parse_type_name() {
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

}  // namespace capstan::kql
