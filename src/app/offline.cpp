#include "offline.h"

#include <algorithm>

#include "runtime/prover.h"
#include "runtime/route_cursor.h"
#include "runtime/table_keeper.h"
#include "store/dead_letters.h"

namespace capstan::app {

namespace {

// Dead letters that are looked through; a route with more of them has another problem.
constexpr std::size_t dead_letters_max = 100'000;

// A source that is asked for windows only.
class StillSource final : public Source {
public:
  explicit StillSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  Result<Poll> poll(const Checkpoint& from, const Call&) override {
    Poll nothing;
    nothing.next = from;
    nothing.is_drained = true;
    nothing.wait = std::chrono::hours(24);
    return nothing;
  }
  std::vector<FeedTraits> feeds() const override { return source_->feeds(); }
  std::optional<Checkpoint> window(const Window& window) const override { return source_->window(window); }
  std::vector<FeedReport> probe(const Call& call) override { return source_->probe(call); }

private:
  std::unique_ptr<Source> source_;
};

// A sink that takes nothing, so that its route's cursor stays where it is.
class StillSink final : public Sink {
public:
  explicit StillSink(Proof proof) : proof_(proof) {}
  Result<> resume(std::string_view) override { return {}; }
  Result<Delivery> deliver(const Payload&, const Call&) override {
    return Error(ErrorCode::interrupted, "delivering: routes stand still while the journal is looked at")
        .asking_for(std::chrono::hours(24));
  }
  Proof proof() const override { return proof_; }
  Result<> probe(const Call&) override { return {}; }
  // Nothing was sent, so nothing counts as sent again.
  std::size_t may_have_arrived() const override { return 0; }
  void close() override {}

private:
  Proof proof_;
};

const store::Journal* journal_of(const std::vector<JournalOfSource>& journals, std::string_view source) {
  const auto found = std::ranges::find(journals, source, &JournalOfSource::source);
  return found == journals.end() ? nullptr : found->journal.get();
}

// The route's cursor in this journal; at the oldest record where it has none yet.
store::Cursor cursor_of(const store::Journal& journal, const std::string& route) {
  for (store::Cursor& cursor : journal.cursors())
    if (cursor.route == route) return cursor;
  store::Cursor fresh;
  fresh.route = route;
  const store::JournalReport report = journal.report();
  fresh.position = report.first;
  fresh.number = fresh.began_at = fresh.attempted_to = report.first_number;
  return fresh;
}

bool draws_from(const runtime::RoutePlan& route, const std::string& source) {
  return std::ranges::find(route.from, source) != route.from.end();
}

Result<std::vector<runtime::ExplainedDeadLetter>> letters_of(store::DeadLetters& letters, const std::string& source,
                                                             std::string_view id) {
  std::vector<runtime::ExplainedDeadLetter> found;
  for (const store::DeadLetter& letter : TRY(letters.list("", dead_letters_max)))
    if (letter.id == id && letter.source == source)
      found.push_back({letter.route, letter.position, Error(letter.code, letter.sentence).text()});
  return found;
}

// What the ledgers tell.
void add_proofs(Session& session, const runtime::Plan& plan, runtime::Status& status) {
  if (!plan.proof.enabled) return;
  for (runtime::SourceStatus& source : status.sources) {
    const auto ledger = store::read_proof_ledger(session.files, runtime::ledger_path(plan.data_dir, source.name));
    if (!ledger) continue;
    source.proof = runtime::proof_status(*ledger, plan.proof);
    for (runtime::RouteStatus& route : status.routes)
      for (runtime::RouteCursor& cursor : route.cursors)
        if (cursor.source == source.name)
          cursor.proof = runtime::route_proof(*ledger, source.proof, route.feeds, cursor.cursor.position);
  }
}

runtime::RouteStatus route_status(const runtime::RoutePlan& route, const std::vector<JournalOfSource>& journals) {
  runtime::RouteStatus status;
  status.name = route.name;
  status.sink = route.sink_name;
  status.sink_kind = route.sink_kind;
  status.proof = route.sink->proof();
  status.feeds = route.feeds;
  status.state = runtime::RouteState::stopped;
  for (const std::string& source : route.from) {
    const store::Journal* journal = journal_of(journals, source);
    if (journal == nullptr) continue;
    runtime::add_cursor(status, runtime::where_it_stands(source, *journal, cursor_of(*journal, route.name), {}, 0));
  }
  return status;
}

}  // namespace

std::vector<std::string> source_names(const runtime::Plan& plan) {
  std::vector<std::string> names;
  for (const runtime::SourcePlan& source : plan.sources) names.push_back(source.name);
  return names;
}

Result<std::vector<JournalOfSource>> open_journals(Session& session, const std::string& data_dir,
                                                   const std::vector<std::string>& sources) {
  std::vector<JournalOfSource> journals;
  for (const std::string& source : sources) {
    const std::string directory = runtime::journal_directory(data_dir, source);
    if (!TRY(session.files.exists(directory))) continue;
    journals.push_back({source, TRY(store::Journal::open_read_only(session.files, session.clock, directory)
                                        .during("opening the journal of " + source))});
  }
  return journals;
}

void fill_tables(Session& session, const runtime::Plan& plan, const std::vector<JournalOfSource>& journals) {
  std::vector<runtime::TableKeeper::JournalOfSource> known;
  for (const auto& [source, journal] : journals) {
    const auto planned = std::ranges::find(plan.sources, source, &runtime::SourcePlan::name);
    if (planned != plan.sources.end()) known.push_back({source, planned->tenant, journal});
  }
  runtime::TableKeeper::fill_once(plan.routes, plan.data_dir, session.files, session.clock, known);
}

Result<std::vector<runtime::ExplainSource>> explain_sources(Session& session, const runtime::Plan& plan,
                                                            const std::vector<JournalOfSource>& journals) {
  const std::string database = plan.data_dir + "/state.db";
  std::shared_ptr<store::DeadLetters> letters;
  if (TRY(session.files.exists(database))) letters = TRY(store::DeadLetters::open(database));
  std::vector<runtime::ExplainSource> sources;
  for (const runtime::SourcePlan& planned : plan.sources) {
    runtime::ExplainSource source;
    source.name = planned.name;
    source.tenant = planned.tenant;
    source.journal = journal_of(journals, planned.name);
    if (source.journal == nullptr) continue;
    source.receipts =
        TRY(store::Receipts::open(session.files, runtime::journal_directory(plan.data_dir, planned.name)));
    for (const runtime::RoutePlan& route : plan.routes)
      if (draws_from(route, planned.name))
        source.routes.push_back({route.name,
                                 route.sink_name,
                                 cursor_of(*source.journal, route.name),
                                 route.feeds,
                                 {},
                                 route.sink->proof()});
    if (letters)
      source.dead_letters = [letters, name = planned.name](std::string_view id) {
        return letters_of(*letters, name, id);
      };
    sources.push_back(std::move(source));
  }
  return sources;
}

runtime::Status status_of(Session& session, const runtime::Plan& plan, const std::vector<JournalOfSource>& journals) {
  runtime::Status status;
  status.now = session.clock.now();
  status.data_dir = plan.data_dir;
  for (const runtime::SourcePlan& planned : plan.sources) {
    runtime::SourceStatus source;
    source.name = planned.name;
    source.kind = planned.kind;
    source.tenant = planned.tenant;
    if (const store::Journal* journal = journal_of(journals, planned.name)) source.journal = journal->report();
    for (const FeedTraits& traits : planned.source->feeds()) {
      runtime::FeedStatus feed;
      feed.name = traits.feed;
      source.feeds.push_back(std::move(feed));
    }
    status.sources.push_back(std::move(source));
  }
  for (const runtime::RoutePlan& route : plan.routes) status.routes.push_back(route_status(route, journals));
  add_proofs(session, plan, status);
  return status;
}

Result<std::unique_ptr<runtime::Engine>> start_still_engine(Session& session, runtime::Plan plan) {
  for (runtime::SourcePlan& source : plan.sources)
    source.source = std::make_unique<StillSource>(std::move(source.source));
  for (runtime::RoutePlan& route : plan.routes) route.sink = std::make_unique<StillSink>(route.sink->proof());
  runtime::Engine::Options options;
  options.notify_systemd = false;
  options.log_figures = false;
  options.prove = false;
  return runtime::Engine::start(std::move(plan), session.world(), options);
}

}  // namespace capstan::app
