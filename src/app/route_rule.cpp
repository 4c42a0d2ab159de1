#include <fmt/format.h>

#include <algorithm>

#include "app/components.h"
#include "config/document.h"
#include "rule_test.h"

namespace capstan::app {

namespace {

constexpr std::uint64_t configuration_size_max = 4U << 20;

// A rule does not depend on who is asked and where it goes, and the machine that tests rules has no secrets.
constexpr std::string_view any_tenant =
    "{api_url: 'https://tests.invalid', auth: {method: token, token: '${env:ANY}'}}";
constexpr std::string_view any_sink = "{type: stdout}";
constexpr std::string_view any_secret = "'${env:ANY}-secret-of-no-meaning'";

config::Node parsed(std::string_view yaml, const std::string& file) {
  config::Findings none;
  const config::References any{[](const std::string&) { return std::optional<std::string>("any"); }, nullptr};
  return config::parse(yaml, file, any, none);
}

void replace_each(config::Node& root, std::string_view part, const config::Node& with) {
  for (config::Node::Member& member : root.members)
    if (member.key == part)
      for (config::Node::Member& one : member.value.members) one.value = with;
}

}  // namespace

Result<std::shared_ptr<const RouteRule>> route_rule(Session& session, const std::string& configuration_file,
                                                    const std::string& route, const config::Place& place,
                                                    config::Findings& findings) {
  const std::string text =
      TRY(read_file(session.files, configuration_file, configuration_size_max).during("reading the configuration"));
  config::Findings found;
  config::Node root = config::parse(text, configuration_file, config::system_references(session.files), found);
  replace_each(root, "tenants", parsed(any_tenant, configuration_file));
  replace_each(root, "sinks", parsed(any_sink, configuration_file));
  replace_each(root, "secrets", parsed(any_secret, configuration_file));
  config::Findings of_plan;
  for (const config::Finding& finding : found.all())
    if (finding.code != ErrorCode::unresolved_secret) of_plan.add(finding.code, finding.place, finding.sentence);
  auto plan = runtime::make_plan(root, builtin_components(), session.world(), of_plan);
  if (!plan || of_plan.has_errors()) {
    for (const config::Finding& finding : of_plan.all())
      if (finding.severity == config::Finding::Severity::error)
        findings.add(finding.code, finding.place, finding.sentence);
    return std::shared_ptr<const RouteRule>{};
  }
  const auto named = std::ranges::find(plan->routes, route, &runtime::RoutePlan::name);
  if (named == plan->routes.end()) {
    findings.add(ErrorCode::unknown_name, place,
                 fmt::format("route: there is no route \"{}\" in {}", route, configuration_file));
    return std::shared_ptr<const RouteRule>{};
  }
  auto rule = std::make_shared<RouteRule>();
  rule->feeds = named->feeds;
  rule->program = named->rule;
  rule->encoder = std::move(named->encoder);
  rule->transform = named->transform;
  return std::shared_ptr<const RouteRule>(std::move(rule));
}

}  // namespace capstan::app
