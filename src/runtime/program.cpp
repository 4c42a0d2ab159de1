#include "runtime/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "evidence.h"
#include "kql/subnets.h"
#include "repeats.h"
#include "runtime/engine.h"

namespace capstan::runtime {

std::string journal_directory(const std::string& data_dir, std::string_view source) {
  return fmt::format("{}/sources/{}/journal", data_dir, source);
}

std::string index_directory(const std::string& data_dir, std::string_view source) {
  return fmt::format("{}/sources/{}/index", data_dir, source);
}

namespace {

// Where a list shows the parts of a plan: those that it does not have come last.
std::size_t place_in(const std::vector<PlanOutline::Part>& parts, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(parts, name, &PlanOutline::Part::name) - parts.begin());
}

template <class Part>
void put_in(std::vector<std::shared_ptr<Part>>& parts, std::shared_ptr<Part> part) {
  for (auto& one : parts)
    if (one->plan.name == part->plan.name) return one.swap(part);
  parts.push_back(std::move(part));
}

template <class Part>
void sort_as(const std::vector<PlanOutline::Part>& order, std::vector<std::shared_ptr<Part>>& parts) {
  std::ranges::stable_sort(parts, {}, [&](const auto& part) { return place_in(order, part->plan.name); });
}

bool draws_from(const RoutePlan& route, std::string_view source) {
  return std::ranges::find(route.from, source) != route.from.end();
}

}  // namespace

Program::Program(const Plan& plan, World& world, DeadLetterBox& dead_letters, std::uint64_t seed)
    : world_(world),
      dead_letters_(dead_letters),
      data_dir_(plan.data_dir),
      journal_(plan.journal),
      proof_(plan.proof),
      started_(world.clock.monotonic()),
      started_wall_(world.clock.now()),
      committer_(std::make_unique<Committer>(world.clock, Committer::Options{})),
      seed_(seed),
      tenants_(plan.tenants),
      outline_(runtime::outline(plan)) {}

Result<std::unique_ptr<Program>> Program::open(Plan plan, World& world, DeadLetterBox& dead_letters,
                                               std::uint64_t seed) {
  std::unique_ptr<Program> program(new Program(plan, world, dead_letters, seed));
  for (SourcePlan& source : plan.sources) {
    const std::size_t number = program->adopt(TRY(program->open_journal(source, plan)));
    program->put(program->make_source(std::move(source), number));
  }
  for (RoutePlan& route : plan.routes) {
    std::vector<RouteRunner::From> from;
    for (const auto& source : program->sources_) {
      if (!draws_from(route, source->plan.name)) continue;
      store::Cursor cursor = TRY(program->committer_->first_cursor(source->number, route.name)
                                     .during("finding the cursor of route " + route.name));
      from.push_back({source->plan.name, source->plan.tenant, source->number, std::move(cursor)});
    }
    program->put(program->make_route(std::move(route), std::move(from)));
  }
  // Before a route reads its first record it finds the ranges that are known.
  program->tables_ = TableKeeper::open(program->data_dir_, world.files, world.clock, program->tables_in_use(),
                                       program->journals(), TableKeeper::Writes::yes);
  return program;
}

TablesInUse Program::tables_in_use() const {
  TablesInUse all;
  for (const auto& route : running_routes()) all.add(route->plan.tables);
  return all;
}

std::vector<TableKeeper::JournalOfSource> Program::journals() const {
  std::vector<TableKeeper::JournalOfSource> journals;
  for (const auto& source : running_sources())
    journals.push_back({source->plan.name, source->plan.tenant, source->journal});
  return journals;
}

void Program::keep_tables() {
  for (const auto& source : running_sources()) {
    if (!tables_->waits_for(source->plan.name)) continue;
    for (const FeedStatus& feed : source->collector->status().feeds)
      if (feed.name == kql::subnets_feed && (feed.code || (feed.is_drained && !committer_->has_submissions())))
        tables_->note_read(source->plan.name);
  }
  tables_->step(tables_in_use(), journals());
}

