// The source: chooses what to ask next, asks, and turns what came into a batch and a checkpoint.
//
//   choose a job ─► permit ─► question ─► page ─► records ─► walk advances ─► checkpoint
//                                  └─ error ─► held, tried again, asked in another form, or narrowed down
#include "sources/mdca.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "mdca_feed.h"
#include "mdca_health.h"
#include "mdca_lateness.h"
#include "mdca_page.h"
#include "mdca_records.h"
#include "mdca_server_clock.h"

namespace capstan::mdca {

namespace {

constexpr std::int64_t page_bytes_target = 8 << 20;
constexpr std::int64_t record_bytes_at_start = 3 << 10;
// Of times ahead of the service's own: clocks of its machines differ by less.
constexpr std::int64_t future_max = 3'600'000;

bool blames_window(ErrorCode code) {
  return code == ErrorCode::service_unavailable || code == ErrorCode::timed_out || code == ErrorCode::unexpected_answer;
}

std::string span_of(const Piece& piece) {
  if (piece.at) return to_iso8601(from_epoch_ms(*piece.at));
  return fmt::format("{} to {}", piece.from ? to_iso8601(from_epoch_ms(*piece.from)) : "the beginning",
                     piece.to ? to_iso8601(from_epoch_ms(*piece.to)) : "now");
}

// Nothing is left to halve: what fails now is passed over, so it has to fail more than once.
bool is_narrow(const Walk& walk) {
  if (walk.pieces.empty()) return false;
  const Piece& piece = walk.pieces.front();
  return piece.reading == Reading::singles || (piece.from && piece.from == piece.to);
}

void append(std::string& note, const std::string& more) {
  if (more.empty()) return;
  if (!note.empty()) note += "; ";
  note += more;
}

class Mdca final : public Source {
public:
  Mdca(Options options, const std::map<std::string, std::string>& filters, std::shared_ptr<net::Tenant> tenant,
       const Clock& clock)
      : options_(std::move(options)),
        tenant_(std::move(tenant)),
        clock_(clock),
        server_(clock),
        health_(clock, tenant_->name()) {
    std::set<std::string> made;
    for (const auto& name : options_.feeds) {
      if (!made.insert(name).second) continue;
      const auto own = filters.find(name);
      feeds_.push_back(make_feed(name, options_, own == filters.end() ? std::string() : own->second));
    }
    for (const auto& feed : feeds_)
      for (auto& job : feed->jobs()) order_.push_back({feed.get(), std::move(job)});
    std::stable_sort(order_.begin(), order_.end(),
                     [](const Turn& a, const Turn& b) { return a.job.urgency < b.job.urgency; });
  }

  Result<Poll> poll(const Checkpoint& from, const Call& call) override;
  std::vector<FeedTraits> feeds() const override {
    std::vector<FeedTraits> traits;
    for (const auto& feed : feeds_) traits.push_back(feed->traits());
    return traits;
  }
  std::optional<Checkpoint> window(const Window& window) const override;
  std::vector<FeedReport> probe(const Call& call) override;

private:
  // A job of a feed, in the order in which they are served.
  struct Turn {
    Feed* feed;
    JobKind job;
  };

  Result<> load(const Checkpoint& from);
  std::vector<Turn> turns() const;
  std::vector<Health::Member> mains() const;
  bool is_ready(const Turn& turn) const;
  Result<Poll> step(const Turn& turn, const Call& call);
  Result<Poll> ask_time(const Turn& turn, const Call& call);
  Result<Poll> ask_control(const Turn& turn, const Call& call);
  void begin(const Turn& turn);
  void end(const Turn& turn, const Walk& walk);
  Result<net::Response> ask(const Turn& turn, const Question& question, const Call& call);
  Result<Poll> absorb(const Turn& turn, const net::Response& response);
  Result<PageFacts> take_records(const Turn& turn, const Page& page, Poll& poll, FeedReport& report);
  void narrow_down(const Turn& turn, FeedReport& report);
  Result<Poll> failed(const Turn& turn, Error error);
  bool is_in_window(const RecordView& record) const;
  Poll progress(Poll poll, FeedReport report);
  std::string note_of(const Feed& feed, const FeedState& state) const;

