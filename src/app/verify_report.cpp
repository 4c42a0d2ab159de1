#include "verify_report.h"

#include <boost/json.hpp>

namespace capstan::app {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string{};
}

std::uint64_t number_of(const json::object& o, std::string_view name) { return o.at(name).to_number<std::uint64_t>(); }

std::optional<Timestamp> time_of(const json::object& o, std::string_view name) {
  return parse_iso8601(text_of(o, name));
}

runtime::VerifyFigures figures_of(const json::object& o) {
  runtime::VerifyFigures f;
  f.shown = number_of(o, "shown");
  f.journaled = number_of(o, "journaled");
  f.missing = number_of(o, "missing");
  f.waiting = number_of(o, "waiting");
  f.outdated = number_of(o, "outdated");
  f.late = number_of(o, "late");
  f.doubled = number_of(o, "double");
  f.updates = number_of(o, "updates");
  f.unshown = number_of(o, "unshown");
  f.quarantined = number_of(o, "quarantined");
  return f;
}

std::vector<runtime::VerifyRouteFigures> routes_of(const json::object& o) {
  std::vector<runtime::VerifyRouteFigures> routes;
  for (const json::value& value : o.at("routes").as_array()) {
    const json::object& r = value.as_object();
    runtime::VerifyRouteFigures figures{text_of(r, "route"),     number_of(r, "delivered"),
                                        number_of(r, "dropped"), number_of(r, "dead_lettered"),
                                        number_of(r, "waiting"), number_of(r, "resent")};
    figures.proof = parse_proof(text_of(r, "proof")).value_or(figures.proof);
    routes.push_back(std::move(figures));
  }
  return routes;
}

runtime::VerifyFeed feed_of(const json::object& o) {
  runtime::VerifyFeed feed;
  feed.source = text_of(o, "source");
  feed.feed = text_of(o, "feed");
  feed.can_be_asked = o.at("can_be_asked").as_bool();
  feed.was_asked = o.at("was_asked").as_bool();
  feed.error = text_of(o, "error");
  feed.note = text_of(o, "note");
  feed.since = time_of(o, "since").value_or(Timestamp{});
  feed.until = time_of(o, "until").value_or(Timestamp{});
  feed.settled_until = time_of(o, "settled_until");
  feed.overlap = parse_duration(text_of(o, "overlap")).value_or(Duration{});
  feed.polls = number_of(o, "polls");
  feed.passed_over = number_of(o, "passed_over");
  return feed;
}

runtime::VerifyNamed named_of(const json::object& o) {
  using Kind = runtime::VerifyNamed::Kind;
  runtime::VerifyNamed named;
  const std::string kind = text_of(o, "kind");
  for (const Kind one :
       {Kind::missing, Kind::outdated, Kind::doubled, Kind::quarantined, Kind::dead_lettered, Kind::poisoned})
    if (runtime::to_string(one) == kind) named.kind = one;
  named.source = text_of(o, "source");
  named.feed = text_of(o, "feed");
  named.id = text_of(o, "id");
  named.saved_time = time_of(o, "saved_time").value_or(Timestamp{});
  named.detail = text_of(o, "detail");
  return named;
}

runtime::VerifyReport report_of(const json::object& o) {
  runtime::VerifyReport report;
  report.totals = figures_of(o);
  report.started = time_of(o, "started").value_or(Timestamp{});
  report.since = time_of(o, "since").value_or(Timestamp{});
  report.until = time_of(o, "until").value_or(Timestamp{});
  report.repaired = number_of(o, "repaired");
  report.not_repaired = number_of(o, "not_repaired");
  report.damaged_frames = number_of(o, "damaged_frames");
  report.named_left_out = number_of(o, "named_left_out");
  report.routes = routes_of(o);
  for (const json::value& feed : o.at("feeds").as_array()) report.feeds.push_back(feed_of(feed.as_object()));
  for (const json::value& value : o.at("hours").as_array()) {
    const json::object& row = value.as_object();
    report.rows.push_back({text_of(row, "source"), text_of(row, "feed"), time_of(row, "hour"),
                           row.at("is_open").as_bool(), figures_of(row), routes_of(row)});
  }
  for (const json::value& named : o.at("named").as_array()) report.named.push_back(named_of(named.as_object()));
  return report;
}

}  // namespace

Result<runtime::VerifyReport> read_verify_report(std::string_view text) {
  try {
    return report_of(json::parse({text.data(), text.size()}).as_object());
  } catch (const std::exception& e) {
    return Error(
        ErrorCode::unexpected_answer,
        std::string("reading the report of the running Capstan: expected a verify report, got something else: ") +
            e.what());
  }
}

}  // namespace capstan::app
