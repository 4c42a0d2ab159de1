// The status of the admin API as tables for a terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace capstan::app {

// `json` is api::to_json(Status) with the member "is_running" added. unexpected_answer when it is something else.
Result<std::string> status_text(std::string_view json);

}  // namespace capstan::app
