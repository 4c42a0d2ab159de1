// The engine's inside: the program and who steps it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "data_lock.h"
#include "figures_log.h"
#include "poll_schedule.h"
#include "runtime/engine.h"
#include "runtime/program.h"
#include "service_notifier.h"
#include "stored_dead_letters.h"
#include "threads.h"
#include "wake.h"

namespace capstan::runtime {

struct Engine::Impl {
  Impl(World& given_world, Options given_options, DataLock given_lock, std::unique_ptr<StoredDeadLetters> letters)
      : world(given_world),
        options(given_options),
        lock(std::move(given_lock)),
        dead_letters(std::move(letters)),
        schedule(given_world.clock) {}

  void start_threads();
  void poll(const std::stop_token& stop);
  void commit(const std::stop_token& stop);
  void run_lane(std::size_t route, const std::stop_token& stop);
  void keep_house(const std::stop_token& stop);
  void watch_clock();
  void wait(Duration span, const std::stop_token& stop) const;
  Status status() const;

  // engine_questions.cpp
  std::vector<VerifyRoute> verify_routes(std::string_view source);
  std::function<bool(const RecordView&)> drops_of(std::string_view route, std::string_view source) const;
  Result<std::vector<VerifySource>> verify_sources(std::vector<std::unique_ptr<Source>>& instances,
                                                   const std::stop_token& stop);
  std::vector<ExplainRoute> explain_routes(std::string_view source) const;

  World& world;
  const Options options;
  DataLock lock;
  std::unique_ptr<StoredDeadLetters> dead_letters;
  std::unique_ptr<Program> program;
  ServiceNotifier notifier;
  FiguresLog figures;

  PollSchedule schedule;
  Wake committer_wake;
  std::vector<std::unique_ptr<Wake>> lane_wakes;
  Wake run_wake;  // something that run() wants to look at has changed
  std::atomic<std::uint64_t> clock_jumps{0};
  Timestamp wall_seen{};
  MonotonicTime monotonic_seen{};

  std::once_flag stop_once;
  // Threads last: they are the first to end.
  Threads workers;     // pollers, lanes, housekeeping
  Threads committing;  // ends after them, so that what they hand over is written
};

}  // namespace capstan::runtime
