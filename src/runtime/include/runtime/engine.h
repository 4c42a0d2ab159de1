// The running program: opens the journals of a plan and drives its collectors, its committer and its routes, each on
// threads of their own. Everything they do is in passive steps (collector.h, committer.h, route_runner.h); here is only
// who calls them when.
//
//   poller threads ── step ──► Collector ── submit ──► committer thread: append, index, fdatasync ── wakes ──► lanes
//   lane threads (one a route) ── step ──► RouteRunner ──► sink            housekeeping thread: retention, log lines
//   prover threads (a few) ── step ──► Prover ── repair ──► committer thread
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "component/registry.h"
#include "runtime/explain.h"
#include "runtime/plan.h"
#include "runtime/reload.h"
#include "runtime/status.h"
#include "runtime/verify.h"
#include "store/journal.h"

namespace capstan::runtime {

// What a replay moved.
struct Replay {
  std::string route;
  std::uint64_t records = 0;  // that will be delivered again (counted, so exact)
  std::vector<std::string> sources;
};

class ReloadChange;

class Engine {
public:
  struct Options {
    std::uint64_t seed = 0;  // of the jitter; 0: from the clock
    bool notify_systemd = true;
    bool log_figures = true;  // the line every five minutes
    bool prove = true;        // continuously, where the configuration enables it
    // How long a reload waits for a part that goes or changes (reload.h).
    Duration finish_within = reload_patience;
    Duration come_back_within = interrupt_patience;
  };

  // Takes the lock of data_dir (already_running), opens every journal and its id index, and starts the threads.
  // `world` must outlive the engine.
  static Result<std::unique_ptr<Engine>> start(Plan plan, World& world, Options options);
  static Result<std::unique_ptr<Engine>> start(Plan plan, World& world) {
    return start(std::move(plan), world, Options{});
  }
  // Stops first (at most stop_patience).
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Returns when stopped, or with the fault that ended a part which the others cannot do without.
  Result<> run(const std::stop_token& stop);
  // Returns when every source is drained, everything is durable and every route has delivered all of it; interrupted
  // when stopped before, and the first error that holds a source, a feed or a route until a person acts.
  Result<> run_until_caught_up(const std::stop_token& stop);
  // Stops every thread, flushes cursors and closes sinks; bounded even when a sink hangs. Calling it again does
  // nothing.
  void stop();

  // Any thread may call the following while the engine lives.
  Status status() const;
  // Changes to another plan while it runs (reload.h says how, and that it is bounded). One at a time: another waits for
  // its turn, busy when that does not come. Findings are in the report; an error changed nothing.
  Result<ReloadReport> reload(const Replan& replan, ReloadOptions options);
  // Puts the cursors of a route back to the first record ingested at or after `since`. With `until`, what was ingested
  // from then on and is delivered already is not delivered again. not_found: no such route.
  Result<Replay> replay(std::string_view route, Timestamp since, std::optional<Timestamp> until);
  Result<VerifyReport> verify(const VerifyOptions& options, const std::stop_token& stop,
                              std::function<void(const std::string&)> progress);
  Result<EventLife> explain(const std::string& id, const std::stop_token& stop);

private:
  struct Impl;
  friend class ReloadChange;  // its two phases
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A stop that waits longer than this for a component gives it up (the process ends; nothing is lost by that).
constexpr Duration stop_patience = std::chrono::seconds(10);

// Where things lie in data_dir.
std::string journal_directory(const std::string& data_dir, std::string_view source);
std::string index_directory(const std::string& data_dir, std::string_view source);

}  // namespace capstan::runtime
