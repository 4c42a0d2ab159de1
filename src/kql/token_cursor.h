// A place in the tokens of a query, and what every parser asks of it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kql/types.h"
#include "lexer.h"

namespace capstan::kql {

class TokenCursor {
protected:
  TokenCursor(std::vector<Token> tokens, Diagnostics& diagnostics)
      : tokens_(std::move(tokens)), diagnostics_(diagnostics) {}

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
  std::string seen() const;
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
  void skip_to(std::initializer_list<std::string_view> stops);
  std::optional<std::string> parse_name(std::string_view wanted);
  std::optional<Type> parse_type_name();

  std::vector<Token> tokens_;
  Diagnostics& diagnostics_;
  std::size_t at_ = 0;
};

}  // namespace capstan::kql
