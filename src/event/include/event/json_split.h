// Cuts an API answer into its records without understanding them, so that one broken record costs itself and not its
// page. Only brackets and strings are followed; what lies between them is not validated (bytes that are not UTF-8 pass
// through).
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace capstan {

struct JsonMember {
  std::string_view name;   // as written between the quotes, escapes untouched
  std::string_view value;  // as written, no blanks around it
};

// The members of the object that `text` is, in order; duplicates are kept. Fails with unexpected_answer when `text` is
// not one bracketed object (what it begins with is in the sentence, at most 80 characters).
Result<std::vector<JsonMember>> split_object(std::string_view text);
// The items of the array that `text` is, in order, as written.
Result<std::vector<std::string_view>> split_array(std::string_view text);

}  // namespace capstan
