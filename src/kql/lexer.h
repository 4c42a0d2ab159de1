// Query text → tokens. Rules: docs "Syntax conventions", "String data type", "Timespan data type".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kql/diagnostic.h"

namespace capstan::kql {

struct Token {
  enum class Kind : std::uint8_t {
    end,
    identifier,
    string,         // text = value
    long_integer,   // number
    real,           // real
    timespan,       // number = ticks
    typed_literal,  // text = what stands between the parentheses, name = the type's name
    symbol,         // text = the operator or punctuation as written; also "!has" and "in~"
  };
  Kind kind = Kind::end;
  Span span;
  std::string text;
  std::string name;
  std::int64_t number = 0;
  double real = 0;
  bool needs_minus = false;  // 9223372036854775808 is a long only behind a minus
};

// Always ends with an end token. What cannot be read is reported and passed over.
std::vector<Token> tokenize(std::string_view text, Diagnostics& diagnostics);

}  // namespace capstan::kql
