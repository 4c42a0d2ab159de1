#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "base/text.h"
#include "journal_walk.h"
#include "offline.h"
#include "runtime/route_cursor.h"
#include "session.h"
#include "table.h"
#include "until.h"

namespace capstan::app {

namespace {

// Which records a person wants to see.
struct Selection {
  std::vector<std::string> feeds;
  std::string id;
  std::optional<Timestamp> since;
  std::optional<Timestamp> until;
  std::uint64_t count_max = 0;  // 0: all

  bool takes(const store::Slice::Item& item) const {
    const auto at = std::chrono::time_point_cast<Duration>(item.ingest_time);
    return (feeds.empty() || std::ranges::find(feeds, item.record.feed) != feeds.end()) &&
           (id.empty() || item.record.id == id) && (!since || at >= *since) && (!until || at < *until);
  }
};

Result<Selection> selection(const Session& session) {
  const Arguments& given = session.arguments;
  Selection chosen;
  chosen.feeds = given.all("feed");
  chosen.id = given.text("id");
  chosen.since = TRY(given.moment("since", session.clock.now()));
  chosen.until = TRY(given.moment("until", session.clock.now()));
  if (given.has("limit"))
    chosen.count_max =
        static_cast<std::uint64_t>(TRY(given.number("limit", 0, std::numeric_limits<std::int64_t>::max())));
  return chosen;
}

// The journals that are meant: of one source, or all of the configuration.
Result<std::vector<JournalOfSource>> chosen_journals(Session& session) {
  const Place place = TRY(read_place(session));
  std::vector<std::string> wanted = place.sources;
  if (const std::string source = session.arguments.text("source"); !source.empty()) {
    if (std::ranges::find(wanted, source) == wanted.end()) {
      const std::vector<std::string_view> known(wanted.begin(), wanted.end());
      const std::string_view near = nearest(source, known);
      return Error(
          ErrorCode::unknown_name,
          fmt::format("there is no source \"{}\" in {}{}; there are: {}", source, session.configuration_file(),
                      near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near), fmt::join(wanted, ", ")));
    }
    wanted = {source};
  }
  auto journals = TRY(open_journals(session, place.data_dir, wanted));
  if (journals.empty())
    return Error(ErrorCode::not_found, fmt::format("there is no journal yet in {}", place.data_dir));
  return journals;
}

Result<int> list(Session& session) {
  const auto journals = TRY(chosen_journals(session));
  Table sources({{"source"},
                 {"records", Align::right},
                 {"on disk", Align::right},
                 {"segments", Align::right},
                 {"first"},
                 {"end"}});
  Table cursors({{"source"},
                 {"route"},
                 {"position"},
                 {"behind", Align::right},
                 {"delivered", Align::right},
                 {"dropped", Align::right},
                 {"rejected", Align::right},
                 {"resent", Align::right},
                 {"lost", Align::right}});
  std::string json;
  for (const auto& [name, journal] : journals) {
    const store::JournalReport report = journal->report();
    sources.add({name, grouped(report.records), to_human(Bytes{report.bytes}), grouped(report.segments),
                 to_string(report.first), to_string(report.durable)});
    std::string routes;
    for (const store::Cursor& c : journal->cursors()) {
      const runtime::RouteCursor stands = runtime::where_it_stands(name, *journal, c, {}, 0);
      const std::uint64_t lost = stands.cursor.lost_to_retention + stands.cursor.lost_to_damage;
      cursors.add({name, c.route, to_string(c.position), grouped(stands.backlog_records), grouped(c.delivered),
                   grouped(c.dropped), grouped(c.rejected), grouped(c.resent), grouped(lost)});
      routes += fmt::format(
          R"({}{{"route":{},"position":"{}","behind_records":{},"behind_bytes":{},"delivered":{},"dropped":{},"rejected":{},"resent":{},"lost_to_retention":{},"lost_to_damage":{}}})",
          routes.empty() ? "" : ",", json_quote(c.route), to_string(c.position), stands.backlog_records,
          stands.backlog_bytes, c.delivered, c.dropped, c.rejected, c.resent, stands.cursor.lost_to_retention,
          stands.cursor.lost_to_damage);
    }
    json += fmt::format(
        R"({}{{"source":{},"records":{},"bytes":{},"segments":{},"first":"{}","durable":"{}","cursors":[{}]}})",
        json.empty() ? "" : ",", json_quote(name), report.records, report.bytes, report.segments,
        to_string(report.first), to_string(report.durable), routes);
  }
  if (session.wants_json()) {
    session.out() << "{\"sources\":[" << json << "]}\n";
    return exit_done;
  }
  session.out() << sources.text();
  if (!cursors.is_empty()) session.out() << '\n' << cursors.text();
  return exit_done;
}

std::string enveloped(const std::string& source, const store::Slice::Item& item) {
  const RecordView& r = item.record;
  return fmt::format(
      R"({{"source":{},"feed":{},"id":{},"position":"{}","kind":"{}","is_quarantined":{},"ingest_time":"{}","event_time":"{}","saved_time":"{}","record":{}}})",
      json_quote(source), json_quote(r.feed), json_quote(r.id), to_string(item.position),
      r.kind == RecordKind::created ? "created" : "updated", r.is_quarantined, to_iso8601(item.ingest_time),
      to_iso8601(r.event_time), to_iso8601(r.saved_time),
      r.is_quarantined ? json_quote(r.raw)
      : r.is_wtf8      ? as_utf8(r.raw)
                       : std::string(r.raw));
}

Result<int> cat(Session& session) {
  const StopOnSignal signals;
  const Selection chosen = TRY(selection(session));
  std::uint64_t shown = 0;
  for (const auto& [name, journal] : TRY(chosen_journals(session))) {
    const store::Position from = chosen.since ? TRY(journal->position_at(*chosen.since)) : journal->report().first;
    TRY(walk_journal(*journal, from, signals.token(), [&](const store::Slice::Item& item) {
      if (!chosen.takes(item)) return true;
      if (session.wants_json())
        session.out() << enveloped(name, item) << '\n';
      else
        session.out() << item.record.raw << '\n';
      ++shown;
      return session.out().good() && (chosen.count_max == 0 || shown < chosen.count_max);
    }));
    if (!session.out().good()) return Error(ErrorCode::output_closed, "writing to standard output: nobody reads");
    if (chosen.count_max > 0 && shown >= chosen.count_max) break;
  }
  return exit_done;
}

Result<int> verify_frames(Session& session) {
  const StopOnSignal signals;
  Table table({{"source"}, {"records", Align::right}, {"damaged frames", Align::right}});
  std::string json;
  std::uint64_t damaged = 0;
  for (const auto& [name, journal] : TRY(chosen_journals(session))) {
    const JournalWalk walked = TRY(walk_journal(*journal, journal->report().first, signals.token(),
                                                [](const store::Slice::Item&) { return true; }));
    const std::uint64_t found = std::max(walked.damaged_frames, journal->report().damaged_frames);
    damaged += found;
    table.add({name, grouped(walked.records), grouped(found)});
    json += fmt::format(R"({}{{"source":{},"records":{},"damaged_frames":{}}})", json.empty() ? "" : ",",
                        json_quote(name), walked.records, found);
  }
  if (session.wants_json())
    session.out() << fmt::format(R"({{"sources":[{}],"is_whole":{}}})", json, damaged == 0) << '\n';
  else
    session.out() << table.text();
  if (damaged == 0) return exit_done;
  const Error error(ErrorCode::journal_corrupt, fmt::format("reading the journals: {} damaged frame{} passed over",
                                                            damaged, damaged == 1 ? " was" : "s were"));
  session.streams.err << error_text(error);
  return exit_not_done;
}

// One file a feed, named as `capstan simulate --records` reads them.
class Export {
public:
  explicit Export(std::string directory) : directory_(std::move(directory)) {}

