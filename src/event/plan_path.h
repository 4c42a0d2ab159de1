// The text of a path, cut into steps.
//
//   path  = name *( "." name / "[" "]" / "[" number "]" / "[" member "=" text "]" )
//   name  = one or more bytes other than . [ ] ; a backslash takes the next byte as it is
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan_nodes.h"

namespace capstan::plan {

using Step = std::variant<std::string, Gate>;  // a member's name, or the way through an array

// Fails with mapping_wrong and the column, from 1.
Result<std::vector<Step>> parse_path(std::string_view path);

}  // namespace capstan::plan
