// runtime::Status as one JSON object: what GET /api/v1/status and `capstan status --output json` give.
// Times are ISO 8601, spans are seconds with fractions (names end in _seconds), and what is not known is null.
#pragma once

#include <string>

#include "runtime/status.h"

namespace capstan::api {

std::string to_json(const runtime::Status& status);

}  // namespace capstan::api