  Result<> write(const store::Slice::Item& item) {
    Target& target = targets_[std::string(item.record.feed)];
    if (!target.file.is_open()) {
      target.path = fmt::format("{}/{}.ndjson", directory_, item.record.feed);
      target.file.open(target.path, std::ios::binary | std::ios::trunc);
    }
    target.file << item.record.raw << '\n';
    ++target.records;
    if (!target.file.good())
      return Error(ErrorCode::file_not_writable, fmt::format("writing {}: the file does not take it", target.path));
    return {};
  }

  Result<> finish() {
    for (auto& [feed, target] : targets_) {
      target.file.close();
      if (target.file.fail())
        return Error(ErrorCode::file_not_writable, fmt::format("closing {}: the file does not take it", target.path));
    }
    return {};
  }

  std::string report(bool wants_json) const {
    Table table({{"file"}, {"records", Align::right}});
    std::string json;
    for (const auto& [feed, target] : targets_) {
      table.add({target.path, grouped(target.records)});
      json += fmt::format(R"({}{{"feed":{},"file":{},"records":{}}})", json.empty() ? "" : ",", json_quote(feed),
                          json_quote(target.path), target.records);
    }
    return wants_json ? "{\"files\":[" + json + "]}\n" : table.text();
  }

private:
  struct Target {
    std::string path;
    std::ofstream file;
    std::uint64_t records = 0;
  };
  std::string directory_;
  std::map<std::string, Target> targets_;
};

Result<int> export_records(Session& session) {
  const StopOnSignal signals;
  const Selection chosen = TRY(selection(session));
  const std::string directory = session.arguments.text("directory");
  TRY(session.files.make_directories(directory));
  for (const std::string& name : TRY(session.files.list(directory)))
    if (name.ends_with(".ndjson"))
      return Error(ErrorCode::file_exists, fmt::format("exporting to {}: it holds {} already", directory, name));
  Export target(directory);
  for (const auto& [name, journal] : TRY(chosen_journals(session))) {
    std::optional<Error> error;
    const store::Position from = chosen.since ? TRY(journal->position_at(*chosen.since)) : journal->report().first;
    TRY(walk_journal(*journal, from, signals.token(), [&](const store::Slice::Item& item) {
      if (!chosen.takes(item)) return true;
      auto written = target.write(item);
      if (!written.has_value()) error = written.error();
      return written.has_value();
    }));
    if (error) return std::move(*error);
  }
  TRY(target.finish());
  session.out() << target.report(session.wants_json());
  return exit_done;
}

Option source_option() {
  return {.names = "source", .value_name = "SOURCE", .help = "only this source's journal (all)"};
}

std::vector<Option> selection_options() {
  return {{.names = "--feed", .value_name = "NAME", .help = "only this feed", .is_repeatable = true},
          {.names = "--since", .value_name = "TIME", .help = "from when on, by ingest time; a time or how long ago"},
          {.names = "--until", .value_name = "TIME", .help = "up to when"}};
}

std::vector<Option> joined(std::vector<Option> first, const std::vector<Option>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

}  // namespace

std::vector<Command> journal_commands() {
  return {{.name = "journal ls",
           .summary = "list the journals and where each route got to",
           .details = "",
           .wants = Wants::both,
           .options = {source_option()},
           .examples = {{"capstan journal ls", "all sources"}},
           .run = list},
          {.name = "journal cat",
           .summary = "print records as the service sent them, one a line",
           .details = "With --output json each line also tells source, feed, id, position and times.",
           .wants = Wants::both,
           .options = joined({source_option()},
                             joined(selection_options(),
                                    {{.names = "--id", .value_name = "ID", .help = "only records of this id"},
                                     {.names = "--limit", .value_name = "N", .help = "at most so many records"}})),
           .examples = {{"capstan journal cat --feed alerts --since 1h", "the alerts of the last hour"}},
           .run = cat},
          {.name = "journal verify",
           .summary = "read every frame and check its sum",
           .details = "Exit code 1 when a frame is damaged. `capstan verify` tells what it held.",
           .wants = Wants::both,
           .options = {source_option()},
           .examples = {{"capstan journal verify", "all sources"}},
           .run = verify_frames},
          {.name = "journal export",
           .summary = "write records into files, one a feed",
           .details = "activities.ndjson, alerts.ndjson, …, each record as the service sent it. `capstan simulate "
                      "--records` serves such a directory.",
           .wants = Wants::both,
           .options = joined({{.names = "directory",
                               .value_name = "DIRECTORY",
                               .help = "where to; it must not hold .ndjson files yet",
                               .completes = Completes::directories,
                               .is_required = true},
                              source_option()},
                             selection_options()),
           .examples = {{"capstan journal export recorded/ --since 2d", "two days, to be replayed by simulate"}},
           .run = export_records}};
}

}  // namespace capstan::app
