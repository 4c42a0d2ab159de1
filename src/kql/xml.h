// XML text → Dynamic, as parse_xml() gives it (docs "parse_xml()"):
//   <e/>                        {"e":null}
//   <e>text</e>                 {"e":"text"}
//   <e a="v">text</e>           {"e":{"@a":"v","#text":"text"}}
//   <e><a>1</a><a>2</a></e>     {"e":{"a":["1","2"]}}
// Comments and processing instructions are passed over. A document type is refused: it could name entities that grow
// without end.
#pragma once

#include <optional>
#include <string_view>

#include "arena.h"
#include "kql/datum.h"

namespace capstan::kql {

constexpr std::size_t xml_size_max = 1U << 20;  // docs: "limited to 1 MB"
constexpr std::size_t xml_depth_max = 64;

// Nothing when it is not one well-formed element, or beyond the limits.
std::optional<Dynamic> read_xml(std::string_view text, Arena& arena);

}  // namespace capstan::kql