  FeedState& state_of(const Turn& turn) { return state_.feeds[turn.feed->name()]; }
  Job& job_of(const Turn& turn) { return state_of(turn).jobs[turn.job.name]; }
  std::string key_of(const Turn& turn) const { return turn.feed->name() + "/" + turn.job.name; }
  WalkShape shape_of(const Turn& turn) {
    WalkShape shape = turn.feed->shape(state_of(turn), turn.job.name);
    shape.scan_size = std::clamp<std::int64_t>(page_bytes_target / record_bytes_, scan_size_min, options_.page_limit);
    return shape;
  }

  const Options options_;
  const std::shared_ptr<net::Tenant> tenant_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::vector<Turn> order_;

  // The state that belongs to `loaded_`, so that a checkpoint that comes back unchanged is not parsed again.
  State state_;
  std::optional<std::string> loaded_;

  // Pacing and health; a restart loses nothing.
  ServerClock server_;
  Health health_;
  RecordReader reader_;
  std::int64_t record_bytes_ = record_bytes_at_start;
  std::map<std::string, Lateness> lateness_;
  std::map<std::string, Spans> save_times_;          // saved − event time
  std::map<std::string, std::int64_t> walked_from_;  // where the main walk in progress began
  std::set<std::uint64_t> page_before_;              // ids of the page before, of an inventory that is wanted whole
  std::map<std::string, std::uint32_t> dialects_;    // as last seen, for windows
};

// --- choosing ---

Result<> Mdca::load(const Checkpoint& from) {
  if (loaded_ == from.text) return {};
  loaded_.reset();
  state_ = TRY(read_state(from.text));
  loaded_ = from.text;
  walked_from_.clear();
  if (!state_.window)
    for (const auto& [name, feed] : state_.feeds) dialects_[name] = feed.dialect;
  return {};
}

std::vector<Mdca::Turn> Mdca::turns() const {
  if (!state_.window) return order_;
  for (const auto& feed : feeds_)
    if (feed->name() == state_.window->feed) return {{feed.get(), {window_job, net::Urgency::sweep}}};
  return {};
}

// The job of each feed without which it does not work.
std::vector<Health::Member> Mdca::mains() const {
  std::vector<Health::Member> members;
  for (const auto& turn : turns())
    if (turn.job.name == main_job || turn.job.name == window_job) members.push_back({turn.feed->name(), key_of(turn)});
  return members;
}

bool Mdca::is_ready(const Turn& turn) const {
  static const FeedState untouched;
  const auto feed = state_.feeds.find(turn.feed->name());
  const FeedState& state = feed == state_.feeds.end() ? untouched : feed->second;
  const auto job = state.jobs.find(turn.job.name);
  if (job != state.jobs.end() && job->second.walk) return true;
  if (turn.job.name == window_job) return job == state.jobs.end() || job->second.done_at == 0;
  const auto now = server_.now();
  // Before the service's time is known only the main jobs can say that they have something to do.
  if (!now) return turn.job.name == main_job;
  return turn.feed->due_at(state, turn.job.name) <= now->ms;
}

Result<Poll> Mdca::poll(const Checkpoint& from, const Call& call) {
  TRY(load(from));
  if (call.stop.stop_requested())
    return Error(ErrorCode::interrupted, fmt::format("polling tenant {}: stopped", tenant_->name()));
  for (const auto& turn : turns()) {
    if (!is_ready(turn) || health_.wait(turn.feed->name(), key_of(turn)) > Duration::zero()) continue;
    const Duration wait = tenant_->governor().acquire(turn.job.urgency);
    if (wait == Duration::zero()) return step(turn, call);
    Poll poll;
    poll.next = from;
    poll.wait = wait;
    return poll;
  }
  if (auto error = health_.common_error(mains())) return std::move(*error);
  Poll poll = progress({}, {});
  poll.feeds.clear();
  poll.next = from;
  loaded_ = from.text;
  return poll;
}

// --- asking ---

Result<net::Response> Mdca::ask(const Turn& turn, const Question& question, const Call& call) {
  const bool is_files = turn.feed->name() == "files";
  auto response = tenant_->post(question.path, question.body,
                                is_files ? net::Tenant::Credential::files : net::Tenant::Credential::main, call);
  if (response) server_.learn(response->header("Date"));
  return std::move(response).during(fmt::format("polling {} of tenant {}", turn.feed->name(), tenant_->name()));
}

Result<Poll> Mdca::step(const Turn& turn, const Call& call) {
  if (!server_.now()) return ask_time(turn, call);
  if (!job_of(turn).walk) begin(turn);
  if (job_of(turn).walk->pieces.empty()) {
    const Walk walk = *job_of(turn).walk;
    end(turn, walk);
    FeedReport report;
    report.feed = turn.feed->name();
    return progress({}, std::move(report));
  }
  if (health_.is_suspected(key_of(turn))) return ask_control(turn, call);
  auto response = ask(turn, question(*job_of(turn).walk, shape_of(turn)), call);
  if (!response) return failed(turn, std::move(response.error()));
  return absorb(turn, *response);
}

// The newest record, for the sake of the Date of the answer; without a Date its own time has to do.
Result<Poll> Mdca::ask_time(const Turn& turn, const Call& call) {
  const WalkShape shape = shape_of(turn);
  Walk newest;
  newest.pieces.emplace_back();
  auto response = ask(turn, control_question(newest, shape), call);
  if (!response) return failed(turn, std::move(response.error()));
  if (!server_.now()) {
    std::int64_t time = 0;
    if (const auto page = read_page(response->body); page && !page->records.empty()) {
      const Envelope envelope = reader_.read(turn.feed->name(), page->records.front());
      if (const auto at = shape.by_event_time ? envelope.event_time : envelope.saved_time) time = epoch_ms(*at);
    }
    server_.learn_record(time);
  }
  health_.succeeded(turn.feed->name(), key_of(turn));
  FeedReport report;
  report.feed = turn.feed->name();
  return progress({}, std::move(report));
}

// A window is suspected. Only when the service answers something else is it the window's fault, else the service's.
Result<Poll> Mdca::ask_control(const Turn& turn, const Call& call) {
  auto response = ask(turn, control_question(*job_of(turn).walk, shape_of(turn)), call);
  if (!response) {
    health_.acquit(key_of(turn));
    return failed(turn, std::move(response.error()));
  }
  health_.narrowing(turn.feed->name(), key_of(turn));
  FeedReport report;
  report.feed = turn.feed->name();
  narrow_down(turn, report);
  return progress({}, std::move(report));
}

void Mdca::narrow_down(const Turn& turn, FeedReport& report) {
  Job& job = job_of(turn);
  const Narrowing narrowing = narrow(*job.walk, shape_of(turn));
  if (narrowing.passed_over) {
    add_poisoned(state_of(turn), *narrowing.passed_over, 1, server_.now()->ms);
    report.records_passed_over = 1;
    report.error =
        Error(ErrorCode::poisoned_record,
              fmt::format("polling {} of tenant {}: the service cannot show a record of {}; going on behind it",
                          turn.feed->name(), tenant_->name(), span_of(*narrowing.passed_over)));
  }
  if (job.walk->pieces.empty()) end(turn, *job.walk);
}

// --- walks ---

void Mdca::begin(const Turn& turn) {
  const ServerTime now = *server_.now();
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  if (turn.job.name == window_job) {
    state.dialect = dialects_[turn.feed->name()];
    job.walk = turn.feed->plan_window(state, *state_.window, now);
  } else {
    Walk walk = turn.feed->plan(state, turn.job.name, now);
    if (turn.job.name == main_job && !walk.pieces.empty())
      walked_from_[turn.feed->name()] = walk.pieces.front().from.value_or(0);
    state.jobs[turn.job.name].walk = std::move(walk);
  }
  page_before_.clear();
}

void Mdca::end(const Turn& turn, const Walk& walk) {
  FeedState& state = state_of(turn);
  const std::int64_t started = walk.started;
  Job& job = state.jobs[turn.job.name];
  job.walk.reset();
  job.done_at = std::max<std::int64_t>(server_.now()->ms, 1);
  health_.is_through(key_of(turn));
  if (turn.job.name == window_job) return;
  turn.feed->finished(state, turn.job.name, started);
  if (turn.job.name != main_job || turn.feed->is_inventory()) return;
  const auto from = walked_from_.find(turn.feed->name());
  if (from != walked_from_.end() && server_.now()->is_dated)
    lateness_[turn.feed->name()].walk_done(from_epoch_ms(from->second), from_epoch_ms(started));
  state.overlap = lateness_[turn.feed->name()].overlap(Duration(state.overlap)).count();
}

// --- answers ---

Result<Poll> Mdca::absorb(const Turn& turn, const net::Response& response) {
  auto page = read_page(response.body);
  if (!page)
    return failed(
        turn,
        std::move(page.error()).during(fmt::format("polling {} of tenant {}", turn.feed->name(), tenant_->name())));
  health_.succeeded(turn.feed->name(), key_of(turn));
  if (!page->records.empty()) {
    const auto bytes = static_cast<std::int64_t>(response.body.size() / page->records.size());
    record_bytes_ = std::max<std::int64_t>({bytes, record_bytes_ - record_bytes_ / 8, 1});
  }
  Poll poll;
  FeedReport report;
  report.feed = turn.feed->name();
  const PageFacts facts = TRY(take_records(turn, *page, poll, report));
  Walk& walk = *job_of(turn).walk;
  const Advance moved = advance(walk, shape_of(turn), facts);
  if (moved.beyond_reach) {
    add_poisoned(state_of(turn), *moved.beyond_reach, 0, server_.now()->ms);
    append(report.note,
           fmt::format("more records than the service can page through in {}", span_of(*moved.beyond_reach)));
  }
  if (walk.pieces.empty()) end(turn, Walk(walk));
  return progress(std::move(poll), std::move(report));
}

Result<PageFacts> Mdca::take_records(const Turn& turn, const Page& page, Poll& poll, FeedReport& report) {
  FeedState& state = state_of(turn);
  const Walk& walk = *job_of(turn).walk;
  const bool by_event = goes_by_event_time(walk, shape_of(turn));
  const bool is_crosswise = walk.pieces.front().at.has_value();
  const bool is_descending = walk.pieces.front().descending;
  const bool is_main = turn.job.name == main_job;
  const bool is_whole = turn.feed->traits().repetition == Repetition::none;
  const ServerTime now = *server_.now();
  PageFacts facts;
  facts.records = static_cast<std::int64_t>(page.records.size());
  facts.has_next = page.has_next;
  facts.total = page.total;
  facts.next_filters = page.next_filters;
  std::set<std::uint64_t> ids;
  std::uint64_t without_id = 0;
  std::uint64_t quarantined = 0;
  std::optional<std::int64_t> before;
  for (const std::string_view raw : page.records) {
    const Envelope envelope = reader_.read(turn.feed->name(), raw);
    if (envelope.is_empty) {
      ++report.records_passed_over;
      continue;
    }
    without_id += envelope.has_no_id ? 1 : 0;
    quarantined += envelope.is_quarantined ? 1 : 0;
    const std::uint64_t id_hash = hash64(envelope.id);
    facts.ids = hash64(envelope.id, facts.ids);
    if (const auto time = by_event ? envelope.event_time : envelope.saved_time) {
      const std::int64_t at = epoch_ms(*time);
      if (before && (is_descending ? at > *before : at < *before)) facts.is_sorted = false;
      before = at;
      facts.oldest = std::min(facts.oldest.value_or(at), at);
      facts.newest = std::max(facts.newest.value_or(at), at);
      if (is_main && !is_crosswise && (!now.is_dated || at <= now.ms + future_max))
        state.newest = std::max(state.newest, at);
      if (!now.is_dated) server_.learn_record(at);
      if (!turn.feed->is_inventory() && !is_crosswise && now.is_dated && turn.job.name != window_job)
        lateness_[turn.feed->name()].read(envelope.id, *time, from_epoch_ms(walk.started));
    }
    if (envelope.event_time && envelope.saved_time && is_main && !turn.feed->is_inventory())
      save_times_[turn.feed->name()].add(*envelope.saved_time - *envelope.event_time);
    ids.insert(id_hash);
    if (is_whole && page_before_.contains(id_hash)) continue;
    RecordView record;
    record.feed = turn.feed->name();
    record.id = envelope.id;
    record.raw = raw;
    record.event_time = envelope.event_time.value_or(from_epoch_ms(now.ms));
    record.saved_time = envelope.saved_time.value_or(record.event_time);
    record.content_hash = envelope.content_hash;
    record.is_quarantined = envelope.is_quarantined;
    if (turn.job.name == window_job && envelope.saved_time && !turn.feed->is_inventory() && !is_in_window(record))
      continue;
    TRY(poll.batch.add(record));
  }
  page_before_ = std::move(ids);
  report.records_read = page.records.size();
  if (without_id > 0) append(report.note, fmt::format("{} records without id", without_id));
  if (quarantined > 0) append(report.note, fmt::format("{} records that are not well-formed", quarantined));
  return facts;
}

bool Mdca::is_in_window(const RecordView& record) const {
  return record.saved_time >= state_.window->from && record.saved_time < state_.window->to;
}

Result<Poll> Mdca::failed(const Turn& turn, Error error) {
  if (error.code() == ErrorCode::interrupted) return error;
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  FeedReport report;
  report.feed = turn.feed->name();
  report.error = error;

  const bool is_refusal = error.code() == ErrorCode::request_refused || error.code() == ErrorCode::endpoint_not_found ||
                          error.code() == ErrorCode::permission_missing;
  if (is_refusal && job.walk && !job.walk->pieces.empty() && job.walk->pieces.front().archived) {
    state.archive_refused = true;
    leave_piece(*job.walk);
    if (job.walk->pieces.empty()) end(turn, Walk(*job.walk));
    return progress({}, std::move(report));
  }
  if (error.code() == ErrorCode::request_refused && turn.feed->take_refusal(state, turn.job.name)) {
    state.jobs[turn.job.name].walk.reset();
    dialects_[turn.feed->name()] = state.dialect;
    return progress({}, std::move(report));
  }
  if (turn.job.name == poison_job && blames_window(error.code())) {
    state.jobs[turn.job.name].walk.reset();
    postpone_poisoned(state, server_.now()->ms);
    return progress({}, std::move(report));
  }
  health_.failed(turn.feed->name(), key_of(turn), error, blames_window(error.code()) && server_.now().has_value(),
                 job.walk && is_narrow(*job.walk));
  Poll poll = progress({}, std::move(report));
  if (auto all = health_.common_error(mains())) return std::move(*all);
  return poll;
}

// --- reporting ---

Poll Mdca::progress(Poll poll, FeedReport report) {
  poll.next.text = write(state_);
  loaded_ = poll.next.text;
  poll.is_drained = true;
  std::optional<Duration> wait;
  const auto sooner = [&wait](Duration other) { wait = std::min(wait.value_or(other), other); };
  bool feed_is_drained = true;
  for (const auto& turn : turns()) {
    const Duration held = health_.wait(turn.feed->name(), key_of(turn));
    const bool has_work = is_ready(turn);
    if (has_work) {
      sooner(held);
      if (!health_.is_held(turn.feed->name())) poll.is_drained = false;
      if (turn.feed->name() == report.feed) feed_is_drained = false;
    } else if (const auto now = server_.now(); now && turn.job.name != window_job) {
      const std::int64_t due = turn.feed->due_at(state_.feeds[turn.feed->name()], turn.job.name);
      if (due != never) sooner(std::max(Duration(due - now->ms), held));
    }
  }
  poll.wait = wait.value_or(Duration(options_.interval));
  if (report.feed.empty()) return poll;
  const FeedState& state = state_.feeds[report.feed];
  if (state.newest != 0) report.newest = from_epoch_ms(state.newest);
  if (const auto spans = save_times_.find(report.feed); spans != save_times_.end() && spans->second.count() > 0)
    report.lateness = spans->second.quantile(0.99);
  report.is_drained = feed_is_drained;
  for (const auto& feed : feeds_)
    if (feed->name() == report.feed) {
      std::string note = note_of(*feed, state);
      append(note, report.note);
      report.note = std::move(note);
    }
  poll.feeds.push_back(std::move(report));
  return poll;
}

std::string Mdca::note_of(const Feed& feed, const FeedState& state) const {
  std::string note = feed.note(state);
  if (state.poisoned.empty()) return note;
  const Poisoned& first = state.poisoned.front();
  append(note, fmt::format("the service cannot show {} window{}, the first from {} to {}; asked again every hour",
                           state.poisoned.size(), state.poisoned.size() == 1 ? "" : "s",
                           to_iso8601(from_epoch_ms(first.from)), to_iso8601(from_epoch_ms(first.to))));
  return note;
}

// --- windows and probes ---

std::optional<Checkpoint> Mdca::window(const Window& window) const {
  for (const auto& feed : feeds_)
    if (feed->name() == window.feed) {
      State state;
      state.window = window;
      return Checkpoint{write(state)};
    }
  return std::nullopt;
}

std::vector<FeedReport> Mdca::probe(const Call& call) {
  std::vector<FeedReport> reports;
  for (const auto& feed : feeds_) {
    FeedReport report;
    report.feed = feed->name();
    const Turn turn{feed.get(), feed->jobs().front()};
    FeedState state;
    state.dialect = dialects_[feed->name()];
    // A connectivity test is asked for by a person: it is counted, and does not wait.
    (void)tenant_->governor().acquire(net::Urgency::alerts);
    Walk newest;
    newest.pieces.emplace_back();
    auto response = ask(turn, control_question(newest, feed->shape(state, turn.job.name)), call);
    if (!response) {
      report.error = std::move(response.error());
    } else if (const auto page = read_page(response->body); !page) {
      report.error = page.error();
    } else {
      report.records_read = page->records.size();
      report.is_drained = page->records.empty();
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

std::unique_ptr<Source> make(const config::Node& node, const BuildContext& context, config::Findings& findings) {
  config::Findings own;
  Options options = schema().decode(node, "source " + context.name, own);
  const auto filters = filters_by_feed(options.filters, own);
  std::shared_ptr<net::Tenant> tenant;
  if (!options.tenant.empty()) {
    tenant = context.tenant(options.tenant);
    const config::Node* at = node.find("tenant");
    if (!tenant)
      own.add(ErrorCode::unknown_name, at == nullptr ? node.place : at->place,
              fmt::format("source {}: there is no tenant \"{}\" under tenants", context.name, options.tenant));
    const bool wants_files = std::find(options.feeds.begin(), options.feeds.end(), "files") != options.feeds.end();
    if (tenant && wants_files && !tenant->has_files_token())
      own.add(ErrorCode::missing_option, node.place,
              fmt::format("source {}: the feed files needs files_token in tenant {}; the service refuses application "
                          "tokens there",
                          context.name, options.tenant));
  }
  findings.append(own);
  if (own.has_errors()) return nullptr;
  return std::make_unique<Mdca>(std::move(options), filters, std::move(tenant), context.world.clock);
}

}  // namespace

}  // namespace capstan::mdca

namespace capstan {

Kind<Source> mdca_kind() {
  return {"mdca",
          "Collects activities, alerts, entities, subnets and files of a Microsoft Defender for Cloud Apps tenant.",
          mdca::schema().options(),
          "type: mdca\n"
          "tenant: contoso\n"
          "feeds: [alerts, activities, entities, subnets]\n"
          "interval: 1m\n"
          "backfill: 2d\n",
          mdca::make};
}

}  // namespace capstan
