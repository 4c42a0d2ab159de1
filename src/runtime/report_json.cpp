#include <boost/json.hpp>
#include <string>

#include "base/base64.h"
#include "canonical_json.h"
#include "runtime/report_form.h"

namespace capstan::runtime {

namespace {

namespace json = boost::json;

json::value time_or_null(const std::optional<Timestamp>& time) {
  return time ? json::value(to_iso8601(*time)) : json::value(nullptr);
}

json::value number_or_null(const std::optional<std::uint64_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::object to_value(const RouteDay& route) {
  return {{"route", route.route},
          {"delivered", route.delivered},
          {"dropped", route.dropped},
          {"dead_lettered", route.dead_lettered},
          {"not_selected", route.not_selected},
          {"lost", route.lost},
          {"waiting", route.waiting},
          {"unknown", route.unknown},
          {"not_provable", route.not_provable},
          {"resent", route.resent},
          {"first", time_or_null(route.first)},
          {"last", time_or_null(route.last)}};
}

json::object to_value(const FeedHour& hour, const TimeZone& zone) {
  json::array routes;
  for (const RouteDay& route : hour.routes) routes.push_back(to_value(route));
  return {{"feed", hour.feed},
          {"from", zone.to_text(hour.from)},
          {"to", zone.to_text(hour.to)},
          {"shown", number_or_null(hour.proof.shown)},
          {"journaled", hour.journaled},
          {"updates", hour.updates},
          {"quarantined", hour.quarantined},
          {"proof", hour.proof.outcome},
          {"why", hour.proof.why},
          {"missing", number_or_null(hour.proof.missing)},
          {"repaired", number_or_null(hour.proof.repaired)},
          {"compared", time_or_null(hour.proof.checked_at)},
          {"routes", std::move(routes)}};
}

json::object to_value(const RouteNames& names) {
  json::array destinations;
  for (const auto& to : names.destinations)
    destinations.push_back({{"destination", to.destination},
                            {"proof", to_string(to.proof)},
                            {"delivered", to.delivered},
                            {"first", time_or_null(to.first)},
                            {"last", time_or_null(to.last)}});
  json::array rules;
  for (const auto& rule : names.rules)
    rules.push_back(
        {{"rule", rule.digest}, {"text", rule.text}, {"delivered", rule.delivered}, {"dropped", rule.dropped}});
  return {{"route", names.route},
          {"is_configured", names.is_configured},
          {"destinations", std::move(destinations)},
          {"rules", std::move(rules)}};
}

json::object to_value(const ReportSegment& segment) {
  return {{"base", segment.base},
          {"end", segment.end},
          {"frames", segment.frames},
          {"records", segment.records},
          {"is_open", segment.is_open},
          {"root", to_hex(segment.root)},
          {"previous", to_hex(segment.previous)},
          {"chain", segment.is_open ? json::value(nullptr) : json::value(to_hex(segment.chain))}};
}

json::object to_value(const SourceDay& source, const TimeZone& zone) {
  json::array hours;
  json::array totals;
  json::array routes;
  json::array segments;
  json::array not_known;
  for (const FeedHour& hour : source.hours) hours.push_back(to_value(hour, zone));
  for (const FeedHour& total : source.totals) totals.push_back(to_value(total, zone));
  for (const RouteNames& names : source.routes) routes.push_back(to_value(names));
  for (const ReportSegment& segment : source.segments) segments.push_back(to_value(segment));
  for (const NotKnown& place : source.not_known)
    not_known.push_back({{"from", place.from}, {"to", place.to}, {"why", place.why}});
  return {{"source", source.source},          {"tenant", source.tenant},     {"hours", std::move(hours)},
          {"totals", std::move(totals)},      {"routes", std::move(routes)}, {"segments", std::move(segments)},
          {"not_known", std::move(not_known)}};
}

}  // namespace

std::string to_canonical_json(const DayReport& report) {
  const TimeZone& zone = report.question.zone;
  json::array runs;
  for (const ReportRun& run : report.facts.runs)
    runs.push_back({{"start", to_iso8601(run.start)}, {"stop", time_or_null(run.stop)}, {"version", run.version}});
  json::array sources;
  for (const SourceDay& source : report.sources) sources.push_back(to_value(source, zone));
  return canonical(json::object{{"capstan_report", report_version},
                                {"day", to_string(report.question.day)},
                                {"zone", zone.name()},
                                {"from", zone.to_text(report.from)},
                                {"to", zone.to_text(report.to)},
                                {"is_over", report.is_over},
                                {"made", to_iso8601(report.facts.now)},
                                {"version", report.facts.version},
                                {"host", report.facts.host},
                                {"configuration", report.facts.configuration},
                                {"runs", std::move(runs)},
                                {"sources", std::move(sources)}});
}

std::string in_envelope(const std::string& report, const SigningKey* key) {
  std::string text = R"({"report":)" + report;
  if (key != nullptr)
    text += R"(,"signature":)" +
            canonical(json::object{
                {"algorithm", "Ed25519"}, {"key", key->fingerprint()}, {"value", to_base64(key->sign(report))}});
  return text + "}\n";
}

std::optional<Envelope> open_envelope(std::string_view file) {
  if (!file.ends_with('\n')) return {};
  file.remove_suffix(1);
  const auto value = parse_canonical(file);
  if (!value || !value->is_object()) return {};
  const json::object& members = value->get_object();
  const json::value* const report = members.if_contains("report");
  const json::value* const signature = members.if_contains("signature");
  if (report == nullptr || !report->is_object() || members.size() != (signature == nullptr ? 1 : 2)) return {};
  Envelope envelope{canonical(*report), {}};
  if (signature == nullptr) return envelope;
  const auto text = [&](std::string_view name) -> std::optional<std::string> {
    const json::value* const member = signature->is_object() ? signature->get_object().if_contains(name) : nullptr;
    if (member == nullptr || !member->is_string()) return {};
    return std::string(member->get_string());
  };
  const auto algorithm = text("algorithm");
  const auto key = text("key");
  const auto encoded = text("value");
  if (algorithm != "Ed25519" || !key || !encoded || signature->get_object().size() != 3) return {};
  const auto bytes = from_base64(*encoded);
  if (!bytes) return {};
  envelope.signature = {*key, *bytes};
  return envelope;
}

}  // namespace capstan::runtime
