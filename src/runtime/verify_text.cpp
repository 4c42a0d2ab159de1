// How a VerifyReport reads, for people and for programs.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "runtime/verify.h"
#include "table.h"

namespace capstan::runtime {

namespace json = boost::json;

namespace {

std::string count(std::uint64_t n) { return n == 0 ? "-" : grouped(n); }

// "2026-11-24 16:00"
std::string hour_text(const std::optional<Timestamp>& hour) {
  if (!hour) return "whole";
  std::string text = to_iso8601(*hour).substr(0, 16);
  text[10] = ' ';
  return text;
}

bool is_provable(const VerifyRouteFigures& route) { return route.proof != Sink::Proof::not_provable; }

std::string row_mark(const VerifyRow& row) {
  std::string mark;
  if (row.figures.missing > 0) mark = "MISSING";
  if (row.is_open) mark += mark.empty() ? "open" : ", open";
  return mark;
}

void hours(const VerifyReport& report, std::string& out) {
  Table table;
  table.column("source", Table::Align::left);
  table.column("feed", Table::Align::left);
  table.column("hour (UTC)", Table::Align::left);
  for (const char* title : {"shown", "journaled", "missing", "waiting", "late", "double"})
    table.column(title, Table::Align::right);
  for (const auto& route : report.routes)
    table.column(fmt::format("{}to {}", is_provable(route) ? "" : "sent ", route.route), Table::Align::right);
  table.column("", Table::Align::left);
  for (const auto& row : report.rows) {
    const VerifyFigures& f = row.figures;
    std::vector<std::string> cells{row.source,       row.feed,           hour_text(row.hour),
                                   count(f.shown),   count(f.journaled), count(f.missing),
                                   count(f.waiting), count(f.late),      count(f.doubled)};
    for (const auto& route : report.routes) {
      const auto at = std::ranges::find(row.routes, route.route, &VerifyRouteFigures::route);
      cells.push_back(at == row.routes.end() ? "" : count(at->delivered));
    }
    cells.push_back(row_mark(row));
    table.row(std::move(cells));
  }
  if (!table.is_empty()) out += table.text() + "\n";
}

void routes(const VerifyReport& report, std::string& out) {
  Table table;
  const bool all_are_provable = std::ranges::all_of(report.routes, is_provable);
  table.column("route", Table::Align::left);
  table.column("delivered", Table::Align::right);
  if (!all_are_provable) table.column(std::string(sent_not_provable), Table::Align::right);
  for (const char* title : {"dropped by rule", "dead-lettered", "waiting", "resent"})
    table.column(title, Table::Align::right);
  for (const auto& route : report.routes) {
    std::vector<std::string> cells{route.route, is_provable(route) ? count(route.delivered) : ""};
    if (!all_are_provable) cells.push_back(is_provable(route) ? "" : count(route.delivered));
    for (const std::uint64_t figure : {route.dropped, route.dead_lettered, route.waiting, route.resent})
      cells.push_back(count(figure));
    table.row(std::move(cells));
  }
  if (!table.is_empty()) out += table.text() + "\n";
}

void feeds(const VerifyReport& report, std::string& out) {
  for (const auto& feed : report.feeds) {
    if (!feed.error.empty())
      out += fmt::format("{} {} could not be asked to the end: {}\n", feed.source, feed.feed, feed.error);
    else if (!feed.note.empty())
      out += fmt::format("{} {}: {}\n", feed.source, feed.feed, feed.note);
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

void verdict(const VerifyReport& report, std::string& out) {
  const VerifyFigures& t = report.totals;
  out +=
      fmt::format("shown {}, journaled {}, missing {}, waiting {}, late {}, double {}, outdated {}, quarantined {}\n",
                  grouped(t.shown), grouped(t.journaled), grouped(t.missing), grouped(t.waiting), grouped(t.late),
                  grouped(t.doubled), grouped(t.outdated), grouped(t.quarantined));
  if (report.damaged_frames > 0)
    out += fmt::format("{} damaged frames of the journal were passed over\n", grouped(report.damaged_frames));
  if (report.repaired > 0)
    out += fmt::format("repaired: {} missing records were collected and journaled; the routes deliver them next\n",
                       grouped(report.repaired));
  if (report.not_repaired > 0)
    out += fmt::format("not repaired: {} records; the lines above say why\n", grouped(report.not_repaired));
  if (report.is_proved())
    out += t.missing == 0 ? "nothing is missing\n" : "nothing is missing any more\n";
  else if (t.missing > report.repaired)
    out += "records are missing; `capstan verify --repair` collects them\n";
  else
    out += "not proved: a feed could not be asked to the end\n";
}

json::object figures_json(const VerifyFigures& f) {
  return {{"shown", f.shown},       {"journaled", f.journaled},
          {"missing", f.missing},   {"waiting", f.waiting},
          {"outdated", f.outdated}, {"late", f.late},
          {"double", f.doubled},    {"updates", f.updates},
          {"unshown", f.unshown},   {"quarantined", f.quarantined}};
}

// The totals say how far the destination's word goes; the rows of the hours repeat only the figures.
enum class WithProof : std::uint8_t { no, yes };

json::array routes_json(const std::vector<VerifyRouteFigures>& routes, WithProof with_proof) {
  json::array all;
  for (const auto& r : routes) {
    json::object o{{"route", r.route},     {"delivered", r.delivered},
                   {"dropped", r.dropped}, {"dead_lettered", r.dead_lettered},
                   {"waiting", r.waiting}, {"resent", r.resent}};
    if (with_proof == WithProof::yes) o["proof"] = to_string(r.proof);
    all.push_back(std::move(o));
  }
  return all;
}

json::object feed_json(const VerifyFeed& feed) {
  json::object o{{"source", feed.source},
                 {"feed", feed.feed},
                 {"can_be_asked", feed.can_be_asked},
                 {"was_asked", feed.was_asked},
                 {"since", to_iso8601(feed.since)},
                 {"until", to_iso8601(feed.until)},
                 {"overlap", capstan::to_string(feed.overlap)},
                 {"polls", feed.polls},
                 {"passed_over", feed.passed_over}};
  if (feed.settled_until) o["settled_until"] = to_iso8601(*feed.settled_until);
  if (!feed.error.empty()) o["error"] = feed.error;
  if (!feed.note.empty()) o["note"] = feed.note;
  return o;
}

json::object row_json(const VerifyRow& row) {
  json::object o{{"source", row.source}, {"feed", row.feed}, {"is_open", row.is_open}};
  o["hour"] = row.hour ? json::value(to_iso8601(*row.hour)) : json::value(nullptr);
  for (auto& [name, value] : figures_json(row.figures)) o[name] = value;
  o["routes"] = routes_json(row.routes, WithProof::no);
  return o;
}

}  // namespace

std::string to_text(const VerifyReport& report) {
  std::string out = fmt::format("saved from {} to {}\n\n", to_iso8601(report.since), to_iso8601(report.until));
  hours(report, out);
  routes(report, out);
  feeds(report, out);
  named(report, out);
  verdict(report, out);
  return out;
}

std::string to_json(const VerifyReport& report) {
  json::object o = figures_json(report.totals);
  o["is_proved"] = report.is_proved();
  o["started"] = to_iso8601(report.started);
  o["since"] = to_iso8601(report.since);
  o["until"] = to_iso8601(report.until);
  o["repaired"] = report.repaired;
  o["not_repaired"] = report.not_repaired;
  o["damaged_frames"] = report.damaged_frames;
  o["routes"] = routes_json(report.routes, WithProof::yes);
  json::array all_feeds;
  for (const auto& feed : report.feeds) all_feeds.push_back(feed_json(feed));
  o["feeds"] = std::move(all_feeds);
  json::array rows;
  for (const auto& row : report.rows) rows.push_back(row_json(row));
  o["hours"] = std::move(rows);
  json::array names;
  for (const auto& one : report.named)
    names.push_back(json::object{{"kind", to_string(one.kind)},
                                 {"source", one.source},
                                 {"feed", one.feed},
                                 {"id", one.id},
                                 {"saved_time", to_iso8601(one.saved_time)},
                                 {"detail", one.detail}});
  o["named"] = std::move(names);
  o["named_left_out"] = report.named_left_out;
  return json::serialize(o);
}

}  // namespace capstan::runtime
