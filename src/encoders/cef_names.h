// The words that the agent wrote for numbers of the API. Each table holds what has been seen in public lines, docs and
// clients; a number that is in none is written as a number.
#pragma once

#include <cstdint>
#include <string_view>

namespace capstan::cef {

// Empty where the number has no known name.
std::string_view app_name(std::int64_t app_id);         // "OFFICE" of APPID_OFFICE
std::string_view alert_type_name(std::int64_t type);    // "ALERT_CABINET_EVENT_MATCH_AUDIT"
std::string_view alert_status_name(std::int64_t n);     // statusValue
std::string_view resolution_name(std::int64_t n);       // resolutionStatusValue
std::string_view entity_status_name(std::int64_t n);    // status of an entity
std::string_view subnet_category_name(std::int64_t n);  // category of a subnet

}  // namespace capstan::cef
