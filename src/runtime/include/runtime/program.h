// The whole program at rest: the journals of a plan opened, a collector a source, a runner a route, one committer.
// Nothing here has a thread; the engine gives each part one, and a test steps them in any order it likes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "component/registry.h"
#include "runtime/collector.h"
#include "runtime/committer.h"
#include "runtime/dead_letter_box.h"
#include "runtime/plan.h"
#include "runtime/route_runner.h"
#include "runtime/status.h"

namespace capstan::runtime {

class Program {
public:
  // Opens (or makes) every journal with its id index and finds every cursor. Cursors of routes that are not in the plan
  // any more are forgotten: they would hold back retention for ever. World and dead letters outlive the program.
  static Result<std::unique_ptr<Program>> open(Plan plan, World& world, DeadLetterBox& dead_letters,
                                               std::uint64_t seed);

  const Plan& plan() const { return plan_; }
  Committer& committer() { return *committer_; }
  const Committer& committer() const { return *committer_; }
  // In the plan's order; a collector's place is its source's number in the committer.
  const std::vector<std::unique_ptr<Collector>>& collectors() const { return collectors_; }
  const std::vector<std::unique_ptr<RouteRunner>>& routes() const { return routes_; }

  // Any thread.
  Status status() const;
  // Every source is drained (or waits for a person), everything is durable, and every route has delivered all of it (or
  // waits for a person).
  bool is_settled() const;
  // The first error that waits for a person.
  std::optional<Error> held_by() const;

private:
  explicit Program(Plan plan, World& world);
  Result<> open_source(SourcePlan& source, std::uint64_t seed);
  Result<> open_route(RoutePlan& route, DeadLetterBox& dead_letters, std::uint64_t seed);
  void find_stalled(Status& status) const;

  Plan plan_;
  World& world_;
  const MonotonicTime started_;
  const Timestamp started_wall_;
  std::unique_ptr<Committer> committer_;
  std::vector<std::unique_ptr<Collector>> collectors_;
  std::vector<std::unique_ptr<RouteRunner>> routes_;
};

}  // namespace capstan::runtime
