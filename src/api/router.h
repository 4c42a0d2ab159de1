// One request in, one answer out: the whole API without sockets.
#pragma once

#include <atomic>
#include <stop_token>
#include <string>

#include "api/server.h"
#include "guard.h"
#include "runtime/verify_job.h"

namespace capstan::api {

// Any thread may call answer().
class Router {
public:
  Router(std::string version, Guard guard, Services services, const Clock& clock);

  net::ServerResponse answer(const net::ServerRequest& request);
  // Ends what takes long, so that the server's threads come back.
  void stop();

private:
  net::ServerResponse route(const net::ServerRequest& request);
  net::ServerResponse metrics() const;
  net::ServerResponse readiness() const;
  net::ServerResponse status() const;
  net::ServerResponse explain(const net::ServerRequest& request);
  net::ServerResponse start_verify(const net::ServerRequest& request);
  net::ServerResponse verify_state() const;
  net::ServerResponse replay(const net::ServerRequest& request) const;
  net::ServerResponse reload(const net::ServerRequest& request) const;

  std::string version_;
  Guard guard_;
  Services services_;
  const Clock& clock_;
  runtime::VerifyJob verify_;
  std::stop_source stop_;
  std::atomic<int> explaining_ = 0;
};

}  // namespace capstan::api
