#include "runtime/plan_difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <iterator>

namespace capstan::runtime {

namespace {

using Kind = PartDifference::Kind;

using Part = PlanOutline::Part;

template <class Configured>
std::vector<Part> parts_of(const std::vector<Configured>& all) {
  std::vector<Part> parts;
  for (const Configured& one : all) parts.push_back({one.name, one.facts});
  return parts;
}

std::vector<PartDifference> compared(Kind kind, const std::vector<Part>& running, const std::vector<Part>& wanted) {
  std::vector<PartDifference> found;
  for (const Part& part : wanted) {
    PartDifference one{kind, part.name, Change::added, {}};
    if (const auto before = std::ranges::find(running, part.name, &Part::name); before != running.end()) {
      one.options = differing(before->facts, part.facts);
      one.change = one.options.empty() ? Change::kept : Change::changed;
    }
    found.push_back(std::move(one));
  }
  for (const Part& part : running)
    if (std::ranges::find(wanted, part.name, &Part::name) == wanted.end())
      found.push_back({kind, part.name, Change::removed, {}});
  return found;
}

PartDifference log_difference(const LogOptions& running, const LogOptions& wanted) {
  PartDifference log{Kind::log, "", Change::kept, {}};
  if (running.level != wanted.level) log.options.emplace_back("level");
  if (running.format != wanted.format) log.options.emplace_back("format");
  if (!log.options.empty()) log.change = Change::changed;
  return log;
}

std::vector<std::string> restart_options(const PlanOutline& running, const PlanOutline& wanted) {
  std::vector<std::string> options;
  const auto note = [&](bool differs, std::string_view option) {
    if (differs) options.emplace_back(option);
  };
  note(running.data_dir != wanted.data_dir, "data_dir");
  const store::JournalOptions& was = running.journal;
  const store::JournalOptions& will = wanted.journal;
  note(was.segment_size != will.segment_size, "journal.segment_size");
  note(was.max_bytes != will.max_bytes, "journal.max_bytes");
  note(was.max_age != will.max_age, "journal.max_age");
  note(was.reserve != will.reserve, "journal.reserve");
  note(was.proof_bytes != will.proof_bytes, "journal.proof_bytes");
  note(was.when_full != will.when_full, "journal.when_full");
  note(running.proof.enabled != wanted.proof.enabled, "proof.enabled");
  note(running.proof.late_after != wanted.proof.late_after, "proof.late_after");
  note(running.proof.ages != wanted.proof.ages, "proof.ages");
  note(running.api.enabled != wanted.api.enabled, "api.enabled");
  note(running.api.listen != wanted.api.listen, "api.listen");
  return options;
}

// Where the option stands; one that was taken out is looked for in what is left of its place.
config::Place place_of(const PlanOutline& plan, const std::string& option) {
  if (const auto fact = plan.facts.find(option); fact != plan.facts.end()) return fact->second.place;
  const auto data_dir = plan.facts.find("data_dir");
  config::Place place = data_dir == plan.facts.end() ? config::Place{} : data_dir->second.place;
  place.line = 0;
  place.column = 0;
  return place;
}

}  // namespace

std::string_view to_string(Change change) {
  switch (change) {
    case Change::kept:
      return "kept";
    case Change::added:
      return "added";
    case Change::removed:
      return "removed";
    case Change::changed:
      return "changed";
  }
  return "kept";
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::tenant:
      return "tenant";
    case Kind::source:
      return "source";
    case Kind::sink:
      return "sink";
    case Kind::route:
      return "route";
    case Kind::log:
      return "log";
  }
  return "log";
}

bool PlanDifference::is_empty() const {
  return std::ranges::all_of(parts, [](const PartDifference& part) { return part.change == Change::kept; });
}

Change PlanDifference::of(Kind kind, std::string_view name) const {
  for (const PartDifference& part : parts)
    if (part.kind == kind && part.name == name) return part.change;
  return Change::kept;
}

PlanOutline outline(const Plan& plan) {
  return {plan.data_dir,
          plan.journal,
          plan.proof,
          plan.api,
          plan.log,
          parts_of(plan.tenants),
          parts_of(plan.sources),
          parts_of(plan.sinks),
          parts_of(plan.routes),
          plan.facts};
}

PlanDifference difference(const PlanOutline& running, const PlanOutline& wanted) {
  PlanDifference all;
  const auto add = [&](std::vector<PartDifference> found) { std::ranges::move(found, std::back_inserter(all.parts)); };
  add(compared(Kind::tenant, running.tenants, wanted.tenants));
  add(compared(Kind::source, running.sources, wanted.sources));
  add(compared(Kind::sink, running.sinks, wanted.sinks));
  add(compared(Kind::route, running.routes, wanted.routes));
  all.parts.push_back(log_difference(running.log, wanted.log));
  return all;
}

std::string summary(const PlanDifference& difference) {
  constexpr std::array kinds{Kind::tenant, Kind::source, Kind::sink, Kind::route, Kind::log};
  constexpr std::array changes{Change::added, Change::changed, Change::removed};
  const auto count = [&](auto fits) { return std::ranges::count_if(difference.parts, fits); };
  std::string text;
  for (const Change change : changes)
    for (const Kind kind : kinds) {
      const auto n = count([&](const PartDifference& part) { return part.kind == kind && part.change == change; });
      if (n == 0) continue;
      text += fmt::format("{}{} {}{} {}", text.empty() ? "" : ", ", n, to_string(kind), n == 1 ? "" : "s",
                          to_string(change));
    }
  const auto kept = count([](const PartDifference& part) { return part.change == Change::kept; });
  return fmt::format("{}; {} part{} kept", text.empty() ? "nothing changed" : text, kept, kept == 1 ? "" : "s");
}

std::string to_text(const PlanDifference& difference) {
  std::string text;
  for (const PartDifference& part : difference.parts) {
    if (part.change == Change::kept) continue;
    text += fmt::format("  {} {}{}{}{}{}\n", to_string(part.change), to_string(part.kind), part.name.empty() ? "" : " ",
                        part.name, part.options.empty() ? "" : ": ", fmt::join(part.options, ", "));
  }
  return text;
}

std::string to_json(const PlanDifference& difference) {
  boost::json::array parts;
  for (const PartDifference& part : difference.parts)
    parts.push_back({{"kind", to_string(part.kind)},
                     {"name", part.name},
                     {"change", to_string(part.change)},
                     {"options", boost::json::array(part.options.begin(), part.options.end())}});
  return boost::json::serialize(parts);
}

config::Findings needs_restart(const PlanOutline& running, const PlanOutline& wanted) {
  config::Findings findings;
  for (const std::string& option : restart_options(running, wanted))
    findings.add(ErrorCode::needs_restart, place_of(wanted, option),
                 fmt::format("{}: it cannot change while Capstan runs; put it back, or restart Capstan", option));
  return findings;
}

}  // namespace capstan::runtime
