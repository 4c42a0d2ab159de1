// The whole program at rest: the journals of a plan opened, a collector a source, a runner a route, one committer.
// Nothing here has a thread; the engine gives each part one, and a test steps them in any order it likes.
//
// Parts come and go with a reload. Each is shared: whoever steps or reads one keeps it and all that it works with
// alive, so a part that is taken out may still be finishing, or hang.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/registry.h"
#include "runtime/collector.h"
#include "runtime/committer.h"
#include "runtime/dead_letter_box.h"
#include "runtime/plan.h"
#include "runtime/plan_difference.h"
#include "runtime/prover.h"
#include "runtime/route_runner.h"
#include "runtime/status.h"
#include "runtime/table_keeper.h"

namespace capstan::runtime {

class Evidence;  // evidence.h

struct RunningSource {
  SourcePlan plan;
  std::size_t number = 0;  // in the committer
  std::shared_ptr<const store::Journal> journal;
  std::shared_ptr<const Evidence> evidence;  // what lies beside the journal
  std::unique_ptr<Collector> collector;
  std::unique_ptr<Source> proof_source;  // what the prover asks through
  std::unique_ptr<Prover> prover;        // null: proof is not enabled
};

struct RunningRoute {
  RoutePlan plan;
  std::unique_ptr<RouteRunner> runner;
};

class Program {
public:
  // Opens (or makes) every journal with its id index and finds every cursor. Cursors of routes that are not in the plan
  // any more are forgotten: they would hold back retention for ever. World and dead letters outlive the program.
  static Result<std::unique_ptr<Program>> open(Plan plan, World& world, DeadLetterBox& dead_letters,
                                               std::uint64_t seed);

  const std::string& data_dir() const { return data_dir_; }
  Committer& committer() { return *committer_; }
  const Committer& committer() const { return *committer_; }
  // What there is at this moment, in the plan's order. Any thread.
  std::vector<std::shared_ptr<RunningSource>> running_sources() const;
  std::vector<std::shared_ptr<RunningRoute>> running_routes() const;
  std::vector<std::shared_ptr<Collector>> collectors() const;
  std::vector<std::shared_ptr<RouteRunner>> routes() const;
  std::vector<TenantPlan> tenants() const;
  PlanOutline outline() const;

  // One thread: a step of sealing closed segments of each source (store/seal.h). True: there is more to do at once.
  bool seal();
  // The housekeeping's thread: what the rules of the running routes look up in is looked after; at the end it is
  // closed.
  void keep_tables();
  void close_tables() { tables_->close(); }
  // Any thread: whether what the route's rule looks up in is there, so that it may begin.
  bool may_begin(const RoutePlan& route) const { return tables_->is_ready(route); }

  // Any thread.
  Status status() const;
  // Every source is drained (or waits for a person), everything is durable, no damaged place of a journal is being
  // asked for again, and every route has delivered all of it (or waits for a person).
  bool is_settled() const;
  // The first error that waits for a person.
  std::optional<Error> held_by() const;
  // After the provers' last steps: writes their ledgers.
  void finish_provers();

  // For a reload, which is one thread's business at a time (engine_reload.cpp).

  // A journal that was opened and that nobody writes yet.
  struct Opened {
    std::string source;
    std::unique_ptr<store::Journal> journal;
    std::unique_ptr<store::IdIndex> index;
    std::vector<FeedTraits> traits;
  };
  // As at the start: cursors of routes that `plan` does not have are forgotten.
  Result<Opened> open_journal(const SourcePlan& source, const Plan& plan) const;
  Result<std::unique_ptr<store::IdIndex>> open_index(const SourcePlan& source, const store::Journal& journal) const;
  // Between steps of the committer. Gives the number.
  std::size_t adopt(Opened opened);
  // A collector that begins where the journal is; a runner that begins at these places. Nobody steps them yet.
  std::shared_ptr<RunningSource> make_source(SourcePlan plan, std::size_t number);
  std::shared_ptr<RunningRoute> make_route(RoutePlan plan, std::vector<RouteRunner::From> from);
  // In the place of the one of that name, if there is one.
  void put(std::shared_ptr<RunningSource> source);
  void put(std::shared_ptr<RunningRoute> route);
  void remove_source(std::string_view name);
  void remove_route(std::string_view name);
  // What is compared next time; sources and routes are shown in its order from now on.
  void follow(PlanOutline outline, std::vector<TenantPlan> tenants);
  std::vector<TableKeeper::JournalOfSource> journals() const;

private:
  explicit Program(const Plan& plan, World& world, DeadLetterBox& dead_letters, std::uint64_t seed);
  void find_stalled(Status& status, const std::vector<std::shared_ptr<Collector>>& collectors,
                    const std::vector<std::shared_ptr<RouteRunner>>& routes) const;
  TablesInUse tables_in_use() const;
  void give_prover(RunningSource& source);
  std::uint64_t lost_to_damage(std::string_view source) const;
  void add_proofs(Status& status, const std::vector<std::shared_ptr<RunningSource>>& sources) const;

  World& world_;
  DeadLetterBox& dead_letters_;
  const std::string data_dir_;
  const store::JournalOptions journal_;
  const ProofOptions proof_;
  const MonotonicTime started_;
  const Timestamp started_wall_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<TableKeeper> tables_;

  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t seed_;        // of the next part's jitter
  std::vector<std::shared_ptr<RunningSource>> sources_;
  std::vector<std::shared_ptr<RunningRoute>> routes_;
  std::vector<TenantPlan> tenants_;
  PlanOutline outline_;
};

}  // namespace capstan::runtime
