#include "runtime/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "runtime/engine.h"

namespace capstan::runtime {

std::string journal_directory(const std::string& data_dir, std::string_view source) {
  return fmt::format("{}/sources/{}/journal", data_dir, source);
}

std::string index_directory(const std::string& data_dir, std::string_view source) {
  return fmt::format("{}/sources/{}/index", data_dir, source);
}

Program::Program(Plan plan, World& world)
    : plan_(std::move(plan)), world_(world), started_(world.clock.monotonic()), started_wall_(world.clock.now()) {}

Result<std::unique_ptr<Program>> Program::open(Plan plan, World& world, DeadLetterBox& dead_letters,
                                               std::uint64_t seed) {
  std::unique_ptr<Program> program(new Program(std::move(plan), world));
  program->committer_ = std::make_unique<Committer>(world.clock, Committer::Options{});
  for (SourcePlan& source : program->plan_.sources) TRY(program->open_source(source, seed++));
  for (RoutePlan& route : program->plan_.routes) TRY(program->open_route(route, dead_letters, seed++));
  return program;
}

Result<> Program::open_source(SourcePlan& source, std::uint64_t seed) {
  const std::string journal_at = journal_directory(plan_.data_dir, source.name);
  const std::string index_at = index_directory(plan_.data_dir, source.name);
  auto journal = TRY(store::Journal::open(world_.files, world_.clock, journal_at, plan_.journal)
                         .during("opening the journal of source " + source.name));
  for (const store::Cursor& cursor : journal->cursors()) {
    const auto is_drawn_by = [&](const RoutePlan& route) {
      return route.name == cursor.route && std::ranges::find(route.from, source.name) != route.from.end();
    };
    if (std::ranges::any_of(plan_.routes, is_drawn_by)) continue;
    log::warning("a route is not configured any more; its place in the journal is forgotten",
                 {{"route", cursor.route}, {"source", source.name}, {"position", store::to_string(cursor.position)}});
    TRY(journal->forget_cursor(cursor.route).during("forgetting the cursor of route " + cursor.route));
  }
  auto index = TRY(store::IdIndex::open(world_.files, index_at, source.source->feeds(), *journal)
                       .during("opening the id index of source " + source.name));
  const std::size_t number = committer_->add(source.name, std::move(journal), std::move(index), source.source->feeds());
  Collector::Options options;
  options.name = source.name;
  options.kind = source.kind;
  options.tenant = source.tenant;
  options.seed = seed;
  collectors_.push_back(
      std::make_unique<Collector>(std::move(options), *source.source, *committer_, number, world_.clock));
  return {};
}

Result<> Program::open_route(RoutePlan& route, DeadLetterBox& dead_letters, std::uint64_t seed) {
  std::vector<RouteRunner::From> from;
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    const SourcePlan& source = plan_.sources[i];
    if (std::ranges::find(route.from, source.name) == route.from.end()) continue;
    store::Cursor cursor =
        TRY(committer_->first_cursor(i, route.name).during("finding the cursor of route " + route.name));
    from.push_back({source.name, source.tenant, i, std::move(cursor)});
  }
  routes_.push_back(
      std::make_unique<RouteRunner>(route, std::move(from), *committer_, dead_letters, world_.clock, seed));
  return {};
}

bool Program::is_settled() const {
  for (const auto& collector : collectors_)
    if (!collector->is_drained() && !collector->is_held()) return false;
  if (committer_->has_submissions()) return false;
  return std::ranges::all_of(routes_,
                             [](const auto& route) { return route->is_caught_up() || route->held_by().has_value(); });
}

std::optional<Error> Program::held_by() const {
  for (const auto& collector : collectors_)
    if (auto error = collector->held_by()) return error;
  for (const auto& route : routes_)
    if (auto error = route->held_by()) return error;
  return std::nullopt;
}

Status Program::status() const {
  Status status;
  status.now = world_.clock.now();
  status.started = started_wall_;
  status.uptime = std::chrono::duration_cast<Duration>(world_.clock.monotonic() - started_);
  status.data_dir = plan_.data_dir;
  for (const auto& collector : collectors_) status.sources.push_back(collector->status());
  for (const auto& route : routes_) status.routes.push_back(route->status());
  for (const TenantPlan& tenant : plan_.tenants) {
    const net::Governor& governor = tenant.tenant->governor();
    status.tenants.push_back({tenant.name, governor.requests_per_minute(), governor.recent(), governor.pauses()});
  }
  find_stalled(status);
  return status;
}

}  // namespace capstan::runtime
