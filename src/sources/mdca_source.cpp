#include "mdca_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::mdca {

namespace {

constexpr std::int64_t page_bytes_target = 8 << 20;
// Windows that nobody asks for any more leave what their walks have met behind; so many are kept.
constexpr std::size_t seen_max = 64;

}  // namespace

Mdca::Mdca(Options options, const std::map<std::string, std::string>& filters, std::shared_ptr<net::Tenant> tenant,
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

std::vector<FeedTraits> Mdca::feeds() const {
  std::vector<FeedTraits> traits;
  for (const auto& feed : feeds_) traits.push_back(feed->traits());
  return traits;
}

WalkShape Mdca::shape_of(const Turn& turn) {
  WalkShape shape = turn.feed->shape(state_of(turn), turn.job.name);
  const PageSizes& sizes = page_sizes_[turn.feed->name()];
  shape.scan_size = sizes.size(
      Reading::scan, std::clamp<std::int64_t>(page_bytes_target / record_bytes_, scan_size_min, options_.page_limit));
  shape.page_size = sizes.size(Reading::pages, page_size_max);
  shape.scan_cap = sizes.cap(Reading::scan);
  shape.page_cap = sizes.cap(Reading::pages);
  if (state_.window && state_.window->manner == Manner::otherwise) {
    // Pages of another size begin and end at other records.
    shape.page_size = std::max<std::int64_t>(shape.page_size * 9 / 10, 1);
    shape.scan_size = std::max(shape.scan_size * 9 / 10, std::min(shape.scan_size, scan_size_min));
  }
  return shape;
}

// --- choosing ---

Result<> Mdca::load(const Checkpoint& from) {
  if (loaded_ == from.text) return {};
  loaded_.reset();
  state_ = TRY(read_state(from.text));
  loaded_ = from.text;
  walked_from_.clear();
  if (!state_.window)
    for (const auto& [name, feed] : state_.feeds) learn_manners(name, feed);
  return {};
}

void Mdca::learn_manners(const std::string& feed, const FeedState& state) {
  manners_[feed] = {state.dialect, state.archive_refused_at, state.archive_refused_created_at};
}

std::vector<Mdca::Turn> Mdca::turns() const {
  if (!state_.window) return order_;
  for (const auto& feed : feeds_)
    if (feed->name() == state_.window->feed)
      return {{feed.get(),
               {window_job, state_.window->manner == Manner::otherwise ? net::Urgency::proof : net::Urgency::sweep}}};
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
  // A new process asks once whatever the checkpoint says, so that "drained" is what the service said to this process: a
  // walk that an earlier one began ends where that one began it. Inventories are read whole and keep to their interval.
  if (turn.job.name == main_job && !turn.feed->is_inventory() && !asked_.contains(turn.feed->name())) return true;
  // Before the service's time is known only the main jobs can say that they have something to do.
  if (!server_.now()) return turn.job.name == main_job;
  const auto due = due_in(turn);
  return due && *due <= Duration::zero();
}

// In one process spans are measured by the monotonic clock; the service's time only counts from one process to the
// next, and a job that was done in the future was done by a wrong clock.
std::optional<Duration> Mdca::due_in(const Turn& turn) const {
  static const FeedState untouched;
  const auto feed = state_.feeds.find(turn.feed->name());
  const FeedState& state = feed == state_.feeds.end() ? untouched : feed->second;
  const std::int64_t due = turn.feed->due_at(state, turn.job.name);
  if (due == never) return std::nullopt;
  const auto job = state.jobs.find(turn.job.name);
  const std::int64_t done_at = job == state.jobs.end() ? 0 : job->second.done_at;
  if (const auto ended = ended_.find(key_of(turn)); ended != ended_.end() && turn.job.name != poison_job) {
    // Where the checkpoint knows nothing of that end, what it brought was not appended: it is done again at once.
    if (ended->second.done_at != done_at) return Duration::zero();
    return std::chrono::ceil<Duration>(ended->second.at + Duration(due - done_at) - clock_.monotonic());
  }
  const std::int64_t now = server_.now()->ms;
  return Duration(done_at > now + 1000 ? 0 : due - now);
}

// Windows may be read side by side.
std::string Mdca::key_of(const Turn& turn) const {
  std::string key = turn.feed->name() + "/" + turn.job.name;
  if (state_.window && turn.job.name == window_job)
    key += fmt::format("/{}-{}", epoch_ms(state_.window->from), epoch_ms(state_.window->to));
  return key;
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
    poll.service_time = service_time();
    return poll;
  }
  if (auto error = health_.common_error(mains())) return std::move(*error);
  if (state_.window && !state_.window_unread.empty()) return window_error();
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
  // A walk that goes on from elsewhere than where this process left it has met nothing yet.
  if (Seen& seen = seen_[key_of(turn)]; seen.after != *job_of(turn).walk) seen = {{}, *job_of(turn).walk};
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
  std::int64_t time = 0;
  if (const auto page = read_page(response->body); page && !page->records.empty()) {
    const std::string_view record = page->records.front();
    record_bytes_ = std::max(record_bytes_, static_cast<std::int64_t>(record.size()));
    const Envelope envelope = reader_.read(turn.feed->name(), record);
    if (const auto at = shape.by_event_time ? envelope.event_time : envelope.saved_time) time = epoch_ms(*at);
  }
  if (time > 0) server_.learn_record(time);
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

// --- walks ---

void Mdca::begin(const Turn& turn) {
  const ServerTime now = *server_.now();
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  if (turn.job.name == window_job) {
    const Manners& known = manners_[turn.feed->name()];
    state.dialect = known.dialect;
    state.archive_refused_at = known.archive_refused_at;
    state.archive_refused_created_at = known.archive_refused_created_at;
    state_.window_unread = turn.feed->gap_in(state, *state_.window, now);
    job.walk = turn.feed->plan_window(state, *state_.window, now);
  } else {
    Walk walk = turn.feed->plan(state, turn.job.name, now);
    if (turn.job.name == main_job && !walk.pieces.empty())
      walked_from_[turn.feed->name()] = walk.pieces.front().from.value_or(0);
    state.jobs[turn.job.name].walk = std::move(walk);
    if (turn.job.name == main_job) begun_.insert(turn.feed->name());
  }
  if (seen_.size() >= seen_max) seen_.clear();
  seen_[key_of(turn)] = {{}, *job.walk};
}

void Mdca::end(const Turn& turn, const Walk& walk) {
  FeedState& state = state_of(turn);
  const std::int64_t started = walk.started;
  Job& job = state.jobs[turn.job.name];
  job.walk.reset();
  job.done_at = std::max<std::int64_t>(server_.now()->ms, 1);
  health_.is_through(key_of(turn));
  seen_.erase(key_of(turn));
  if (turn.job.name == window_job) return;
  ended_[key_of(turn)] = {job.done_at, clock_.monotonic()};
  oddities_[key_of(turn)] = walk.oddities;
  if (turn.job.name == main_job && begun_.contains(turn.feed->name())) asked_.insert(turn.feed->name());
  turn.feed->finished(state, turn.job.name, started);
  if (turn.job.name != main_job || turn.feed->is_inventory()) return;
  const auto from = walked_from_.find(turn.feed->name());
  if (from != walked_from_.end() && server_.now()->is_dated)
    lateness_[turn.feed->name()].walk_done(from_epoch_ms(from->second), from_epoch_ms(started));
  state.overlap = lateness_[turn.feed->name()].overlap(Duration(state.overlap)).count();
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

std::optional<Timestamp> Mdca::collected_since(const Checkpoint& from, std::string_view feed) const {
  const auto state = read_state(from.text);
  if (!state) return std::nullopt;
  const auto known = state->feeds.find(std::string(feed));
  if (known == state->feeds.end() || known->second.floor == 0) return std::nullopt;
  return from_epoch_ms(known->second.floor);
}

std::vector<FeedReport> Mdca::probe(const Call& call) {
  std::vector<FeedReport> reports;
  for (const auto& feed : feeds_) {
    FeedReport report;
    report.feed = feed->name();
    const Turn turn{feed.get(), feed->jobs().front()};
    FeedState state;
    state.dialect = manners_[feed->name()].dialect;
    // A connectivity test is asked for by a person: it is counted, and does not wait.
    (void)tenant_->governor().acquire(net::Urgency::alerts);
    Walk newest;
    newest.pieces.emplace_back();
    auto response = ask(turn, control_question(newest, feed->shape(state, turn.job.name)), call);
    while (!response && response.error().code() == ErrorCode::request_refused &&
           feed->take_refusal(state, turn.job.name))
      response = ask(turn, control_question(newest, feed->shape(state, turn.job.name)), call);
    report.note = feed->note(state);
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

}  // namespace capstan::mdca
