// Tokens → tree. The grammar is that of docs "Tabular expression statements" and of Microsoft's parser, less what is
// not for single records. Recursion is bounded (depth_max in parser.cpp), errors are several per query: after one,
// reading goes on at the next `|` or `;`.
#pragma once

#include <vector>

#include "lexer.h"
#include "syntax.h"

namespace capstan::kql {

Query parse_query(std::string_view text, Diagnostics& diagnostics);

}  // namespace capstan::kql
