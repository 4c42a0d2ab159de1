#include <fmt/format.h>

#include "api/server.h"
#include "app/version.h"
#include "base/log.h"
#include "hangup.h"
#include "reloader.h"
#include "runtime/engine.h"
#include "runtime/service_notifier.h"
#include "session.h"
#include "until.h"

namespace capstan::app {

namespace {

// How often a full disk is looked at.
constexpr Duration room_looked_every = std::chrono::seconds(1);

Result<std::unique_ptr<api::Server>> start_api(const runtime::ApiOptions& options, const std::string& data_dir,
                                               runtime::Engine& engine, Reloader& reloader, const Clock& clock) {
  if (!options.enabled) return std::unique_ptr<api::Server>{};
  api::ServerOptions server;
  server.listen = options.listen;
  server.data_dir = data_dir;
  server.version = version;
  api::Services services = api::services_of(engine);
  services.reload = [&reloader](const std::string& file, runtime::ReloadOptions how) {
    return reloader.reload(file, how);
  };
  return api::Server::start(server, std::move(services), clock);
}

struct Started {
  std::unique_ptr<runtime::Engine> engine;  // nothing: it was stopped before
  runtime::ApiOptions api;
  std::string data_dir;
};

// A disk without room at the start is waited for like one that becomes full later.
Result<Started> start_engine(Session& session, const std::stop_token& stop) {
  const auto service = runtime::ServiceNotifier::from_environment();
  runtime::Plan plan = TRY(read_plan(session));
  configure_log(session, plan.log);
  for (;;) {
    Started started{nullptr, plan.api, plan.data_dir};
    auto engine = runtime::Engine::start(std::move(plan), session.world());
    if (engine) {
      started.engine = std::move(*engine);
      return started;
    }
    if (engine.error().code() != ErrorCode::disk_full) return engine.error();
    log::repeating("start", Error(engine.error()).during("starting"));
    // It is up and does what it can: systemd must neither time out nor bark.
    service.tell("READY=1\nWATCHDOG=1\nSTATUS=waiting for room on the disk of data_dir");
    if (!wait(room_looked_every, stop)) return started;
    // A plan is used up by an attempt. Its findings have been shown; new ones are.
    Configuration again = TRY(read_configuration(session));
    plan = again.plan ? std::move(*again.plan) : TRY(read_plan(session));
  }
}

// The API of an engine. It keeps a file in data_dir; where that has no room the rest runs, and the API follows.
class Api {
public:
  using Start = std::function<Result<std::unique_ptr<api::Server>>()>;

  static Result<std::unique_ptr<Api>> start(const Start& start) {
    auto api = std::make_unique<Api>();
    if (TRY(api->try_once(start))) return api;
    api->later_ = std::jthread([&api = *api, start](const std::stop_token& stop) {
      while (wait(room_looked_every, stop))
        if (const auto tried = api.try_once(start); !tried || *tried) {
          if (!tried) log::error(tried.error().text());
          return;
        }
    });
    return api;
  }

private:
  // False: there is no room.
  Result<bool> try_once(const Start& start) {
    auto server = start();
    if (!server && server.error().code() == ErrorCode::disk_full) {
      log::repeating("api", server.error());
      return false;
    }
    if (!server) return std::move(server).during("starting the admin API").error();
    server_ = std::move(*server);
    if (server_) log::info("the admin API listens", {{"address", server_->address()}});
    return true;
  }

  std::unique_ptr<api::Server> server_;
  std::jthread later_;  // ends before the server goes
};

Result<int> run(Session& session) {
  const StopOnSignal signals;
  const OnHangup hangup;
  ignore_closed_pipes();
  const Started started = TRY(start_engine(session, signals.token()));
  const std::unique_ptr<runtime::Engine>& engine = started.engine;
  if (!engine) return exit_done;
  Reloader reloader(session, *engine);
  const std::unique_ptr<Api> api =
      TRY(Api::start([&] { return start_api(started.api, started.data_dir, *engine, reloader, session.clock); }));
  const OnHangup::Listener on_hangup = hangup.listen([&reloader] { reloader.reload_and_log(); });
  if (session.arguments.has("until-caught-up"))
    TRY(engine->run_until_caught_up(signals.token()));
  else
    TRY(engine->run(signals.token()));
  engine->stop();
  return exit_done;
}

}  // namespace

Command run_command() {
  return {.name = "run",
          .summary = "collect and deliver until told to stop",
          .details =
              "Collects from every source into its journal and delivers to every route until SIGTERM or SIGINT. "
              "SIGHUP reads the configuration anew (capstan reload). "
              "It goes on where it stopped; a kill loses nothing.\n"
              "With --until-caught-up it ends when every feed is drained and every route has delivered all of "
              "it: for cron and for tests.",
          .wants = Wants::configuration,
          .options = {{.names = "--until-caught-up",
                       .value_name = "",
                       .help = "end when everything there is has been delivered"}},
          .examples = {{"capstan run -c /etc/capstan/capstan.yaml", "as the systemd unit does"},
                       {"capstan run --until-caught-up", "once, then end"}},
          .is_service = true,
          .run = run};
}

}  // namespace capstan::app
