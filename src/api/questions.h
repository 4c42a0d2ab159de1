// The bodies of POST requests: JSON in, typed questions out. An unknown member is refused with the nearest name, as an
// unknown option of the configuration is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/reload.h"
#include "runtime/verify.h"

namespace capstan::api {

struct ReplayQuestion {
  std::string route;
  Timestamp since{};  // of ingest time
  std::optional<Timestamp> until;
};

// Times: ISO 8601, or a span before now ("2d"): of verify by the service's clock, else before `now`. Errors:
// wrong_usage, with the member's name.
Result<runtime::VerifyOptions> read_verify_question(std::string_view body);
Result<ReplayQuestion> read_replay_question(std::string_view body, Timestamp now);

struct ReloadQuestion {
  std::string file;  // empty: not named
  runtime::ReloadOptions options;
};
Result<ReloadQuestion> read_reload_question(std::string_view body);

}  // namespace capstan::api
