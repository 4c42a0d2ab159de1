// Text, character by character: UTF-8, the fold that ignores case, and what belongs to a term.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace capstan::kql {

// The simple fold of one character (ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic).
char32_t fold(char32_t c);
// Next character of UTF-8; a byte that is not UTF-8 is a character of its own.
char32_t next_character(std::string_view text, std::size_t& at);
void append_character(char32_t c, std::string& out);
void fold_into(std::string_view text, std::string& out);
bool is_term_character(char32_t c);

}  // namespace capstan::kql
