#include "reload_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace capstan::runtime {

namespace {

bool same(const std::vector<FeedTraits>& one, const std::vector<FeedTraits>& other) {
  return std::ranges::equal(one, other, [](const FeedTraits& a, const FeedTraits& b) {
    return a.feed == b.feed && a.repetition == b.repetition && a.remember == b.remember;
  });
}

}  // namespace

ReloadChange::ReloadChange(Engine::Impl& engine, Plan plan, const PlanDifference& difference)
    : engine_(engine),
      program_(*engine.program),
      plan_(std::move(plan)),
      difference_(difference),
      outline_(runtime::outline(plan_)) {
  for (const RoutePlan& route : plan_.routes) wanted_from_[route.name] = route.from;
  for (const SourcePlan& source : plan_.sources) tenants_[source.name] = source.tenant;
  for (const auto& source : program_.running_sources())
    if (difference_.of(Kind::source, source->plan.name) != Change::removed)
      numbers_[source->plan.name] = source->number;
}

bool ReloadChange::is_new(Kind kind, std::string_view name) const {
  const Change change = difference_.of(kind, name);
  return change == Change::added || change == Change::changed;
}

bool ReloadChange::is_gone(Kind kind, std::string_view name) const {
  const Change change = difference_.of(kind, name);
  return change == Change::removed || change == Change::changed;
}

Result<> ReloadChange::prepare() {
  TRY(finish_left_behind());
  for (const SourcePlan& source : plan_.sources)
    if (difference_.of(Kind::source, source.name) == Change::added)
      opened_.push_back(TRY(program_.open_journal(source, plan_)));
  return adopt_journals();
}

// Two writers of one journal must not be: one that an earlier reload could not take from the committer goes first.
Result<> ReloadChange::finish_left_behind() {
  while (!engine_.left_behind.empty()) {
    const auto [name, number] = *engine_.left_behind.begin();
    TRY(program_.committer()
            .between_steps([&] { return program_.committer().retire(number); }, journal_patience)
            .during("closing the journal of source " + name));
    engine_.left_behind.erase(name);
  }
  return {};
}

Result<> ReloadChange::adopt_journals() {
  const auto adopt = [this]() -> Result<> {
    for (Program::Opened& opened : opened_) {
      std::string name = opened.source;
      numbers_[std::move(name)] = program_.adopt(std::move(opened));
    }
    for (const auto& [route, sources] : wanted_from_)
      for (const std::string& source : sources)
        if (is_new(Kind::route, route))
          made_[{route, source}] = TRY(program_.committer().first_cursor(numbers_.at(source), route));
    return {};
  };
  return program_.committer().between_steps(adopt, journal_patience);
}

Result<std::vector<std::string>> ReloadChange::commit() {
  for (const TenantPlan& before : program_.tenants())
    for (const TenantPlan& after : plan_.tenants)
      if (before.name == after.name && before.tenant != after.tenant)
        after.tenant->governor().go_on_from(before.tenant->governor());
  retire_parts();
  start_added_sources();
  for (auto route = plan_.routes.begin(); route != plan_.routes.end(); ++route)
    if (is_new(Kind::route, route->name)) waiting_.push_back(std::move(*route));
  start_routes_without_predecessor();
  TRY(wait_for_leaving());
  forget_what_is_gone();
  program_.follow(outline_, plan_.tenants);
  return std::move(given_up_);
}

void ReloadChange::retire_parts() {
  std::vector<std::shared_ptr<Gatherer>> gatherers;
  {
    const std::lock_guard lock(engine_.parts_mutex);
    gatherers = engine_.gatherers;
  }
  for (const auto& gatherer : gatherers)
    if (is_gone(Kind::source, gatherer->source->plan.name)) retire(gatherer);
  for (const auto& lane : engine_.lanes_now())
    if (is_gone(Kind::route, lane->route->plan.name)) retire(lane);
}

void ReloadChange::retire(const std::shared_ptr<Lane>& lane) {
  lane->is_retired = true;
  lane->wake.ring();
  {
    const std::lock_guard lock(engine_.parts_mutex);
    std::erase(engine_.lanes, lane);
  }
  leaving_.push_back({Kind::route, lane->route->plan.name, lane, nullptr});
}

void ReloadChange::retire(const std::shared_ptr<Gatherer>& gatherer) {
  engine_.retire_prover(*gatherer->source);
  if (engine_.schedule.retire(*gatherer)) gatherer->has_left = true;
  {
    const std::lock_guard lock(engine_.parts_mutex);
    std::erase(engine_.gatherers, gatherer);
  }
  leaving_.push_back({Kind::source, gatherer->source->plan.name, nullptr, gatherer});
}

void ReloadChange::start_added_sources() {
  for (SourcePlan& source : plan_.sources) {
    if (difference_.of(Kind::source, source.name) != Change::added) continue;
    const std::size_t number = numbers_.at(source.name);
    auto running = program_.make_source(std::move(source), number);
    program_.put(running);
    engine_.begin(std::move(running));
  }
  engine_.start_pollers();
  engine_.start_provers();
}

