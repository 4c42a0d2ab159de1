// What the running engine answers: replay, verify, explain.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "engine_impl.h"
#include "evidence.h"
#include "repeats.h"

namespace capstan::runtime {

namespace {

// Dead letters that are looked through; a route with more of them has another problem.
constexpr std::size_t dead_letters_max = 100'000;
constexpr Bytes counted_at_once = 1_MiB;

// How many records lie in [from, to).
Result<std::uint64_t> count_records(const store::Journal& journal, store::Position from, store::Position to) {
  std::uint64_t count = 0;
  while (from < to) {
    const store::Slice slice = TRY(journal.read(from, counted_at_once));
    for (const auto& item : slice.items) count += item.position < to ? 1U : 0U;
    if (slice.end <= from) break;
    from = slice.end;
  }
  return count;
}

}  // namespace

Result<Replay> Engine::replay(std::string_view name, Timestamp since, std::optional<Timestamp> until) {
  const auto routes = impl_->program->routes();
  const auto found = std::ranges::find_if(routes, [&](const auto& route) { return route->name() == name; });
  if (found == routes.end()) {
    std::vector<std::string_view> names;
    for (const auto& route : routes) names.push_back(route->name());
    const std::string_view near = nearest(name, names);
    return Error(ErrorCode::not_found, fmt::format("replaying: there is no route \"{}\"{}", name,
                                                   near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  Replay replay{std::string(name), 0, {}};
  std::vector<RouteRunner::Rewind> rewinds;
  const RouteStatus status = (*found)->status();
  const auto sources = impl_->program->running_sources();
  for (std::size_t i = 0; i < status.cursors.size(); ++i) {
    const RouteCursor& cursor = status.cursors[i];
    const auto source = std::ranges::find_if(sources, [&](const auto& one) { return one->plan.name == cursor.source; });
    if (source == sources.end()) continue;  // it is being taken out
    const store::Journal& journal = *(*source)->journal;
    RouteRunner::Rewind rewind;
    rewind.from = i;
    rewind.since = std::max(TRY(journal.position_at(since)), journal.report().first);
    if (until) rewind.until = TRY(journal.position_at(*until));
    const store::Position end = std::min(cursor.cursor.position, rewind.until.value_or(cursor.cursor.position));
    if (rewind.since >= end) continue;
    replay.records += TRY(count_records(journal, rewind.since, end));
    replay.sources.push_back(cursor.source);
    rewinds.push_back(rewind);
  }
  (*found)->replay(std::move(rewinds));
  impl_->wake_lane(name);
  return replay;
}

std::vector<VerifyRoute> Engine::Impl::verify_routes(const RunningSource& source) {
  std::vector<VerifyRoute> routes;
  for (const auto& route : program->running_routes()) {
    const RouteStatus status = route->runner->status();
    for (const RouteCursor& cursor : status.cursors) {
      if (cursor.source != source.plan.name) continue;
      VerifyRoute shown;
      shown.drops = rule_drops(route->plan, source.plan.tenant, source.plan.name);
      shown.became = source.evidence->became(status.name);
      shown.name = status.name;
      shown.proof = status.proof;
      shown.cursor = cursor.cursor;
      shown.feeds = status.feeds;
      if (const auto letters = dead_letters->list(status.name, dead_letters_max))
        for (const store::DeadLetter& letter : *letters)
          if (letter.source == source.plan.name) shown.dead_letters.push_back(letter.position);
      routes.push_back(std::move(shown));
    }
  }
  return routes;
}

Result<std::vector<VerifySource>> Engine::Impl::verify_sources(
    const std::vector<std::shared_ptr<RunningSource>>& running, std::vector<std::unique_ptr<Source>>& instances,
    const std::stop_token& stop) {
  std::vector<VerifySource> sources;
  for (const auto& one : running) {
    const SourcePlan& plan = one->plan;
    instances.push_back(plan.make_another());
    if (instances.back() == nullptr)
      return Error(ErrorCode::internal, fmt::format("verifying: source {} could not be made a second time", plan.name));
    VerifySource source;
    source.name = plan.name;
    source.tenant = plan.tenant;
    source.source = instances.back().get();
    source.journal = one->journal.get();
    source.routes = verify_routes(*one);
    for (const FeedTraits& traits : plan.source->feeds())
      if (const auto since = instances.back()->collected_since(one->journal->checkpoint(), traits.feed))
        source.begins[traits.feed] = *since;
    const auto ledger = one->prover ? one->prover->ledger() : std::make_shared<const store::ProofLedger>();
    source.removed = [evidence = one->evidence, ledger](std::string_view feed, Timestamp from, Timestamp to,
                                                        Duration clock_is_ahead, const auto& see) {
      return evidence->removed(*ledger, feed, from, to, clock_is_ahead, see);
    };
    source.damaged = [evidence = one->evidence](const auto& see) { return evidence->damaged(see); };
    source.before_append = [this, one](const Batch& batch) { expect_repeats(*program, *one, batch); };
    source.append = [this, number = one->number, stop](const Batch& batch,
                                                       store::Position compared_to) -> Result<VerifyAppended> {
      const auto submission = program->committer().repair(number, batch, compared_to);
      if (!submission->wait(stop)) return Error(ErrorCode::interrupted, "repairing: stopped");
      const Committed committed = TRY(submission->take());
      VerifyAppended appended;
      for (const FeedCount& count : committed.feeds) {
        appended.appended += count.tally.kept;
        appended.known += count.tally.dropped;
      }
      return appended;
    };
    source.service_time = one->collector->service_time();
    const SourceStatus status = one->collector->status();
    for (const FeedStatus& feed : status.feeds)
      if (status.is_held || feed.is_held) source.held[feed.name] = status.is_held ? status.error : feed.error;
    sources.push_back(std::move(source));
  }
  return sources;
}

void Engine::Impl::wait(Duration span, const std::stop_token& stop) const {
  Wake never;
  never.wait(span, stop);
}

Result<VerifyReport> Engine::verify(const VerifyOptions& options, const std::stop_token& stop,
                                    std::function<void(const std::string&)> progress) {
  // Held until the end: a reload meanwhile may take a source out.
  const auto running = impl_->program->running_sources();
  std::vector<std::unique_ptr<Source>> instances;
  VerifyWorld verify_world;
  verify_world.clock = &impl_->world.clock;
  verify_world.wait = [this](Duration span, const std::stop_token& waiting) {
    impl_->wait(span, waiting);
    return !waiting.stop_requested();
  };
  verify_world.stop = stop;
  verify_world.progress = std::move(progress);
  return runtime::verify(options, TRY(impl_->verify_sources(running, instances, stop)), verify_world);
}

std::vector<ExplainRoute> Engine::Impl::explain_routes(std::string_view source) const {
  std::vector<ExplainRoute> routes;
  for (const auto& route : program->routes()) {
    const RouteStatus status = route->status();
    for (const RouteCursor& cursor : status.cursors)
      if (cursor.source == source)
        routes.push_back({status.name, status.sink, cursor.cursor, status.feeds, {}, status.proof});
  }
  return routes;
}

Result<EventLife> Engine::explain(const std::string& id, const std::stop_token& stop) {
  std::vector<ExplainSource> sources;
  const auto running = impl_->program->running_sources();  // held until the end
  for (const auto& one : running) {
    const SourcePlan& plan = one->plan;
    ExplainSource source;
    source.name = plan.name;
    source.tenant = plan.tenant;
    source.journal = one->journal.get();
    source.routes = impl_->explain_routes(plan.name);
    source.receipts =
        TRY(store::Receipts::open(impl_->world.files, journal_directory(impl_->program->data_dir(), plan.name)));
    source.dead_letters = [this,
                           name = plan.name](std::string_view wanted) -> Result<std::vector<ExplainedDeadLetter>> {
      std::vector<ExplainedDeadLetter> found;
      for (const store::DeadLetter& letter : TRY(impl_->dead_letters->list("", dead_letters_max)))
        if (letter.id == wanted && letter.source == name)
          found.push_back({letter.route, letter.position, Error(letter.code, letter.sentence).text()});
      return found;
    };
    sources.push_back(std::move(source));
  }
  return runtime::explain(id, sources, stop);
}

}  // namespace capstan::runtime
