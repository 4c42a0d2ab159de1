// The engine's inside: the program and who steps it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_directory.h"
#include "data_lock.h"
#include "due_schedule.h"
#include "figures_log.h"
#include "runtime/engine.h"
#include "runtime/program.h"
#include "runtime/service_notifier.h"
#include "stored_dead_letters.h"
#include "threads.h"
#include "wake.h"
#include "work_parts.h"

namespace capstan::runtime {

struct Engine::Impl {
  Impl(World& given_world, Options given_options, const std::string& data_dir, FileIdentity identity,
       DataLock given_lock, std::unique_ptr<StoredDeadLetters> letters)
      : files(given_world.files, data_dir, identity),
        world{given_world.clock, files, given_world.http},
        options(given_options),
        lock(std::move(given_lock)),
        dead_letters(std::move(letters)),
        schedule(given_world.clock),
        proof_schedule(given_world.clock) {}

  void start_threads();
  void poll(const std::stop_token& stop);
  void prove(const std::stop_token& stop);
  void commit(const std::stop_token& stop);
  // When it wants to be asked again; nothing: it was interrupted.
  std::optional<MonotonicTime> gather(Gatherer& gatherer);
  void run_lane(Lane& lane, const std::stop_token& stop);
  void keep_house(const std::stop_token& stop);
  void seal(const std::stop_token& stop);
  void watch_clock();
  void wait(Duration span, const std::stop_token& stop) const;
  Status status() const;

  // Any thread: a part begins to work.
  std::shared_ptr<Gatherer> begin(std::shared_ptr<RunningSource> source);
  std::shared_ptr<Lane> begin(std::shared_ptr<RunningRoute> route);
  void start_pollers();
  void start_provers();
  // Nobody waits for it: what it still does counts no more.
  void retire_prover(const RunningSource& source);
  void wake_lane(std::string_view route);
  std::vector<std::shared_ptr<Lane>> lanes_now() const;

  // engine_reload.cpp
  Result<ReloadReport> reload(const Replan& replan, ReloadOptions options);
  Result<std::vector<RouteEffect>> measure_change(const Plan& wanted, const PlanDifference& difference,
                                                  Duration look_back);
  void note_reload(const Result<ReloadReport>& outcome);

  // engine_questions.cpp
  std::vector<VerifyRoute> verify_routes(const RunningSource& source);
  Result<std::vector<VerifySource>> verify_sources(const std::vector<std::shared_ptr<RunningSource>>& running,
                                                   std::vector<std::unique_ptr<Source>>& instances,
                                                   const std::stop_token& stop);
  std::vector<ExplainRoute> explain_routes(std::string_view source) const;

  DataDirectory files;
  World world;
  const Options options;
  DataLock lock;
  std::unique_ptr<StoredDeadLetters> dead_letters;
  std::unique_ptr<Program> program;
  ServiceNotifier notifier;
  FiguresLog figures;

  DueSchedule<Gatherer> schedule;
  DueSchedule<Proving> proof_schedule;
  Wake committer_wake;
  mutable std::mutex parts_mutex;  // guards the next six
  std::vector<std::shared_ptr<Lane>> lanes;
  std::vector<std::shared_ptr<Gatherer>> gatherers;
  std::vector<std::shared_ptr<Proving>> provings;
  std::size_t provers = 0;
  std::size_t pollers = 0;
  std::size_t pollers_lost = 0;  // with collectors that did not come back
  Wake run_wake;                 // something that run() wants to look at has changed
  std::atomic<std::uint64_t> clock_jumps{0};
  Timestamp wall_seen{};
  MonotonicTime monotonic_seen{};

  std::timed_mutex reloading;       // one reload at a time
  std::stop_source reload_stop;     // the engine stops
  Wake part_left;                   // a thread has left a part
  mutable std::mutex reload_mutex;  // guards the next
  ReloadStatus reload_status;
  // Sources that were taken out while the disk did not answer: their journals are still with the committer.
  std::map<std::string, std::size_t> left_behind;

  std::once_flag stop_once;
  // Threads last: they are the first to end.
  Threads workers;     // pollers, lanes, housekeeping
  Threads committing;  // ends after them, so that what they hand over is written
};

}  // namespace capstan::runtime
