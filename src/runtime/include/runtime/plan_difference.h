// What a reload would change: two plans compared part by part. A part is the same when its facts are (plan_facts.h),
// so everything that is not named here goes on untouched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "runtime/plan.h"

namespace capstan::runtime {

// A plan without its components: what of it is compared. The engine keeps that of the plan it runs.
struct PlanOutline {
  struct Part {
    std::string name;
    Facts facts;
  };
  std::string data_dir;
  store::JournalOptions journal;
  ProofOptions proof;
  ApiOptions api;
  LogOptions log;
  std::vector<Part> tenants;
  std::vector<Part> sources;
  std::vector<Part> sinks;
  std::vector<Part> routes;
  Facts facts;
};
PlanOutline outline(const Plan& plan);

enum class Change : std::uint8_t { kept, added, removed, changed };
std::string_view to_string(Change change);  // "kept", "added", "removed", "changed"

struct PartDifference {
  enum class Kind : std::uint8_t { tenant, source, sink, route, log };
  Kind kind;
  std::string name;  // empty for the log
  Change change = Change::kept;
  std::vector<std::string> options;  // of a changed part: which; values are never shown: they may be secret
};
std::string_view to_string(PartDifference::Kind kind);  // "tenant", "source", "sink", "route", "log"

struct PlanDifference {
  std::vector<PartDifference> parts;  // all of both plans; tenants first, routes last

  // Nothing but kept parts.
  bool is_empty() const;
  Change of(PartDifference::Kind kind, std::string_view name) const;  // kept, when there is no such part
};
PlanDifference difference(const PlanOutline& running, const PlanOutline& wanted);

// "1 route changed, 1 source added; 7 parts kept".
std::string summary(const PlanDifference& difference);
// One line a part that is not kept: "  changed route to_siem: query, batch.max_events"; empty where there is none.
std::string to_text(const PlanDifference& difference);
// [{"kind","name","change","options"}], kept parts too.
std::string to_json(const PlanDifference& difference);

// What cannot be changed while it runs (data_dir, journal, api), a finding each at the wanted plan's place.
config::Findings needs_restart(const PlanOutline& running, const PlanOutline& wanted);

}  // namespace capstan::runtime
