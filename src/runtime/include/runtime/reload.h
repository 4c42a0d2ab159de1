// What is asked of a reload, and what came of it. The engine does it (Engine::reload):
//
//   read and plan ──► findings, or an option that needs a restart? ──► nothing changes
//        │
//        ▼
//   prepare: journals of new sources opened, cursors of new routes made. What goes wrong up to here changes nothing.
//        │
//        ▼
//   commit: kept parts are not touched · new ones start · each part that goes or changes is left by its thread after
//   the step at hand, at the latest when reload_patience and then interrupt_patience are over · its successor begins
//   exactly where it was
//
// A route's runner that is left has acknowledged everything it delivered, so nothing is lost and nothing is double. One
// that has to be interrupted, or does not come back at all, leaves at most the payload at hand in doubt: its successor
// delivers that again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/node.h"
#include "runtime/effect.h"
#include "runtime/plan.h"
#include "runtime/plan_difference.h"

namespace capstan::runtime {

// A payload that is on its way has so long to arrive.
constexpr Duration reload_patience = std::chrono::seconds(5);
// After that the attempt is interrupted, and what does not come back within this is given up: its thread may hang for
// as long as it likes, what it does counts no more.
constexpr Duration interrupt_patience = std::chrono::seconds(4);
// For the journals' writer to come to a change of its sources.
constexpr Duration journal_patience = std::chrono::seconds(10);
// A reload waits so long for one that is at work.
constexpr Duration reload_turn_patience = std::chrono::seconds(30);

// Reads the configuration anew. Nothing where there are findings that are errors. `running`: see make_plan.
using Replan =
    std::function<Result<std::optional<Plan>>(const std::vector<TenantPlan>& running, config::Findings& findings)>;

enum class ReloadOutcome : std::uint8_t {
  changed,
  unchanged,  // there was nothing to change
  refused,    // by findings: nothing was changed
  failed,     // by an error: nothing was changed
};
std::string_view to_string(ReloadOutcome outcome);  // "changed", …
constexpr std::size_t reload_outcomes = 4;

struct ReloadOptions {
  bool only_shows = false;  // the outcome is what it would be; nothing is changed or counted
  // Refused (change_too_large) when a route's messages would be others for more than so many percent of the journaled
  // events that were ingested within `look_back`. Routes that are new or go are not measured: they are changes of all.
  std::optional<double> change_percent_max = {};
  Duration look_back = std::chrono::hours(24);
};
// So many events a source are looked at for that, the oldest of the span.
constexpr std::uint64_t looked_back_max = 1'000'000;

struct ReloadReport {
  std::string file;  // that was read
  ReloadOutcome outcome = ReloadOutcome::unchanged;
  PlanDifference difference;  // empty where the configuration could not be planned
  config::Findings findings;
  std::vector<std::string> given_up;  // "route to_siem": its sink did not come back
  std::vector<RouteEffect> effects;   // of changed routes, where they were measured
  Duration took{};
};
// {"outcome","file","summary","parts","findings","given_up","effects","took_seconds"}
std::string to_json(const ReloadReport& report);

}  // namespace capstan::runtime
