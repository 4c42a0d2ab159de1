// JSON text → Dynamic in an arena.
#pragma once

#include <optional>
#include <string_view>

#include "arena.h"
#include "event/json_visit.h"
#include "kql/datum.h"

namespace capstan::kql {

// Integers become long, numbers with a point or exponent (and beyond 64 bits) real; of a repeated name the last wins.
// Nothing when it is not JSON.
std::optional<Dynamic> read_dynamic(std::string_view json, JsonDocument& reader, Arena& arena);

// The member of a bag, or null.
const Dynamic* find_member(const Dynamic& bag, std::string_view name);

}  // namespace capstan::kql
