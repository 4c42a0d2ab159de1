#include "api/status_json.h"
#include "offline.h"
#include "running.h"
#include "session.h"
#include "status_text.h"

namespace capstan::app {

namespace {

constexpr Duration answer_timeout = std::chrono::seconds(10);

// The API's object with one member more in front.
std::string marked(std::string_view body, bool is_running) {
  const std::size_t open = body.find('{');
  const std::size_t end = body.find_last_not_of(" \n\r");
  return std::string("{\"is_running\":") + (is_running ? "true," : "false,") +
         std::string(body.substr(open + 1, end - open));
}

Result<std::string> status_json(Session& session) {
  // A secret that cannot be had here (it is another user's) must not hide how the running process does.
  const Place place = TRY(read_place(session));
  if (const auto running = TRY(find_running(session, place.data_dir)))
    return marked(TRY(running->get("/api/v1/status", Call{answer_timeout, {}})), true);
  const runtime::Plan plan = TRY(read_plan(session));
  const auto journals = TRY(open_journals(session, plan.data_dir, source_names(plan)));
  return marked(api::to_json(status_of(session, plan, journals)), false);
}

Result<int> run(Session& session) {
  const std::string json = TRY(status_json(session));
  session.out() << (session.wants_json() ? json + "\n" : TRY(status_text(json)));
  return exit_done;
}

}  // namespace

Command status_command() {
  return {.name = "status",
          .summary = "tell how every source, feed and route is doing",
          .details =
              "Of the running Capstan: states (Created, Connected, Connection error after 2 h, Disconnected "
              "after 12 h), lag, backlog,\nrates, time to catch up and the last errors with what to do. When "
              "none runs: what the journals tell.",
          .wants = Wants::both,
          .examples = {{"capstan status", "a table"}, {"capstan status --output json", "for monitoring"}},
          .run = run};
}

}  // namespace capstan::app
