#include "runtime/reload.h"

#include <boost/json.hpp>

namespace capstan::runtime {

namespace {

namespace json = boost::json;

json::object finding_json(const config::Finding& finding) {
  return {{"severity", finding.severity == config::Finding::Severity::error ? "error" : "warning"},
          {"code", label(finding.code)},
          {"name", entry(finding.code).name},
          {"file", finding.place.file},
          {"line", finding.place.line},
          {"column", finding.place.column},
          {"message", finding.sentence},
          {"advice", entry(finding.code).advice}};
}

}  // namespace

std::string_view to_string(ReloadOutcome outcome) {
  switch (outcome) {
    case ReloadOutcome::changed:
      return "changed";
    case ReloadOutcome::unchanged:
      return "unchanged";
    case ReloadOutcome::refused:
      return "refused";
    case ReloadOutcome::failed:
      return "failed";
  }
  return "failed";
}

std::string to_json(const ReloadReport& report) {
  json::array findings;
  for (const config::Finding& finding : report.findings.all()) findings.push_back(finding_json(finding));
  json::array effects;
  for (const RouteEffect& effect : report.effects)
    effects.push_back({{"route", effect.route},
                       {"events", effect.records},
                       {"unsent", effect.unsent},
                       {"added", effect.added},
                       {"dropped", effect.dropped},
                       {"changed", effect.changed},
                       {"touched_percent", effect.touched_percent()}});
  return json::serialize(json::object{{"outcome", to_string(report.outcome)},
                                      {"file", report.file},
                                      {"summary", summary(report.difference)},
                                      {"parts", json::parse(to_json(report.difference))},
                                      {"findings", std::move(findings)},
                                      {"given_up", json::array(report.given_up.begin(), report.given_up.end())},
                                      {"effects", std::move(effects)},
                                      {"took_seconds", std::chrono::duration<double>(report.took).count()}});
}

}  // namespace capstan::runtime
