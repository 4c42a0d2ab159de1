// The admin API of a running Capstan: metrics, health, status, and what the command line asks of a running process.
// On 127.0.0.1 by default and meant for this machine:
//
//   GET  /metrics            Prometheus text format 0.0.4
//   GET  /healthz            200 while the process serves
//   GET  /readyz             200, or 503 with the stages that are stalled
//   GET  /api/v1/status      runtime::Status
//   GET  /api/v1/explain     ?id=…      runtime::EventLife
//   POST /api/v1/verify      {"since","until","sources","feeds","repair","late_after","overlap"}: starts one and
//                            answers 202 {"number"}; it takes as long as the tenant's request budget makes it
//   GET  /api/v1/verify      {"number","is_running","progress","report" or "problem"} of the newest
//   POST /api/v1/replay      {"route","since","until"}: {"route","records","sources"}
//   POST /api/v1/reload      {"file","dry_run"}: runtime::ReloadReport; findings that refuse it are in there (200)
//
// Times are ISO 8601, spans as in the configuration ("90s"). JSON everywhere but /metrics. An error is
// {"code":"E1016","name","message","advice"} with a fitting status. POST needs the bearer token of admin.json (only the
// user that Capstan runs as can read it) and a JSON body. A request whose Host header is not this address is refused,
// so that a web page cannot reach the API through a name of its own (DNS rebinding), and one with a foreign Origin too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/http_server.h"
#include "runtime/engine.h"
#include "runtime/explain.h"
#include "runtime/status.h"
#include "runtime/verify_job.h"

namespace capstan::api {

struct ServerOptions {
  std::string listen = "127.0.0.1:9477";  // IP literal and port; port 0: any
  std::string data_dir;                   // admin.json is written here; empty: none is written (tests, demo)
  std::string version;                    // of the program, for build info
  std::vector<std::string> host_names;    // further names by which the API may be called (a reverse proxy's)
};

// What the server shows and starts. Called on the server's threads, several at once; all but `reload` must be set. They
// must live longer than the server.
struct Services {
  std::function<runtime::Status()> status;
  runtime::VerifyJob::Work verify;
  std::function<Result<runtime::EventLife>(const std::string& id, const std::stop_token&)> explain;
  std::function<Result<runtime::Replay>(std::string_view route, Timestamp since, std::optional<Timestamp> until)>
      replay;
  // `file`: the configuration that is meant; empty: the process's own. Not set: there is none that could be read anew.
  std::function<Result<runtime::ReloadReport>(const std::string& file, runtime::ReloadOptions options)> reload = {};
};
Services services_of(runtime::Engine& engine);

class Server {
public:
  // Listens, then writes admin.json (mode 0600). Errors: port_in_use, wrong_value (listen), directory_not_writable,
  // disk_full.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Services services, const Clock& clock);
  // Stops a verify or explain that still runs, removes admin.json, stops listening.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  std::string address() const;  // "http://127.0.0.1:9477"

private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::api
