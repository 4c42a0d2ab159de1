// runtime::Status as Prometheus text (exposition format 0.0.4). Names and units follow the Prometheus naming page:
// base units (seconds, bytes), _total for counters, what is measured before the unit.
#pragma once

#include <string>
#include <string_view>

#include "runtime/status.h"

namespace capstan::api {

std::string metrics_text(const runtime::Status& status, std::string_view version);

}  // namespace capstan::api
