// The operators of expressions as nodes: arithmetic, comparison, logic, text search. Null rules: docs "Null values";
// has: docs "has operator".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node.h"

namespace capstan::kql {

enum class Arithmetic : std::uint8_t { add, subtract, multiply, divide, modulo };
// Types are already right: `type` is the result's.
NodePtr make_arithmetic(Arithmetic operation, Type type, NodePtr left, NodePtr right);
NodePtr make_negation(NodePtr operand);

enum class Comparison : std::uint8_t { equal, not_equal, less, less_or_equal, greater, greater_or_equal };
// Both sides have the same type, or one is dynamic.
NodePtr make_comparison(Comparison comparison, NodePtr left, NodePtr right);
// == of two values: true, false, or null.
std::optional<bool> are_equal(const Datum& left, const Datum& right);

NodePtr make_and(NodePtr left, NodePtr right);
NodePtr make_or(NodePtr left, NodePtr right);
NodePtr make_not(NodePtr operand);

struct TextSearch {
  enum class Kind : std::uint8_t { equals, contains, has, starts_with, ends_with, has_prefix, has_suffix };
  Kind kind = Kind::contains;
  bool ignores_case = true;
  bool is_negated = false;
};
// Both sides are string.
NodePtr make_text_search(TextSearch search, NodePtr text, NodePtr needle);
bool matches(TextSearch search, std::string_view text, std::string_view needle, Workspace& work);
// has_any, has_all: the needles are strings or one dynamic array.
NodePtr make_has_list(bool wants_all, bool is_negated, NodePtr text, std::vector<NodePtr> needles);

// in, !in, in~, !in~ over expressions; a dynamic array counts as its items. Constants are hashed once.
NodePtr make_in(bool ignores_case, bool is_negated, NodePtr subject, std::vector<NodePtr> candidates);

// between (low .. high)
NodePtr make_between(bool is_negated, NodePtr subject, NodePtr low, NodePtr high);

// d.name, d["name"], d[0]: null where there is none.
NodePtr make_member(NodePtr subject, std::string name);
NodePtr make_element(NodePtr subject, NodePtr index);

// The subject as another type.
NodePtr make_conversion(NodePtr subject, Type to);

// --- text, character by character
// ------------------------------------------------------------------------------------------------ The simple fold of
// one character (ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic).
char32_t fold(char32_t c);
// Next character of UTF-8; a byte that is not UTF-8 is a character of its own.
char32_t next_character(std::string_view text, std::size_t& at);
void append_character(char32_t c, std::string& out);
void fold_into(std::string_view text, std::string& out);
bool is_term_character(char32_t c);

}  // namespace capstan::kql
