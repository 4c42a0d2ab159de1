// The two phases of one reload (runtime/reload.h). Used once, by the thread that reloads, with the engine's turn taken.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine_impl.h"
#include "runtime/plan_difference.h"

namespace capstan::runtime {

class ReloadChange {
public:
  ReloadChange(Engine::Impl& engine, Plan plan, const PlanDifference& difference);

  // Opens what new parts need. After an error nothing has changed.
  Result<> prepare();
  // Gives what was given up. interrupted: the engine stops; parts that were left have no successor then.
  Result<std::vector<std::string>> commit();

private:
  using Kind = PartDifference::Kind;

  // What a part that goes or changes is waited for with.
  struct Leaving {
    Kind kind;
    std::string name;
    std::shared_ptr<Lane> lane;          // of a route
    std::shared_ptr<Gatherer> gatherer;  // of a source
    bool has_left() const { return lane ? lane->has_left : gatherer->has_left; }
    void interrupt() const { (lane ? lane->interrupt : gatherer->interrupt).request_stop(); }
  };

  bool is_new(Kind kind, std::string_view name) const;   // added or changed
  bool is_gone(Kind kind, std::string_view name) const;  // removed or changed
  Result<> finish_left_behind();
  Result<> adopt_journals();

  void retire_parts();
  void retire(const std::shared_ptr<Lane>& lane);
  void retire(const std::shared_ptr<Gatherer>& gatherer);
  void start_added_sources();
  void start_routes_without_predecessor();
  void start_successor(const RunningSource& before);
  void start(RoutePlan plan);
  bool waits(const RoutePlan& route) const;
  Result<> wait_for_leaving();
  void has_ended(const Leaving& part);
  void give_up(const Leaving& part);
  void forget_what_is_gone();

  Engine::Impl& engine_;
  Program& program_;
  Plan plan_;
  const PlanDifference& difference_;
  const PlanOutline outline_;  // of the whole plan: its parts are moved to where they work
  std::map<std::string, std::vector<std::string>> wanted_from_;  // of each route of the plan: its sources
  std::map<std::string, std::string> tenants_;                   // of each source of the plan

  std::vector<Program::Opened> opened_;
  std::map<std::string, std::size_t> numbers_;                         // of every source of the plan
  std::map<std::pair<std::string, std::string>, store::Cursor> made_;  // by route and source: cursors of new routes

  std::vector<Leaving> leaving_;
  std::vector<RoutePlan> waiting_;                                // until their predecessors have left
  std::map<std::string, std::vector<RouteRunner::From>> places_;  // where routes that have left were
  std::vector<std::pair<std::string, std::size_t>> removed_;      // sources
  std::vector<std::string> given_up_;
};

}  // namespace capstan::runtime
