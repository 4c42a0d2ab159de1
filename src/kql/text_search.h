// Whether a text has another in it: equal, contained, as a term, at an end. Terms: docs "has operator".
#pragma once

#include <cstdint>
#include <string_view>

#include "node.h"

namespace capstan::kql {

struct TextSearch {
  enum class Kind : std::uint8_t { equals, contains, has, starts_with, ends_with, has_prefix, has_suffix };
  Kind kind = Kind::contains;
  bool ignores_case = true;
  bool is_negated = false;
};
bool matches(TextSearch search, std::string_view text, std::string_view needle, Workspace& work);

}  // namespace capstan::kql
