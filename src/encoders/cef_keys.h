// The keys of a CEF extension (OpenText "CEF Implementation Standard", dictionary): what they take, how long it may be,
// and who may write them.
#pragma once

#include <cstddef>
#include <string_view>

#include "cell_writer.h"

namespace capstan::cef {

struct KeyRules {
  encoders::CellKind kind = encoders::CellKind::text;
  std::size_t length_max = encoders::no_limit;  // bytes of the unescaped value
  bool is_known = false;                        // it stands in the dictionary
  bool needs_label = false;                     // custom fields: cs1 goes with cs1Label
  bool is_receivers = false;                    // set by who receives, never by who sends
};
KeyRules rules_of_key(std::string_view key);

}  // namespace capstan::cef
