// How a VerifyReport reads for people.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/verify.h"
#include "table.h"

namespace capstan::runtime {

namespace {

std::string count(std::uint64_t n) { return n == 0 ? "-" : grouped(n); }

std::string counted(std::uint64_t n, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", grouped(n), n == 1 ? one : more);
}

// "2026-11-24 16:00"
std::string hour_text(const std::optional<Timestamp>& hour) {
  if (!hour) return "whole";
  std::string text = to_iso8601(*hour).substr(0, 16);
  text[10] = ' ';
  return text;
}

bool is_quiet(const VerifyRow& row) {
  return row.outcome == Proof::proved && row.figures == VerifyFigures{} && row.routes.empty();
}

bool is_provable(const VerifyRouteFigures& route) { return route.proof != Sink::Proof::not_provable; }

std::string mark(const VerifyRow& row) {
  switch (row.outcome) {
    case Proof::proved:
      return "proved";
    case Proof::missing:
      return "MISSING";
    case Proof::waiting:
      return row.is_young ? "waiting" : "WAITING";
    case Proof::not_comparable:
      break;
  }
  return "NOT COMPARABLE";
}

// --- the sentence ---

std::uint64_t waiting_of(const VerifyRow& row) {
  std::uint64_t waiting = row.figures.young;
  for (const auto& route : row.routes) waiting = std::max(waiting, route.waiting);
  return waiting;
}

struct Counts {
  std::uint64_t missing = 0;
  std::uint64_t waiting = 0;       // records, older than late_after
  std::uint64_t young = 0;         // records that wait and are younger
  std::uint64_t not_compared = 0;  // windows
  std::optional<Timestamp> since;
};

Counts count_up(const VerifyReport& report) {
  Counts counts;
  for (const VerifyRow& row : report.rows) {
    counts.missing += row.figures.missing - row.figures.repaired;
    counts.not_compared += row.outcome == Proof::not_comparable ? 1U : 0U;
    // A window that is missing something may have records that wait, too.
    const bool is_old = row.outcome != Proof::waiting || !row.is_young;
    (is_old ? counts.waiting : counts.young) += waiting_of(row);
    if (is_old)
      for (const auto& route : row.routes)
        if (route.waiting_since)
          counts.since = std::min(counts.since.value_or(*route.waiting_since), *route.waiting_since);
  }
  return counts;
}

// --- tables ---

void hours(const VerifyReport& report, bool only_bad, std::string& out) {
  Table table;
  table.column("source", Table::Align::left);
  table.column("feed", Table::Align::left);
  table.column("hour (UTC)", Table::Align::left);
  for (const char* title : {"shown", "journaled", "missing", "late", "double"})
    table.column(title, Table::Align::right);
  for (const auto& route : report.routes)
    table.column(fmt::format("{}to {}", is_provable(route) ? "" : "sent ", route.route), Table::Align::right);
  table.column("waiting", Table::Align::right);
  table.column("outcome", Table::Align::left);
  for (const auto& row : report.rows) {
    if (row.outcome == Proof::not_comparable || is_quiet(row) || (only_bad && row.outcome == Proof::proved)) continue;
    const VerifyFigures& f = row.figures;
    std::vector<std::string> cells{row.source,         row.feed,         hour_text(row.hour), count(f.shown),
                                   count(f.journaled), count(f.missing), count(f.late),       count(f.doubled)};
    for (const auto& route : report.routes) {
      const auto at = std::ranges::find(row.routes, route.route, &VerifyRouteFigures::route);
      cells.push_back(at == row.routes.end() ? "" : count(at->delivered));
    }
    cells.push_back(count(waiting_of(row)));
    cells.push_back(mark(row));
    table.row(std::move(cells));
  }
  if (!table.is_empty()) out += table.text() + "\n";
}

void summary(const VerifyReport& report, bool only_bad, std::string& out) {
  Table table;
  table.column("source", Table::Align::left);
  table.column("feed", Table::Align::left);
  for (const char* title :
       {"windows", "proved", "missing", "waiting", "not comparable", "records shown", "journaled", "missing"})
    table.column(title, Table::Align::right);
  for (const VerifyFeed& feed : report.feeds) {
    std::uint64_t windows[4] = {};
    VerifyFigures figures;
    for (const VerifyRow& row : report.rows) {
      if (row.source != feed.source || row.feed != feed.feed) continue;
      ++windows[static_cast<std::size_t>(row.outcome)];
      figures += row.figures;
    }
    const std::uint64_t all = windows[0] + windows[1] + windows[2] + windows[3];
    if (only_bad && windows[0] == all) continue;
    table.row({feed.source, feed.feed, count(all), count(windows[0]), count(windows[1]), count(windows[2]),
               count(windows[3]), count(figures.shown), count(figures.journaled), count(figures.missing)});
  }
  if (!table.is_empty()) out += table.text() + "\n";
}

void routes(const VerifyReport& report, std::string& out) {
  Table table;
  const bool all_are_provable = std::ranges::all_of(report.routes, is_provable);
  table.column("route", Table::Align::left);
  table.column("delivered", Table::Align::right);
  if (!all_are_provable) table.column(std::string(sent_not_provable), Table::Align::right);
  for (const char* title : {"dropped by rule", "dead-lettered", "waiting", "lost to retention", "resent"})
    table.column(title, Table::Align::right);
  for (const auto& route : report.routes) {
    std::vector<std::string> cells{route.route, is_provable(route) ? count(route.delivered) : ""};
    if (!all_are_provable) cells.push_back(is_provable(route) ? "" : count(route.delivered));
    for (const std::uint64_t figure :
         {route.dropped, route.dead_lettered, route.waiting, route.lost_to_retention, route.resent})
      cells.push_back(count(figure));
    table.row(std::move(cells));
  }
  if (!table.is_empty()) out += table.text() + "\n";
}

// Neighbours of which the same is said are one line: a tenant that does not answer is one line however many windows
// were asked for.
struct Run {
  const VerifyRow* first;
  const VerifyRow* last;
  std::uint64_t windows = 1;
  std::vector<std::string> feeds;
};

void not_comparable(const VerifyReport& report, std::string& out) {
  std::vector<Run> runs;
  for (const VerifyRow& row : report.rows) {
    if (row.outcome != Proof::not_comparable) continue;
    const auto same = std::ranges::find_if(
        runs, [&](const Run& run) { return run.first->source == row.source && run.first->why == row.why; });
    if (same == runs.end()) {
      runs.push_back({&row, &row, 1, {row.feed}});
      continue;
    }
    same->last = &row;
    ++same->windows;
    if (std::ranges::find(same->feeds, row.feed) == same->feeds.end()) same->feeds.push_back(row.feed);
  }
  for (const Run& run : runs) {
    std::string feeds;
    for (const std::string& feed : run.feeds) feeds += (feeds.empty() ? "" : ", ") + feed;
    out += fmt::format("not comparable: {} of {} {} ({} to {}): {}\n", counted(run.windows, "window", "windows"),
                       run.first->source, feeds, hour_text(run.first->hour), hour_text(run.last->hour), run.first->why);
  }
}

void feeds(const VerifyReport& report, std::string& out) {
  for (const auto& feed : report.feeds) {
    if (!feed.note.empty()) out += fmt::format("{} {}: {}\n", feed.source, feed.feed, feed.note);
    if (feed.since > report.since)
      out += fmt::format("{} {}: compared from {} on\n", feed.source, feed.feed, to_iso8601(feed.since));
  }
}

void named(const VerifyReport& report, std::string& out) {
  for (const auto& one : report.named)
    out += fmt::format("{}: {} {} {} saved {}{}{}\n", to_string(one.kind), one.source, one.feed, one.id,
                       to_iso8601(one.saved_time), one.detail.empty() ? "" : ", ", one.detail);
  if (report.named_left_out > 0) out += fmt::format("and {} more\n", grouped(report.named_left_out));
}

void totals(const VerifyReport& report, std::string& out) {
  const VerifyFigures& t = report.totals;
  out += fmt::format(
      "shown {}, journaled {}, missing {}, just shown {}, late {}, double {}, outdated {}, quarantined {}\n",
      grouped(t.shown), grouped(t.journaled), grouped(t.missing), grouped(t.young), grouped(t.late), grouped(t.doubled),
      grouped(t.outdated), grouped(t.quarantined));
  if (t.removed > 0)
    out +=
        fmt::format("{} of the journaled were removed by retention since; seals still know them\n", grouped(t.removed));
  if (report.damaged_frames > 0)
    out += fmt::format("{} of the journal passed over\n",
                       counted(report.damaged_frames, "damaged frame was", "damaged frames were"));
  if (report.repaired > 0)
    out += fmt::format("repaired: {} collected and journaled; the routes deliver them next\n",
                       counted(report.repaired, "missing record was", "missing records were"));
  if (report.not_repaired > 0)
    out +=
        fmt::format("not repaired: {}; the lines above say why\n", counted(report.not_repaired, "record", "records"));
  if (t.missing > t.repaired) out += "`capstan verify --repair` collects what is missing\n";
}

}  // namespace

std::string verdict(const VerifyReport& report) {
  const Counts counts = count_up(report);
  const std::string shown = fmt::format("{} of {}", counted(report.totals.shown, "record", "records"),
                                        counted(report.rows.size(), "window", "windows"));
  if (report.is_proved()) {
    if (counts.young == 0 && report.windows(Proof::waiting) == 0)
      return fmt::format("proved: nothing is missing; {}, all journaled and delivered", shown);
    return fmt::format("proved: nothing is missing; {}, all but what is younger than {}", shown,
                       capstan::to_string(report.late_after));
  }
  if (report.rows.empty()) return "NOT PROVED: there was nothing to compare";
  std::string text = "NOT PROVED:";
  const auto add = [&text](const std::string& more) { text += (text.ends_with(':') ? " " : ", ") + more; };
  if (counts.missing > 0) add(counted(counts.missing, "record is missing", "records are missing"));
  if (counts.waiting > 0)
    add(fmt::format("{}{}", counted(counts.waiting, "record waits", "records wait"),
                    counts.since ? " since " + to_iso8601(*counts.since) : ""));
  if (counts.not_compared > 0)
    add(fmt::format("{} of {} could not be compared", grouped(counts.not_compared),
                    counted(report.rows.size(), "window", "windows")));
  return text;
}

std::string to_text(const VerifyReport& report, const VerifyStyle& style) {
  std::string out = verdict(report) + "\n";
  out +=
      fmt::format("saved from {} to {} by the service's clock\n\n", to_iso8601(report.since), to_iso8601(report.until));
  if (style.only_summary)
    summary(report, style.only_bad, out);
  else
    hours(report, style.only_bad, out);
  routes(report, out);
  not_comparable(report, out);
  feeds(report, out);
  if (!style.only_summary) named(report, out);
  totals(report, out);
  return out;
}

}  // namespace capstan::runtime
