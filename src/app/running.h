// The Capstan that runs in a data directory, if one does.
#pragma once

#include <optional>

#include "api/client.h"
#include "session.h"

namespace capstan::app {

// Nothing when none runs; other errors (the admin file cannot be read) are errors.
Result<std::optional<api::Client>> find_running(Session& session, const std::string& data_dir);

}  // namespace capstan::app
