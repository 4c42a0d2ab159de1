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
  f.removed = number_of(o, "removed");
  f.missing = number_of(o, "missing");
  f.repaired = number_of(o, "repaired");
  f.young = number_of(o, "young");
  f.outdated = number_of(o, "outdated");
  f.late = number_of(o, "late");
  f.doubled = number_of(o, "double");
  f.updates = number_of(o, "updates");
  f.unshown = number_of(o, "unshown");
  f.quarantined = number_of(o, "quarantined");
  f.early = number_of(o, "early");
  f.lost = number_of(o, "lost");
  return f;
}

std::vector<runtime::VerifyRouteFigures> routes_of(const json::object& o) {
  std::vector<runtime::VerifyRouteFigures> routes;
  for (const json::value& value : o.at("routes").as_array()) {
    const json::object& r = value.as_object();
    runtime::VerifyRouteFigures& route = routes.emplace_back();
    route.route = text_of(r, "route");
    route.delivered = number_of(r, "delivered");
    route.dropped = number_of(r, "dropped");
    route.dead_lettered = number_of(r, "dead_lettered");
    route.lost_to_retention = number_of(r, "lost_to_retention");
    route.waiting = number_of(r, "waiting");
    route.waiting_since = time_of(r, "waiting_since");
    route.resent = number_of(r, "resent");
    route.proof = parse_proof(text_of(r, "proof")).value_or(route.proof);
  }
  return routes;
}

runtime::VerifyFeed feed_of(const json::object& o) {
  runtime::VerifyFeed feed;
  feed.source = text_of(o, "source");
  feed.tenant = text_of(o, "tenant");
  feed.feed = text_of(o, "feed");
  feed.was_asked = o.at("was_asked").as_bool();
  feed.error = text_of(o, "error");
  feed.note = text_of(o, "note");
  feed.since = time_of(o, "since").value_or(Timestamp{});
  feed.until = time_of(o, "until").value_or(Timestamp{});
  feed.service_time = time_of(o, "service_time");
  feed.polls = number_of(o, "polls");
  feed.passed_over = number_of(o, "passed_over");
  return feed;
}

runtime::VerifyRow row_of(const json::object& o) {
  runtime::VerifyRow row;
  row.source = text_of(o, "source");
  row.tenant = text_of(o, "tenant");
  row.feed = text_of(o, "feed");
  row.hour = time_of(o, "hour");
  row.outcome = store::read_proof(text_of(o, "outcome")).value_or(runtime::Proof::not_comparable);
  row.is_young = o.at("is_young").as_bool();
  row.why = text_of(o, "why");
  row.figures = figures_of(o);
  row.routes = routes_of(o);
  return row;
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
  report.totals = figures_of(o.at("totals").as_object());
  report.started = time_of(o, "started").value_or(Timestamp{});
  report.since = time_of(o, "since").value_or(Timestamp{});
  report.until = time_of(o, "until").value_or(Timestamp{});
  report.late_after = parse_duration(text_of(o, "late_after")).value_or(Duration{});
  report.repaired = number_of(o, "repaired");
  report.not_repaired = number_of(o, "not_repaired");
  report.damaged_frames = number_of(o, "damaged_frames");
  report.named_left_out = number_of(o, "named_left_out");
  report.routes = routes_of(o);
  for (const json::value& feed : o.at("feeds").as_array()) report.feeds.push_back(feed_of(feed.as_object()));
  for (const json::value& row : o.at("hours").as_array()) report.rows.push_back(row_of(row.as_object()));
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