bool Program::seal() {
  bool has_more = false;
  for (const auto& source : running_sources()) {
    const Result<bool> sealed = source->journal->seal_next();
    if (!sealed)
      log::repeating("seal " + source->plan.name,
                     Error(sealed.error()).during("sealing the journal of " + source->plan.name));
    has_more = has_more || sealed.value_or(false);
  }
  return has_more;
}

Result<Program::Opened> Program::open_journal(const SourcePlan& source, const Plan& plan) const {
  auto journal =
      TRY(store::Journal::open(world_.files, world_.clock, journal_directory(data_dir_, source.name), journal_)
              .during("opening the journal of source " + source.name));
  for (const store::Cursor& cursor : journal->cursors()) {
    const auto is_drawn_by = [&](const RoutePlan& route) {
      return route.name == cursor.route && draws_from(route, source.name);
    };
    if (std::ranges::any_of(plan.routes, is_drawn_by)) continue;
    log::warning("a route is not configured any more; its place in the journal is forgotten",
                 {{"route", cursor.route}, {"source", source.name}, {"position", store::to_string(cursor.position)}});
    TRY(journal->forget_cursor(cursor.route).during("forgetting the cursor of route " + cursor.route));
  }
  auto index = TRY(open_index(source, *journal));
  return Opened{source.name, std::move(journal), std::move(index), source.source->feeds()};
}

Result<std::unique_ptr<store::IdIndex>> Program::open_index(const SourcePlan& source,
                                                            const store::Journal& journal) const {
  return store::IdIndex::open(world_.files, index_directory(data_dir_, source.name), source.source->feeds(), journal)
      .during("opening the id index of source " + source.name);
}

std::size_t Program::adopt(Opened opened) {
  return committer_->add(std::move(opened.source), std::move(opened.journal), std::move(opened.index),
                         std::move(opened.traits));
}

std::shared_ptr<RunningSource> Program::make_source(SourcePlan plan, std::size_t number) {
  auto source = std::make_shared<RunningSource>();
  source->plan = std::move(plan);
  source->number = number;
  source->journal = committer_->journal(number);
  source->evidence =
      std::make_shared<const Evidence>(world_.files, journal_directory(data_dir_, source->plan.name), *source->journal);
  Collector::Options options;
  options.name = source->plan.name;
  options.kind = source->plan.kind;
  options.tenant = source->plan.tenant;
  {
    const std::lock_guard lock(mutex_);
    options.seed = seed_++;
  }
  source->collector =
      std::make_unique<Collector>(std::move(options), *source->plan.source, *committer_, number, world_.clock);
  if (proof_.enabled) give_prover(*source);
  return source;
}

void Program::give_prover(RunningSource& source) {
  source.proof_source = source.plan.make_another ? source.plan.make_another() : nullptr;
  if (!source.proof_source) return;
  Prover::Options options;
  options.name = source.plan.name;
  options.ledger = ledger_path(data_dir_, source.plan.name);
  options.proof = proof_;
  Prover::Surroundings surroundings;
  surroundings.service_time = [collector = source.collector.get()] { return collector->service_time(); };
  surroundings.seals = [evidence = source.evidence] { return evidence->seals(); };
  surroundings.before_repair = [this, &source](const Batch& batch) { expect_repeats(*this, source, batch); };
  surroundings.lost_to_damage = [this, name = source.plan.name] { return lost_to_damage(name); };
  source.prover = std::make_unique<Prover>(std::move(options), *source.proof_source, *committer_, source.number,
                                           world_.files, world_.clock, std::move(surroundings));
}

// Of the route that lost most.
std::uint64_t Program::lost_to_damage(std::string_view source) const {
  std::uint64_t most = 0;
  for (const auto& route : routes())
    for (const RouteCursor& cursor : route->status().cursors)
      if (cursor.source == source) most = std::max(most, cursor.cursor.lost_to_damage);
  return most;
}

void Program::finish_provers() {
  for (const auto& source : running_sources())
    if (source->prover)
      if (Result<> finished = source->prover->finish(); !finished) log::error(finished.error().text());
}

