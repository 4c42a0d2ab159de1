#include "runtime/route_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/text.h"
#include "runtime/plan_difference.h"

namespace capstan::runtime {

namespace {

// Facts that say where and how much at once, not what. Everything else counts, also what is added later.
bool is_of_the_message(std::string_view name) {
  constexpr std::array<std::string_view, 3> prefixes{"sink ", "tenant ", "batch"};
  return name != "to" && name != "from" &&
         std::ranges::none_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string lines(std::string_view part, const Facts& facts) {
  std::string text;
  for (const auto& [name, fact] : facts)
    text += fmt::format("{} {} {}\n", json_quote(part), json_quote(name), json_quote(fact.value));
  return text;
}

// A fact that was written in quotes stands in quotes.
std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  std::string text;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\\' && i + 2 < value.size()) ++i;
    text += value[i];
  }
  return text;
}

}  // namespace

std::string destination_of(const RoutePlan& route) {
  const auto fact = [&](std::string_view option) {
    const auto found = route.facts.find(fmt::format("sink {}: {}", route.sink_name, option));
    return found == route.facts.end() ? std::string{} : unquoted(found->second.value);
  };
  std::string text = route.sink_kind;
  const std::string transport = fact("transport");
  if (const std::string address = fact("address"); !address.empty())
    text += fmt::format(" {}{}{}", transport, transport.empty() ? "" : "://", address);
  if (const std::string path = fact("path"); !path.empty()) text += " " + path;
  return text;
}

std::string rule_digest(const RoutePlan& route) {
  Facts facts;
  for (const auto& [name, fact] : route.facts)
    if (is_of_the_message(name)) facts.emplace(name, fact);
  return sha256_hex(lines("route", facts));
}

std::string configuration_digest(const Plan& plan) {
  const PlanOutline outline = runtime::outline(plan);
  std::string text = lines("", outline.facts);
  const auto add = [&](std::string_view kind, std::vector<PlanOutline::Part> parts) {
    std::ranges::sort(parts, {}, &PlanOutline::Part::name);
    for (const PlanOutline::Part& part : parts) text += lines(fmt::format("{} {}", kind, part.name), part.facts);
  };
  add("tenant", outline.tenants);
  add("source", outline.sources);
  add("sink", outline.sinks);
  add("route", outline.routes);
  return sha256_hex(text);
}

}  // namespace capstan::runtime
