#include <fmt/format.h>

#include "api/server.h"
#include "app/version.h"
#include "hangup.h"
#include "reloader.h"
#include "runtime/engine.h"
#include "session.h"
#include "until.h"

namespace capstan::app {

namespace {

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

Result<int> run(Session& session) {
  const StopOnSignal signals;
  const OnHangup hangup;
  ignore_closed_pipes();
  runtime::Plan plan = TRY(read_plan(session));
  configure_log(session, plan.log);
  const runtime::ApiOptions api = plan.api;
  const std::string data_dir = plan.data_dir;
  const std::unique_ptr<runtime::Engine> engine = TRY(runtime::Engine::start(std::move(plan), session.world()));
  Reloader reloader(session, *engine);
  const std::unique_ptr<api::Server> server = TRY(start_api(api, data_dir, *engine, reloader, session.clock));
  if (server) log::info("the admin API listens", {{"address", server->address()}});
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
          .run = run};
}

}  // namespace capstan::app
