// Tokens → tree. The grammar is that of docs "Tabular expression statements" and of Microsoft's parser, less what is
// not for single records. Recursion is bounded (depth_max in parser.cpp), errors are several per query: after one,
// reading goes on at the next `|` or `;`.
#pragma once

#include <vector>

#include "lexer.h"
#include "syntax.h"

namespace capstan::kql {

Query parse_query(std::string_view text, Diagnostics& diagnostics);
// One expression and nothing else; nullptr after a diagnostic.
ExpressionPtr parse_one_expression(std::string_view text, Diagnostics& diagnostics);
// `let …;` statements and nothing else; the text may be empty.
Query parse_lets(std::string_view text, Diagnostics& diagnostics);

}  // namespace capstan::kql