std::shared_ptr<RunningRoute> Program::make_route(RoutePlan plan, std::vector<RouteRunner::From> from) {
  auto route = std::make_shared<RunningRoute>();
  route->plan = std::move(plan);
  std::uint64_t seed = 0;
  {
    const std::lock_guard lock(mutex_);
    seed = seed_++;
  }
  route->runner =
      std::make_unique<RouteRunner>(route->plan, std::move(from), *committer_, dead_letters_, world_.clock, seed);
  return route;
}

void Program::put(std::shared_ptr<RunningSource> source) {
  const std::lock_guard lock(mutex_);
  put_in(sources_, std::move(source));
}

void Program::put(std::shared_ptr<RunningRoute> route) {
  const std::lock_guard lock(mutex_);
  put_in(routes_, std::move(route));
}

void Program::remove_source(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sources_, [&](const auto& source) { return source->plan.name == name; });
}

void Program::remove_route(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::erase_if(routes_, [&](const auto& route) { return route->plan.name == name; });
}

void Program::follow(PlanOutline outline, std::vector<TenantPlan> tenants) {
  const std::lock_guard lock(mutex_);
  outline_ = std::move(outline);
  tenants_ = std::move(tenants);
  sort_as(outline_.sources, sources_);
  sort_as(outline_.routes, routes_);
}

std::vector<std::shared_ptr<RunningSource>> Program::running_sources() const {
  const std::lock_guard lock(mutex_);
  return sources_;
}

std::vector<std::shared_ptr<RunningRoute>> Program::running_routes() const {
  const std::lock_guard lock(mutex_);
  return routes_;
}

std::vector<std::shared_ptr<Collector>> Program::collectors() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Collector>> collectors;
  for (const auto& source : sources_) collectors.emplace_back(source, source->collector.get());
  return collectors;
}

std::vector<std::shared_ptr<RouteRunner>> Program::routes() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<RouteRunner>> routes;
  for (const auto& route : routes_) routes.emplace_back(route, route->runner.get());
  return routes;
}

std::vector<TenantPlan> Program::tenants() const {
  const std::lock_guard lock(mutex_);
  return tenants_;
}

PlanOutline Program::outline() const {
  const std::lock_guard lock(mutex_);
  return outline_;
}

bool Program::is_settled() const {
  for (const auto& collector : collectors())
    if (!collector->is_drained() && !collector->is_held()) return false;
  if (committer_->has_submissions()) return false;
  for (const auto& source : running_sources())
    if (source->prover && source->prover->is_healing()) return false;
  return std::ranges::all_of(routes(),
                             [](const auto& route) { return route->is_caught_up() || route->held_by().has_value(); });
}

std::optional<Error> Program::held_by() const {
  for (const auto& collector : collectors())
    if (auto error = collector->held_by()) return error;
  for (const auto& route : routes())
    if (auto error = route->held_by()) return error;
  return std::nullopt;
}

void Program::add_proofs(Status& status, const std::vector<std::shared_ptr<RunningSource>>& sources) const {
  for (const auto& source : sources) {
    if (!source->prover) continue;
    const ProofStatus proof = source->prover->status();
    const auto ledger = source->prover->ledger();
    for (RouteStatus& route : status.routes)
      for (RouteCursor& cursor : route.cursors)
        if (cursor.source == source->plan.name)
          cursor.proof = route_proof(*ledger, proof, route.feeds, cursor.cursor.position);
    for (SourceStatus& shown : status.sources)
      if (shown.name == source->plan.name) shown.proof = proof;
  }
}

Status Program::status() const {
  Status status;
  status.now = world_.clock.now();
  status.started = started_wall_;
  status.uptime = std::chrono::duration_cast<Duration>(world_.clock.monotonic() - started_);
  status.data_dir = data_dir_;
  const auto at_work = collectors();
  const auto delivering = routes();
  for (const auto& collector : at_work) status.sources.push_back(collector->status());
  for (const auto& route : delivering) status.routes.push_back(route->status());
  for (const TenantPlan& tenant : tenants()) {
    const net::Governor& governor = tenant.tenant->governor();
    status.tenants.push_back({tenant.name, governor.requests_per_minute(), governor.recent(), governor.pauses()});
  }
  add_proofs(status, running_sources());
  status.tables = tables_->status();
  find_stalled(status, at_work, delivering);
  return status;
}

}  // namespace capstan::runtime
