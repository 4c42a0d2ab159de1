#include "runtime/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "engine_impl.h"
#include "memory.h"

namespace capstan::runtime {

namespace {

// More than that ask at the same time only when there are more sources; the rest takes turns. Each holds one page of
// its source in memory.
constexpr std::size_t pollers_max = 16;
// Provers ask a few hundred times a day each.
constexpr std::size_t provers_max = 4;
constexpr std::chrono::seconds housekeeping_every{1};
constexpr std::chrono::minutes trim_every{1};
constexpr std::chrono::seconds seal_every{5};
constexpr std::chrono::milliseconds seal_pause{10};
// More than the wall clock may drift from the one that never jumps within one round of housekeeping.
constexpr std::chrono::seconds clock_jump_min{30};
constexpr std::chrono::milliseconds settled_looked_every{20};
// A committer that has been at one step for longer than this is not alive any more for the watchdog.
constexpr std::chrono::minutes commit_hangs_after{1};

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Engine>> Engine::start(Plan plan, World& world, Options options) {
  bound_allocator();
  TRY(world.files.make_directories(plan.data_dir).during("making data_dir"));
  DataLock lock = TRY(DataLock::take(plan.data_dir));
  auto letters = TRY(store::DeadLetters::open(plan.data_dir + "/state.db"));
  const FileIdentity directory = TRY(lock.directory());
  auto impl = std::make_unique<Impl>(world, options, plan.data_dir, directory, std::move(lock),
                                     std::make_unique<StoredDeadLetters>(std::move(letters), world.clock));
  const std::uint64_t seed = options.seed != 0 ? options.seed : static_cast<std::uint64_t>(epoch_ms(world.clock.now()));
  impl->program = TRY(Program::open(std::move(plan), impl->world, *impl->dead_letters, seed));
  if (options.notify_systemd) impl->notifier = ServiceNotifier::from_environment();
  impl->start_threads();
  impl->notifier.tell("READY=1");
  log::info("started", {{"data_dir", impl->program->data_dir()},
                        {"sources", impl->program->collectors().size()},
                        {"routes", impl->program->routes().size()}});
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::~Engine() { stop(); }

void Engine::Impl::start_threads() {
  wall_seen = world.clock.now();
  monotonic_seen = world.clock.monotonic();
  program->committer().on_work([this] { committer_wake.ring(); });
  program->committer().on_durable([this](std::size_t source) {
    for (const auto& lane : lanes_now()) {
      if (!lane->route->runner->draws_from(source)) continue;
      lane->route->runner->expect_work();
      lane->wake.ring();
    }
  });
  committing.start("committer", [this](const std::stop_token& stop) { commit(stop); });
  for (auto& source : program->running_sources()) begin(std::move(source));
  start_pollers();
  start_provers();
  for (auto& route : program->running_routes()) begin(std::move(route));
  workers.start("sealer", [this](const std::stop_token& stop) { seal(stop); });
  workers.start("housekeeping", [this](const std::stop_token& stop) { keep_house(stop); });
}

std::shared_ptr<Gatherer> Engine::Impl::begin(std::shared_ptr<RunningSource> source) {
  auto gatherer = std::make_shared<Gatherer>();
  gatherer->source = std::move(source);
  auto proving = std::make_shared<Proving>();
  proving->source = gatherer->source;
  const bool is_proving = options.prove && proving->source->prover != nullptr;
  {
    const std::lock_guard guard(parts_mutex);
    gatherers.push_back(gatherer);
    if (is_proving) provings.push_back(proving);
  }
  schedule.put(gatherer, world.clock.monotonic());
  if (is_proving) proof_schedule.put(proving, world.clock.monotonic());
  return gatherer;
}

void Engine::Impl::start_provers() {
  std::size_t first = 0;
  std::size_t wanted = 0;
  {
    const std::lock_guard guard(parts_mutex);
    first = provers;
    wanted = std::max(provers, std::min(provings.size(), provers_max));
    provers = wanted;
  }
  for (std::size_t i = first; i < wanted; ++i)
    workers.start(fmt::format("prover {}", i), [this](const std::stop_token& stop) { prove(stop); });
}

void Engine::Impl::retire_prover(const RunningSource& source) {
  const std::lock_guard guard(parts_mutex);
  for (const auto& proving : provings) {
    if (proving->source.get() != &source) continue;
    proving->source->prover->fence();
    proof_schedule.retire(*proving);
    proving->interrupt.request_stop();
  }
  std::erase_if(provings, [&](const auto& proving) { return proving->source.get() == &source; });
}

void Engine::Impl::prove(const std::stop_token& stop) {
  while (const std::shared_ptr<Proving> due = proof_schedule.take(stop)) {
    const std::stop_callback pass_on(stop, [&due] { due->interrupt.request_stop(); });
    const std::stop_token interrupt = due->interrupt.get_token();
    Prover& prover = *due->source->prover;
    Step step = prover.step(interrupt);
    if (const std::shared_ptr<Submission> submission = prover.submission(); submission && submission->wait(interrupt))
      step = prover.step(interrupt);
    proof_schedule.put(due, step.at.value_or(world.clock.monotonic()));
  }
}

std::shared_ptr<Lane> Engine::Impl::begin(std::shared_ptr<RunningRoute> route) {
  auto lane = std::make_shared<Lane>();
  lane->route = std::move(route);
  {
    const std::lock_guard guard(parts_mutex);
    lanes.push_back(lane);
  }
  workers.start("lane " + lane->route->plan.name, [this, lane](const std::stop_token& stop) { run_lane(*lane, stop); });
  return lane;
}

// One a source up to pollers_max. One that a reload gave up with its collector is replaced; when it comes back after
// all, there is one more than needed.
void Engine::Impl::start_pollers() {
  std::size_t missing = 0;
  std::size_t first = 0;
  {
    const std::lock_guard guard(parts_mutex);
    const std::size_t wanted = std::min(gatherers.size(), pollers_max) + pollers_lost;
    first = pollers;
    missing = wanted > pollers ? wanted - pollers : 0;
    pollers += missing;
  }
  for (std::size_t i = first; i < first + missing; ++i)
    workers.start(fmt::format("poller {}", i), [this](const std::stop_token& stop) { poll(stop); });
}

std::vector<std::shared_ptr<Lane>> Engine::Impl::lanes_now() const {
  const std::lock_guard guard(parts_mutex);
  return lanes;
}

void Engine::Impl::wake_lane(std::string_view route) {
  for (const auto& lane : lanes_now())
    if (lane->route->plan.name == route) lane->wake.ring();
}

void Engine::Impl::poll(const std::stop_token& stop) {
  while (const std::shared_ptr<Gatherer> due = schedule.take(stop)) {
    const std::stop_callback pass_on(stop, [&due] { due->interrupt.request_stop(); });
    const std::optional<MonotonicTime> next = gather(*due);
    if (next && schedule.put(due, *next)) continue;
    due->has_left = true;
    part_left.ring();
  }
}

std::optional<MonotonicTime> Engine::Impl::gather(Gatherer& gatherer) {
  const std::stop_token stop = gatherer.interrupt.get_token();
  Collector& collector = *gatherer.source->collector;
  Step step = collector.step(stop);
  if (const std::shared_ptr<Submission> submission = collector.submission()) {
    if (!submission->wait(stop)) return std::nullopt;
    step = collector.step(stop);
  }
  return step.at.value_or(world.clock.monotonic());
}

void Engine::Impl::commit(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Step step = program->committer().step();
    if (program->committer().fault()) run_wake.ring();
    const MonotonicTime now = world.clock.monotonic();
    if (step.at && *step.at <= now) continue;
    committer_wake.wait(step.at ? std::optional(*step.at - now) : std::nullopt, stop);
  }
  if (Result<> finished = program->committer().finish(); !finished) log::error(finished.error().text());
}

void Engine::Impl::run_lane(Lane& lane, const std::stop_token& ends) {
  const std::stop_callback pass_on(ends, [&lane] { lane.interrupt.request_stop(); });
  const std::stop_token stop = lane.interrupt.get_token();
  RouteRunner& route = *lane.route->runner;
  while (!stop.stop_requested() && !lane.is_retired && !program->may_begin(lane.route->plan))
    lane.wake.wait(housekeeping_every, stop);
  while (!stop.stop_requested() && !lane.is_retired) {
    const Step step = route.step(stop);
    const MonotonicTime now = world.clock.monotonic();
    if ((step.at && *step.at <= now) || lane.is_retired) continue;
    // Something new that is durable does not shorten a back-off: the step looks at its own time.
    lane.wake.wait(step.at ? std::optional(*step.at - now) : std::nullopt, stop);
  }
  route.close();
  lane.has_left = true;
  part_left.ring();
}

void Engine::Impl::keep_house(const std::stop_token& stop) {
  MonotonicTime trimmed = world.clock.monotonic();
  MonotonicTime logged = trimmed;
  MonotonicTime told = trimmed;
  Wake never;
  while (!stop.stop_requested()) {
    never.wait(housekeeping_every, stop);
    const MonotonicTime now = world.clock.monotonic();
    watch_clock();
    log::flush();
    program->keep_tables();
    const auto waiting = program->committer().waiting_since();
    const bool is_alive = !waiting || now - *waiting < commit_hangs_after;
    if (const auto every = notifier.watchdog_every(); every && is_alive && now - told >= *every - housekeeping_every) {
      notifier.tell("WATCHDOG=1");
      told = now;
    }
    if (now - trimmed >= trim_every) {
      trim_allocator();
      trimmed = now;
    }
    if (options.log_figures && now - logged >= figures_every) {
      figures.write(status());
      logged = now;
    }
  }
  program->close_tables();
}

// A segment is closed every few minutes at most, so it is looked for now and then; between two steps the lanes and the
// committer have the disk.
void Engine::Impl::seal(const std::stop_token& stop) {
  Wake never;
  while (!stop.stop_requested()) never.wait(program->seal() ? seal_pause : seal_every, stop);
}

void Engine::Impl::watch_clock() {
  const Timestamp wall = world.clock.now();
  const MonotonicTime monotonic = world.clock.monotonic();
  const Duration moved = std::chrono::duration_cast<Duration>(wall - std::exchange(wall_seen, wall));
  const Duration passed = std::chrono::duration_cast<Duration>(monotonic - std::exchange(monotonic_seen, monotonic));
  const Duration jump = moved - passed;
  if (std::chrono::abs(jump) < clock_jump_min) return;
  ++clock_jumps;
  log::warning(Error(ErrorCode::clock_jumped,
                     fmt::format("watching the clock: it jumped {} by {}", jump.count() > 0 ? "forward" : "back",
                                 capstan::to_string(Duration(std::chrono::abs(jump)))))
                   .text());
}

Status Engine::Impl::status() const {
  Status status = program->status();
  status.memory = memory_status();
  status.clock_jumps = clock_jumps;
  const std::lock_guard guard(reload_mutex);
  status.reload = reload_status;
  return status;
}

Status Engine::status() const { return impl_->status(); }

Result<> Engine::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto fault = impl_->program->committer().fault()) return *fault;
    impl_->run_wake.wait(std::nullopt, stop);
  }
  return {};
}

Result<> Engine::run_until_caught_up(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (auto fault = impl_->program->committer().fault()) return *fault;
    if (impl_->program->is_settled()) {
      if (auto held = impl_->program->held_by()) return *held;
      return {};
    }
    impl_->run_wake.wait(settled_looked_every, stop);
  }
  return Error(ErrorCode::interrupted, "catching up: stopped before everything was delivered");
}

void Engine::stop() {
  std::call_once(impl_->stop_once, [this] {
    impl_->notifier.tell("STOPPING=1");
    impl_->reload_stop.request_stop();
    impl_->workers.request_stop();
    const std::unique_lock after_reload(impl_->reloading, stop_patience);
    const bool all_came_back = impl_->workers.join(stop_patience) && after_reload.owns_lock();
    if (all_came_back && impl_->options.prove) impl_->program->finish_provers();
    impl_->committing.request_stop();
    const bool is_written = impl_->committing.join(stop_patience);
    if (all_came_back && is_written) {
      log::info("stopped");
      return;
    }
    // A thread that does not come back still uses what is about to be destroyed. What is durable stays so.
    log::error("a component did not come back in time; ending without it");
    std::_Exit(EXIT_FAILURE);
  });
}

}  // namespace capstan::runtime
