// A CEF line → Dynamic, as parse_cef_dictionary() gives it. The members besides "Extension" are ours: Azure's are not
// documented (docs/reference/kql.md). Grammar: ArcSight "Common Event Format", v26.
//   {"Version","DeviceVendor","DeviceProduct","DeviceVersion","DeviceEventClassID","Name","Severity","Extension":{…}}
// Every value is text.
#pragma once

#include <optional>
#include <string_view>

#include "arena.h"
#include "kql/datum.h"

namespace capstan::kql {

constexpr std::size_t cef_extension_members_max = 1024;

// Nothing when there is no "CEF:" with seven bars behind it. What stands before it (a syslog header) is passed over.
// Of a repeated key the last value counts.
std::optional<Dynamic> read_cef(std::string_view line, Arena& arena);

}  // namespace capstan::kql
