#include <fmt/format.h>

#include <boost/json.hpp>

#include "reloader.h"
#include "running.h"
#include "session.h"

namespace capstan::app {

namespace {

namespace json = boost::json;

// A turn, the journals of new sources opened, and what has to leave: all of it is bounded by less.
constexpr Duration answer_timeout = std::chrono::minutes(5);

std::string text_of(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

// "capstan.yaml:12:5: … [E1004]" lines.
std::string findings_of(const json::object& report) {
  std::string text;
  for (const json::value& value : report.at("findings").as_array()) {
    const json::object& finding = value.as_object();
    const std::string file = text_of(finding, "file");
    const auto line = finding.at("line").to_number<int>();
    text += fmt::format("{}{}{}{} [{}]\n", file, line == 0 ? "" : fmt::format(":{}", line),
                        line == 0 ? "" : fmt::format(":{}", finding.at("column").to_number<int>()),
                        (file.empty() ? "" : ": ") + text_of(finding, "message"), text_of(finding, "code"));
  }
  return text;
}

std::string parts_of(const json::object& report) {
  std::string text;
  for (const json::value& value : report.at("parts").as_array()) {
    const json::object& part = value.as_object();
    if (part.at("change") == "kept") continue;
    std::string options;
    for (const json::value& option : part.at("options").as_array())
      options += (options.empty() ? ": " : ", ") + std::string(option.as_string());
    const std::string name = text_of(part, "name");
    text += fmt::format("  {} {}{}{}{}\n", text_of(part, "change"), text_of(part, "kind"), name.empty() ? "" : " ",
                        name, options);
  }
  for (const json::value& part : report.at("given_up").as_array())
    text += fmt::format("  {} did not come back in time and was left alone; what it still does counts no more\n",
                        std::string(part.as_string()));
  return text;
}

std::string effects_of(const json::object& report) {
  std::string text;
  for (const json::value& value : report.at("effects").as_array()) {
    const json::object& effect = value.as_object();
    text +=
        fmt::format("  route {}: the messages of {:.1f} % of {} events that are sent are others\n",
                    text_of(effect, "route"), effect.at("touched_percent").to_number<double>(),
                    effect.at("events").to_number<std::uint64_t>() - effect.at("unsent").to_number<std::uint64_t>());
  }
  return text;
}

int show(Session& session, const json::object& report, bool only_shows) {
  const std::string outcome = text_of(report, "outcome");
  const std::string file = text_of(report, "file");
  session.streams.err << findings_of(report);
  if (outcome == "refused") {
    session.streams.err << fmt::format("capstan: {} {} refused, for what is listed above; nothing was changed\n", file,
                                       only_shows ? "would be" : "was");
    return exit_configuration;
  }
  session.out() << fmt::format("{} {}: {}\n{}{}", file, only_shows ? "would be reloaded" : "is reloaded",
                               text_of(report, "summary"), parts_of(report), effects_of(report));
  return exit_done;
}

Result<int> run(Session& session) {
  const Place place = TRY(read_place(session));
  const auto running = TRY(find_running(session, place.data_dir));
  if (!running) return Error(ErrorCode::process_not_running, "reloading: no Capstan runs in " + place.data_dir);
  const bool only_shows = session.arguments.has("dry-run");
  json::object question{{"file", whole_path(session.configuration_file())}, {"dry_run", only_shows}};
  if (session.arguments.has("max-change")) {
    question["max_change_percent"] = TRY(session.arguments.number("max-change", 0, 100));
    const Timestamp now = session.clock.now();
    const auto since = TRY(session.arguments.moment("last", now));
    if (since) question["look_back_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(now - *since).count();
  }
  const std::string body = TRY(running->post("/api/v1/reload", json::serialize(question), Call{answer_timeout, {}}));
  try {
    const json::object report = json::parse(body).as_object();
    if (!session.wants_json()) return show(session, report, only_shows);
    session.out() << body;
    return report.at("outcome") == "refused" ? exit_configuration : exit_done;
  } catch (const std::exception& e) {
    return Error(ErrorCode::unexpected_answer,
                 fmt::format("reading what the running Capstan answered to reload: {}", e.what()));
  }
}

}  // namespace

Command reload_command() {
  return {.name = "reload",
          .summary = "let the running Capstan read its configuration anew",
          .details =
              "What is the same goes on untouched, connections too. A changed route goes on exactly where it was; a "
              "new one begins\nat the oldest record in the journal. With findings nothing changes. A destination that "
              "hangs holds up nothing:\nit is left alone after some seconds. SIGHUP does the same and tells the log. "
              "Exit codes: 78 when there are\nfindings or a change needs a restart, 1 when it did not succeed.",
          .wants = Wants::both,
          .options = {{.names = "--dry-run", .value_name = "", .help = "only show what would change"},
                      {.names = "--max-change",
                       .value_name = "PERCENT",
                       .help = "refuse when more of what a changed route sent of the journaled events would be others"},
                      {.names = "--last",
                       .value_name = "SPAN",
                       .help = "with --max-change: events ingested since then are looked at",
                       .default_text = "24h"}},
          .examples = {{"capstan reload --dry-run", "what would change?"}, {"capstan reload", "change it"}},
          .run = run};
}

}  // namespace capstan::app
