#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"
#include "offline.h"
#include "running.h"
#include "session.h"
#include "until.h"
#include "verify_report.h"

namespace capstan::app {

namespace {

namespace json = boost::json;

constexpr Duration ask_again_every = std::chrono::milliseconds(300);
constexpr Duration answer_timeout = std::chrono::seconds(30);

Result<std::optional<runtime::VerifyMoment>> moment(const Session& session, const std::string& option) {
  const Arguments& given = session.arguments;
  if (!given.has(option)) return std::optional<runtime::VerifyMoment>();
  // How long ago is meant by the service's clock, which the engine will know.
  if (const auto ago = parse_duration(given.text(option))) return std::optional<runtime::VerifyMoment>(*ago);
  const auto time = TRY(given.moment(option, session.clock.now()));
  return time ? std::optional<runtime::VerifyMoment>(*time) : std::optional<runtime::VerifyMoment>();
}

Result<runtime::VerifyOptions> verify_options(const Session& session) {
  const Arguments& given = session.arguments;
  runtime::VerifyOptions options;
  options.tenants = given.all("tenant");
  options.sources = given.all("source");
  options.feeds = given.all("feed");
  options.since = TRY(moment(session, "since"));
  options.until = TRY(moment(session, "until"));
  options.repair = given.has("repair");
  if (given.has("late-after")) {
    const auto late_after = parse_duration(given.text("late-after"));
    if (!late_after)
      return Error(ErrorCode::wrong_usage,
                   fmt::format("reading --late-after: expected a duration such as 30s or 2d, got \"{}\"",
                               given.text("late-after")));
    options.late_after = *late_after;
  }
  return options;
}

std::string written(const runtime::VerifyMoment& moment) {
  if (const Duration* ago = std::get_if<Duration>(&moment)) return to_string(*ago);
  return to_iso8601(std::get<Timestamp>(moment));
}

std::string question(const runtime::VerifyOptions& options) {
  json::object o;
  if (options.since) o["since"] = written(*options.since);
  if (options.until) o["until"] = written(*options.until);
  if (!options.tenants.empty()) o["tenants"] = json::array(options.tenants.begin(), options.tenants.end());
  if (!options.sources.empty()) o["sources"] = json::array(options.sources.begin(), options.sources.end());
  if (!options.feeds.empty()) o["feeds"] = json::array(options.feeds.begin(), options.feeds.end());
  o["late_after"] = to_string(options.late_after);
  o["repair"] = options.repair;
  return json::serialize(o);
}

// One line that is written over on a terminal; nothing elsewhere.
class Progress {
public:
  explicit Progress(Streams& streams) : streams_(streams) {}
  ~Progress() {
    if (was_shown_) streams_.err << "\r\x1b[K" << std::flush;
  }
  void show(const std::string& text) {
    if (!streams_.err_is_terminal || text.empty()) return;
    streams_.err << "\r\x1b[K" << text << std::flush;
    was_shown_ = true;
  }

private:
  Streams& streams_;
  bool was_shown_ = false;
};

Error problem_of(const json::object& problem) {
  const auto text = [&](std::string_view name) {
    const json::value* value = problem.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string{};
  };
  const ErrorEntry* known = find_entry(text("code"));
  return {known == nullptr ? ErrorCode::unexpected_answer : known->code, text("message")};
}

// The running process asks the tenant, because the request budget is its own.
Result<runtime::VerifyReport> ask_running(const api::Client& client, const runtime::VerifyOptions& options,
                                          const std::stop_token& stop, Progress& progress) {
  const Call call{answer_timeout, stop};
  TRY(client.post("/api/v1/verify", question(options), call));
  while (wait(ask_again_every, stop)) {
    const std::string body = TRY(client.get("/api/v1/verify", call));
    boost::system::error_code failure;
    const json::value answer = json::parse(body, failure);
    if (failure || !answer.is_object())
      return Error(ErrorCode::unexpected_answer, "asking the running Capstan how far verify is: expected JSON");
    const json::object& state = answer.get_object();
    if (const json::value* running = state.if_contains("is_running"); running != nullptr && *running == true) {
      const json::value* doing = state.if_contains("progress");
      if (doing != nullptr && doing->is_string()) progress.show(std::string(doing->as_string()));
      continue;
    }
    if (const json::value* problem = state.if_contains("problem"); problem != nullptr && problem->is_object())
      return problem_of(problem->get_object());
    if (const json::value* report = state.if_contains("report")) return read_verify_report(json::serialize(*report));
    return Error(ErrorCode::unexpected_answer, "asking the running Capstan: it gave neither a report nor a problem");
  }
  return Error(ErrorCode::interrupted, "waiting for verify: stopped; the running Capstan goes on with it");
}

Result<runtime::VerifyReport> verify(Session& session, runtime::Plan plan, const runtime::VerifyOptions& options,
                                     const std::stop_token& stop) {
  Progress progress(session.streams);
  if (const auto running = TRY(find_running(session, plan.data_dir)))
    return ask_running(*running, options, stop, progress);
  const std::unique_ptr<runtime::Engine> engine = TRY(start_still_engine(session, std::move(plan)));
  return engine->verify(options, stop, [&](const std::string& text) { progress.show(text); });
}

Result<int> run(Session& session) {
  const StopOnSignal signals;
  const runtime::VerifyOptions options = TRY(verify_options(session));
  runtime::Plan plan = TRY(read_plan(session));
  if (!session.arguments.has("log-level")) log::configure(log::Level::error, plan.log.format);
  const runtime::VerifyReport report = TRY(verify(session, std::move(plan), options, signals.token()));
  const runtime::VerifyStyle style{.only_summary = session.arguments.has("summary"),
                                   .only_bad = session.arguments.has("only-bad")};
  session.out() << (session.wants_json() ? runtime::to_json(report, style) + "\n" : runtime::to_text(report, style));
  return report.is_proved() ? exit_done : exit_not_done;
}

}  // namespace

Command verify_command() {
  return {
      .name = "verify",
      .summary = "ask the tenant again and compare, hour by hour, with what was journaled and delivered",
      .details =
          "Every hour of saved time of every feed ends as proved, missing, waiting or not comparable. The tenants are "
          "asked at the\nsame time, each within its request budget, so a long window takes a while. Asks the running "
          "Capstan, or works by itself\nwhen none runs. Exit code 0 when all that was asked is proved or younger than "
          "--late-after, by the service's clock; else 1.",
      .wants = Wants::both,
      .options = {{.names = "--since",
                   .value_name = "TIME",
                   .help = "from when on, by saved time; a time or how long ago (two days before --until)"},
                  {.names = "--until", .value_name = "TIME", .help = "up to when (now)"},
                  {.names = "--tenant", .value_name = "NAME", .help = "only this tenant", .is_repeatable = true},
                  {.names = "--source", .value_name = "NAME", .help = "only this source", .is_repeatable = true},
                  {.names = "--feed", .value_name = "NAME", .help = "only this feed", .is_repeatable = true},
                  {.names = "--late-after",
                   .value_name = "DURATION",
                   .help = "how long a record may be on its way (15m)"},
                  {.names = "--summary", .value_name = "", .help = "one line a feed, no hours and no ids"},
                  {.names = "--only-bad", .value_name = "", .help = "only hours that are not proved"},
                  {.names = "--repair", .value_name = "", .help = "collect what is missing"}},
      .examples = {{"capstan verify", "the last two days"},
                   {"capstan verify --since 7d --repair", "a week, and what is missing is collected"}},
      .run = run};
}

}  // namespace capstan::app
