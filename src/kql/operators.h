// The operators of expressions as nodes: arithmetic, comparison, logic, text search. Null rules: docs "Null values".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node.h"
#include "text_search.h"

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

// Both sides are string.
NodePtr make_text_search(TextSearch search, NodePtr text, NodePtr needle);
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

}  // namespace capstan::kql
