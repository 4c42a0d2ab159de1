// The file `cursors` of a journal: one line a route, replaced as a whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/journal.h"

namespace capstan::store {

std::string write_cursors(const std::vector<Cursor>& cursors);
// Nothing when the text is damaged in any way: the routes then begin at the oldest record, which repeats and loses
// nothing.
std::optional<std::vector<Cursor>> read_cursors(std::string_view text);

}  // namespace capstan::store
