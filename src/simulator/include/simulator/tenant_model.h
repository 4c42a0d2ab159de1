// A tenant that does not exist: the identity platform and the API of Defender for Cloud Apps as one function from
// request to answer. No threads, no sockets, no sleeping; time comes from the clock only, so a voyage can run it in
// simulated time. Deterministic by seed.
//
//   POST /{tenant}/oauth2/v2.0/token, /{tenant}/oauth2/token
//   /api/v1/, /cas/api/v1/ and /api/ with activities/, archived_activities/, alerts/, entities/, files/, subnet/:
//   POST or GET; lists, scans, …/<id>/
//   GET  /_sim/truth      NDJSON, a line per record and version that has become visible so far, asked for or not:
//                         {"feed":…,"id":…,"version":1,"created":ms,"visible_since":ms}. What an alert went through
//                         before the start is not a version of its own.
//   GET  /_sim/requests   {"served":…,"throttled":…,"refused":…,"faults":…,"paths":{path: count}}
//   POST /_sim/faults     more faults (docs/guide/try-it.md), their times counted from now; DELETE: none from now on
//   POST /_sim/secret     replaces the client secret, {"client_secret":…}; optional members: "client_secret" (the new
//                         one), "old": "expired" or "removed", "revoke_tokens": true
//
// An answer's `delay` and `cut_after` are for whoever carries it (net::HttpServer does).
#pragma once

#include <memory>

#include "base/clock.h"
#include "net/http_server.h"
#include "simulator/simulator_options.h"

namespace capstan::simulator {

class TenantModel {
public:
  // The clock must outlive it. Errors: unreadable_file, wrong_value (faults, certificate).
  static Result<TenantModel> create(SimulatorOptions options, const Clock& clock);
  TenantModel(TenantModel&&) noexcept;
  TenantModel& operator=(TenantModel&&) noexcept;
  ~TenantModel();

  // Any thread may call.
  net::ServerResponse respond(const net::ServerRequest& request);

  // With the ids and secrets filled in.
  const SimulatorOptions& options() const;
  // The secret that is valid now.
  std::string client_secret() const;

private:
  struct Impl;
  explicit TenantModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::simulator
