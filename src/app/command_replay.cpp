#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "offline.h"
#include "running.h"
#include "session.h"
#include "table.h"
#include "until.h"

namespace capstan::app {

namespace {

namespace json = boost::json;

constexpr Duration answer_timeout = std::chrono::minutes(5);  // a long journal is counted
constexpr Duration look_every = std::chrono::milliseconds(20);
constexpr Duration move_timeout = std::chrono::seconds(10);

std::string answer_json(const runtime::Replay& replay) {
  std::string sources;
  for (const std::string& source : replay.sources) sources += (sources.empty() ? "" : ",") + json_quote(source);
  return fmt::format(R"({{"route":{},"records":{},"sources":[{}]}})", json_quote(replay.route), replay.records,
                     sources);
}

Result<runtime::Replay> ask_running(const api::Client& client, const std::string& route, Timestamp since,
                                    std::optional<Timestamp> until) {
  json::object question{{"route", route}, {"since", to_iso8601(since)}};
  if (until) question["until"] = to_iso8601(*until);
  const std::string body = TRY(client.post("/api/v1/replay", json::serialize(question), Call{answer_timeout, {}}));
  try {
    const json::value answer = json::parse(body);
    runtime::Replay replay;
    replay.route = std::string(answer.at("route").as_string());
    replay.records = answer.at("records").to_number<std::uint64_t>();
    for (const json::value& source : answer.at("sources").as_array()) replay.sources.emplace_back(source.as_string());
    return replay;
  } catch (const std::exception& e) {
    return Error(ErrorCode::unexpected_answer,
                 fmt::format("reading what the running Capstan answered to replay: {}", e.what()));
  }
}

store::Position position_of(const runtime::Status& status, const std::string& route, const std::string& source) {
  for (const runtime::RouteStatus& one : status.routes)
    for (const runtime::RouteCursor& cursor : one.cursors)
      if (one.name == route && cursor.source == source) return cursor.cursor.position;
  return {};
}

// The route's lane takes up the replay on its own thread; only then may the engine be stopped.
bool have_moved(const runtime::Engine& engine, const runtime::Status& before, const runtime::Replay& moved) {
  for (Duration waited{}; waited < move_timeout; waited += look_every) {
    const runtime::Status now = engine.status();
    if (std::ranges::all_of(moved.sources, [&](const std::string& source) {
          return position_of(now, moved.route, source) < position_of(before, moved.route, source);
        }))
      return true;
    wait(look_every, {});
  }
  return false;
}

Result<runtime::Replay> replay(Session& session, runtime::Plan plan, Timestamp since, std::optional<Timestamp> until) {
  const std::string route = session.arguments.text("route");
  if (const auto running = TRY(find_running(session, plan.data_dir))) return ask_running(*running, route, since, until);
  // Where a replay ends is remembered by the process that delivers it.
  if (until)
    return Error(ErrorCode::process_not_running, "replaying with --until: no Capstan runs that could remember the end");
  const std::unique_ptr<runtime::Engine> engine = TRY(start_still_engine(session, std::move(plan)));
  const runtime::Status before = engine->status();
  const runtime::Replay moved = TRY(engine->replay(route, since, until));
  if (!have_moved(*engine, before, moved))
    return Error(ErrorCode::timed_out, fmt::format("replaying route {}: its cursors did not move in time", route));
  engine->stop();
  return moved;
}

Result<int> run(Session& session) {
  const Timestamp now = session.clock.now();
  const std::optional<Timestamp> since = TRY(session.arguments.moment("since", now));
  const std::optional<Timestamp> until = TRY(session.arguments.moment("until", now));
  if (since && until && *until <= *since)
    return Error(ErrorCode::wrong_usage, "reading --until: expected a time after --since");
  runtime::Plan plan = TRY(read_plan(session));
  if (!session.arguments.has("log-level")) log::configure(log::Level::error, plan.log.format);
  const runtime::Replay moved = TRY(replay(session, std::move(plan), since.value_or(now), until));
  if (session.wants_json())
    session.out() << answer_json(moved) << '\n';
  else
    session.out() << fmt::format("route {}: {} records will be delivered again, from {}\n", moved.route,
                                 grouped(moved.records), fmt::join(moved.sources, ", "));
  return exit_done;
}

}  // namespace

Command replay_command() {
  return {
      .name = "replay",
      .summary = "deliver again what a route has delivered already",
      .details =
          "Puts the cursors of a route back to the first record that was ingested at or after --since. "
          "Its destination gets those\nrecords once more; other routes do not notice. Works on the running "
          "Capstan, or on the data directory of one that does\nnot run.",
      .wants = Wants::both,
      .options = {{.names = "route", .value_name = "ROUTE", .help = "the route's name", .is_required = true},
                  {.names = "--since",
                   .value_name = "TIME",
                   .help = "from when on, by ingest time; a time or how long ago",
                   .is_required = true},
                  {.names = "--until", .value_name = "TIME", .help = "up to when (now); needs the running Capstan"}},
      .examples = {{"capstan replay to_arcsight --since 6h", "the last six hours"},
                   {"capstan replay to_arcsight --since 2026-11-24T00:00:00Z --until 2026-11-24T06:00:00Z",
                    "one night"}},
      .run = run};
}

}  // namespace capstan::app
