#include <fmt/format.h>

#include "api/server.h"
#include "app/version.h"
#include "runtime/engine.h"
#include "session.h"
#include "until.h"

namespace capstan::app {

namespace {

Result<std::unique_ptr<api::Server>> start_api(const runtime::ApiOptions& options, const std::string& data_dir,
                                               runtime::Engine& engine, const Clock& clock) {
  if (!options.enabled) return std::unique_ptr<api::Server>{};
  api::ServerOptions server;
  server.listen = options.listen;
  server.data_dir = data_dir;
  server.version = version;
  return api::Server::start(server, api::services_of(engine), clock);
}

Result<int> run(Session& session) {
  const StopOnSignal signals;
  ignore_closed_pipes();
  runtime::Plan plan = TRY(read_plan(session));
  configure_log(session, plan.log);
  const runtime::ApiOptions api = plan.api;
  const std::string data_dir = plan.data_dir;
  const std::unique_ptr<runtime::Engine> engine = TRY(runtime::Engine::start(std::move(plan), session.world()));
  const std::unique_ptr<api::Server> server = TRY(start_api(api, data_dir, *engine, session.clock));
  if (server) log::info("the admin API listens", {{"address", server->address()}});
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
