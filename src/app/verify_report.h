// The report of a verify that the running process made, back from its JSON, so that it is shown like our own.
#pragma once

#include <string_view>

#include "runtime/verify.h"

namespace capstan::app {

// unexpected_answer when it is not what runtime::to_json(VerifyReport) writes.
Result<runtime::VerifyReport> read_verify_report(std::string_view json);

}  // namespace capstan::app