// A route begins where its predecessor was, so it waits for that. It waits, too, for one that still has its sink: two
// must not write one file.
bool ReloadChange::waits(const RoutePlan& route) const {
  return std::ranges::any_of(leaving_, [&](const Leaving& part) {
    if (part.kind != Kind::route) return false;
    const RoutePlan& before = part.lane->route->plan;
    return before.name == route.name || before.sink_name == route.sink_name;
  });
}

void ReloadChange::start_routes_without_predecessor() {
  std::vector<RoutePlan> still_waiting;
  for (RoutePlan& route : waiting_) {
    if (waits(route)) {
      still_waiting.push_back(std::move(route));
    } else {
      start(std::move(route));
    }
  }
  waiting_ = std::move(still_waiting);
}

void ReloadChange::start(RoutePlan plan) {
  std::vector<RouteRunner::From> from;
  const auto places = places_.find(plan.name);
  for (const std::string& source : plan.from) {
    store::Cursor cursor = made_.at({plan.name, source});
    if (places != places_.end())
      for (const RouteRunner::From& before : places->second)
        if (before.source == source) cursor = before.cursor;
    from.push_back({source, tenants_.at(source), numbers_.at(source), std::move(cursor)});
  }
  auto running = program_.make_route(std::move(plan), std::move(from));
  program_.put(running);
  engine_.begin(std::move(running));
}

Result<> ReloadChange::wait_for_leaving() {
  const std::stop_token stop = engine_.reload_stop.get_token();
  MonotonicTime until = engine_.world.clock.monotonic() + engine_.options.finish_within;
  bool is_interrupted = false;
  while (true) {
    for (auto part = leaving_.begin(); part != leaving_.end();) {
      if (!part->has_left()) {
        ++part;
        continue;
      }
      const Leaving left = *part;
      part = leaving_.erase(part);
      has_ended(left);
    }
    start_routes_without_predecessor();
    if (leaving_.empty()) return {};
    if (stop.stop_requested()) return Error(ErrorCode::interrupted, "changing the routes: Capstan is stopping");
    const MonotonicTime now = engine_.world.clock.monotonic();
    if (now < until) {
      engine_.part_left.wait(until - now, stop);
    } else if (!std::exchange(is_interrupted, true)) {
      for (const Leaving& part : leaving_) part.interrupt();
      until = now + engine_.options.come_back_within;
    } else {
      for (const Leaving& part : std::exchange(leaving_, {})) give_up(part);
    }
  }
}

void ReloadChange::give_up(const Leaving& part) {
  given_up_.push_back(fmt::format("{} {}", to_string(part.kind), part.name));
  if (part.gatherer) {
    const std::lock_guard lock(engine_.parts_mutex);
    ++engine_.pollers_lost;
  }
  has_ended(part);
}

void ReloadChange::has_ended(const Leaving& part) {
  if (part.kind == Kind::route) {
    places_[part.name] = part.lane->route->runner->fence();
    if (difference_.of(Kind::route, part.name) == Change::removed) program_.remove_route(part.name);
    return;
  }
  part.gatherer->source->collector->fence();
  if (difference_.of(Kind::source, part.name) == Change::changed) return start_successor(*part.gatherer->source);
  removed_.emplace_back(part.name, part.gatherer->source->number);
  program_.remove_source(part.name);
}

// Its predecessor's last submission is durable before it looks where the journal is. Where the disk does not answer it
// begins a page earlier: what comes twice is known by its id.
void ReloadChange::start_successor(const RunningSource& before) {
  const auto plan = std::ranges::find(plan_.sources, before.plan.name, &SourcePlan::name);
  std::vector<FeedTraits> traits = plan->source->feeds();
  const bool is_same = same(before.plan.source->feeds(), traits);
  const auto change = [&]() -> Result<> {
    if (is_same) return {};
    return program_.committer().change_feeds(before.number, std::move(traits), [&](const store::Journal& journal) {
      return program_.open_index(*plan, journal);
    });
  };
  if (Result<> changed = program_.committer().between_steps(change, journal_patience); !changed)
    log::error(std::move(changed).during("changing source " + before.plan.name).error().text());
  auto running = program_.make_source(std::move(*plan), before.number);
  program_.put(running);
  engine_.begin(std::move(running));
  engine_.start_pollers();
  engine_.start_provers();
}

// Last, when nobody acknowledges there any more. A cursor that nobody moves would hold back retention for ever.
void ReloadChange::forget_what_is_gone() {
  const auto forget = [this]() -> Result<> {
    for (const auto& [route, places] : places_)
      for (const RouteRunner::From& place : places) {
        const auto wanted = wanted_from_.find(route);
        if (wanted != wanted_from_.end() && std::ranges::find(wanted->second, place.source) != wanted->second.end())
          continue;
        TRY(program_.committer().forget_cursor(place.number, route).during("forgetting the cursor of route " + route));
      }
    while (!removed_.empty()) {
      const auto [name, number] = removed_.back();
      removed_.pop_back();
      TRY(program_.committer().retire(number).during("closing the journal of source " + name));
    }
    return {};
  };
  const Result<> forgotten = program_.committer().between_steps(forget, journal_patience);
  if (!forgotten) log::warning(Error(forgotten.error()).during("reloading").text());
  engine_.left_behind.insert(removed_.begin(), removed_.end());
}

}  // namespace capstan::runtime
