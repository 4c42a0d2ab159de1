// Cuts an API answer into its records without understanding them, so that one broken record costs itself and not its
// page. Only brackets and strings are followed, however deep they are nested; what lies between them is not validated
// (bytes that are not UTF-8 pass through). Takes time in proportion to the size.
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

// How far the bracketed value at the front reaches, when only brackets and strings are followed; 0 when `text` ends
// inside it.
std::size_t bracketed_size(std::string_view text);
// How far an item of an array reaches that begins at the front: to the comma or closing bracket behind it. 0 when
// `text` ends before that, or when nothing stands there.
std::size_t loose_item_size(std::string_view text);

}  // namespace capstan
