// How a VerifyReport reads for programs.
#include <boost/json.hpp>

#include "runtime/verify.h"

namespace capstan::runtime {

namespace json = boost::json;

namespace {

json::object figures_json(const VerifyFigures& f) {
  return {{"shown", f.shown},       {"journaled", f.journaled},
          {"removed", f.removed},   {"missing", f.missing},
          {"repaired", f.repaired}, {"young", f.young},
          {"outdated", f.outdated}, {"late", f.late},
          {"double", f.doubled},    {"updates", f.updates},
          {"unshown", f.unshown},   {"quarantined", f.quarantined},
          {"early", f.early},       {"lost", f.lost}};
}

json::value time_json(const std::optional<Timestamp>& time) {
  return time ? json::value(to_iso8601(*time)) : json::value(nullptr);
}

json::array routes_json(const std::vector<VerifyRouteFigures>& routes) {
  json::array all;
  for (const auto& r : routes)
    all.push_back(json::object{{"route", r.route},
                               {"delivered", r.delivered},
                               {"dropped", r.dropped},
                               {"dead_lettered", r.dead_lettered},
                               {"lost_to_retention", r.lost_to_retention},
                               {"waiting", r.waiting},
                               {"waiting_since", time_json(r.waiting_since)},
                               {"resent", r.resent},
                               {"proof", to_string(r.proof)}});
  return all;
}

json::object feed_json(const VerifyFeed& feed) {
  json::object o{{"source", feed.source},
                 {"tenant", feed.tenant},
                 {"feed", feed.feed},
                 {"was_asked", feed.was_asked},
                 {"since", to_iso8601(feed.since)},
                 {"until", to_iso8601(feed.until)},
                 {"service_time", time_json(feed.service_time)},
                 {"polls", feed.polls},
                 {"passed_over", feed.passed_over}};
  if (!feed.error.empty()) o["error"] = feed.error;
  if (!feed.note.empty()) o["note"] = feed.note;
  return o;
}

// Which window, without figures.
json::object place_json(const VerifyRow& row) {
  return {{"source", row.source}, {"tenant", row.tenant}, {"feed", row.feed}, {"hour", time_json(row.hour)}};
}

json::object row_json(const VerifyRow& row) {
  json::object o = place_json(row);
  o["outcome"] = store::to_string(row.outcome);
  o["is_young"] = row.is_young;
  o["why"] = row.why;
  for (auto& [name, value] : figures_json(row.figures)) o[name] = value;
  o["routes"] = routes_json(row.routes);
  return o;
}

json::object named_json(const VerifyNamed& one) {
  return {{"kind", to_string(one.kind)},
          {"source", one.source},
          {"feed", one.feed},
          {"id", one.id},
          {"saved_time", to_iso8601(one.saved_time)},
          {"detail", one.detail}};
}

// The member of one outcome: how many windows, how many records, and which windows; of the missing, the ids.
json::object outcome_json(const VerifyReport& report, Proof outcome, const VerifyStyle& style) {
  std::uint64_t records = 0;
  std::uint64_t young = 0;
  json::array windows;
  for (const VerifyRow& row : report.rows) {
    if (row.outcome != outcome) continue;
    json::object place = place_json(row);
    if (!row.why.empty()) place["why"] = row.why;
    if (outcome == Proof::missing) place["records"] = row.figures.missing - row.figures.repaired;
    if (outcome == Proof::waiting) place["is_young"] = row.is_young;
    young += row.is_young ? 1U : 0U;
    windows.push_back(std::move(place));
  }
  for (const VerifyRow& row : report.rows) {
    if (outcome == Proof::proved && row.outcome == outcome) records += row.figures.shown;
    if (outcome == Proof::missing) records += row.figures.missing - row.figures.repaired;
    if (outcome == Proof::waiting) {
      std::uint64_t waiting = row.figures.young;
      for (const auto& route : row.routes) waiting = std::max(waiting, route.waiting);
      records += waiting;
    }
    if (outcome == Proof::not_comparable && row.outcome == outcome) records += row.figures.journaled;
  }
  json::object o{{"windows", report.windows(outcome)}, {"records", records}};
  if (outcome == Proof::waiting) o["young_windows"] = young;
  if (outcome == Proof::missing) {
    json::array ids;
    for (const VerifyNamed& one : report.named)
      if (one.kind == VerifyNamed::Kind::missing && one.detail.empty())
        ids.push_back(json::object{
            {"source", one.source}, {"feed", one.feed}, {"id", one.id}, {"saved_time", to_iso8601(one.saved_time)}});
    o["ids"] = std::move(ids);
  }
  const bool is_listed = !style.only_summary && !(style.only_bad && outcome == Proof::proved);
  if (is_listed) o["list"] = std::move(windows);
  return o;
}

}  // namespace

std::string to_json(const VerifyReport& report, const VerifyStyle& style) {
  json::object o;
  o["is_proved"] = report.is_proved();
  o["verdict"] = verdict(report);
  o["proved"] = outcome_json(report, Proof::proved, style);
  o["missing"] = outcome_json(report, Proof::missing, style);
  o["waiting"] = outcome_json(report, Proof::waiting, style);
  o["not_comparable"] = outcome_json(report, Proof::not_comparable, style);
  o["started"] = to_iso8601(report.started);
  o["since"] = to_iso8601(report.since);
  o["until"] = to_iso8601(report.until);
  o["late_after"] = capstan::to_string(report.late_after);
  o["repaired"] = report.repaired;
  o["not_repaired"] = report.not_repaired;
  o["damaged_frames"] = report.damaged_frames;
  o["totals"] = figures_json(report.totals);
  o["routes"] = routes_json(report.routes);
  json::array all_feeds;
  for (const auto& feed : report.feeds) all_feeds.push_back(feed_json(feed));
  o["feeds"] = std::move(all_feeds);
  json::array rows;
  for (const auto& row : report.rows)
    if (!style.only_summary && !(style.only_bad && row.outcome == Proof::proved)) rows.push_back(row_json(row));
  o["hours"] = std::move(rows);
  json::array names;
  for (const auto& one : report.named) names.push_back(named_json(one));
  o["named"] = std::move(names);
  o["named_left_out"] = report.named_left_out;
  return json::serialize(o);
}

}  // namespace capstan::runtime
