// What a query on the command line may use besides its records: --secret and the like.
#pragma once

#include <vector>

#include "base/result.h"
#include "command.h"
#include "kql/environment.h"

namespace capstan::app {

// The options that read_environment() reads.
std::vector<Option> environment_options();
// Fails with wrong_usage, or with what keeps a secret from being read.
Result<kql::Environment> read_environment(Session& session);

}  // namespace capstan::app
