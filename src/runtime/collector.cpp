#include "runtime/collector.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace capstan::runtime {

namespace {

// A source that answers "ask again at once" without anything new, over and over, would spin.
constexpr Duration wait_without_news = std::chrono::milliseconds(100);
// One that wants to be left alone for longer is asked all the same: its checkpoint may be waiting for a clock.
constexpr Duration wait_longest = std::chrono::hours(1);
// Held sources are asked again this often, so that they go on by themselves after a person acted.
constexpr BackoffLimits limits{};
// The speed of catching up is measured over at least this span.
constexpr Duration speed_sampled_every = std::chrono::minutes(1);
// A feed that is behind by less is as good as caught up.
constexpr Duration behind_by = std::chrono::minutes(10);

// While a feed is behind: when it will have caught up, or that it will not.
void look_ahead(FeedStatus& feed, Timestamp now) {
  FeedPace& pace = feed.pace;
  if (feed.is_drained || !feed.lag || *feed.lag < behind_by) return;
  if (pace.arriving_per_second && pace.possible_per_second) {
    const double spare = *pace.possible_per_second - *pace.arriving_per_second;
    pace.is_outpaced = spare <= 0;
    if (!feed.time_to_catch_up && spare > 0)
      feed.time_to_catch_up = Duration(
          static_cast<std::int64_t>(static_cast<double>(feed.lag->count()) * *pace.arriving_per_second / spare));
  }
  if (feed.time_to_catch_up && !pace.is_outpaced) pace.caught_up_at = now + *feed.time_to_catch_up;
}

}  // namespace

Collector::Collector(Options options, Source& source, Committer& committer, std::size_t number, const Clock& clock)
    : options_(std::move(options)),
      source_(source),
      committer_(committer),
      number_(number),
      journal_(committer.journal(number)),
      clock_(clock),
      backoff_(limits, options_.seed),
      started_(clock.monotonic()),
      checkpoint_(journal_->checkpoint()),
      due_(started_),
      next_poll_(started_),
      ok_at_(started_) {
  for (const FeedTraits& traits : source_.feeds()) history(traits.feed);
}

Step Collector::step(const std::stop_token& stop) {
  const MonotonicTime now = clock_.monotonic();
  if (submission_) {
    if (!submission_->is_done()) return Step{};
    return settle(now);
  }
  if (now < due_) return Step{due_};
  return poll(stop, now);
}

Step Collector::poll(const std::stop_token& stop, MonotonicTime now) {
  {
    const std::lock_guard lock(mutex_);
    stepping_since_ = now;
  }
  Result<Poll> answer = source_.poll(checkpoint_, Call{options_.poll_timeout, stop});
  {
    const std::lock_guard lock(mutex_);
    stepping_since_.reset();
    ++polls_;
    last_poll_ = clock_.now();
  }
  now = clock_.monotonic();
  if (!answer) return fail(answer.error(), now);
  if (answer->service_time) {
    const std::lock_guard lock(mutex_);
    service_time_ = answer->service_time;
    service_time_at_ = now;
  }
  note(answer->feeds, now);
  wait_ = std::clamp(answer->wait, Duration::zero(), wait_longest);
  polled_drained_ = answer->is_drained;
  polled_nothing_new_ = answer->batch.is_empty() && answer->next == checkpoint_;
  submitted_ = answer->next;
  // Under the lock, so that after fence() nothing more comes.
  const std::lock_guard lock(mutex_);
  if (is_fenced_) return Step{};
  submission_ = committer_.submit(number_, std::move(answer->batch), std::move(answer->next));
  return Step{};
}

Step Collector::settle(MonotonicTime now) {
  Result<Committed> outcome = submission_->take();
  submission_.reset();
  if (!outcome) return fail(std::move(outcome).during("appending to the journal of " + options_.name).error(), now);
  checkpoint_ = std::move(submitted_);
  backoff_.reset();
  if (polled_nothing_new_) wait_ = std::max(wait_, wait_without_news);
  due_ = now + wait_;

  const std::lock_guard lock(mutex_);
  for (const FeedCount& count : outcome->feeds) {
    FeedStatus& feed = history(count.feed).status;
    feed.journaled += count.tally.kept;
    feed.duplicates += count.tally.dropped;
    feed.updates += count.updates;
    feed.quarantined += count.quarantined;
  }
  error_.reset();
  failing_since_.reset();
  was_ever_ok_ = true;
  ok_at_ = now;
  is_drained_ = polled_drained_;
  next_poll_ = due_;
  return Step{due_};
}

Step Collector::fail(const Error& error, MonotonicTime now) {
  if (error.code() != ErrorCode::interrupted) log::repeating("source " + options_.name, error);
  due_ = now + backoff_.next(error);
  const std::lock_guard lock(mutex_);
  ++poll_errors_;
  error_ = error;
  is_drained_ = false;
  if (!failing_since_) failing_since_ = now;
  next_poll_ = due_;
  return Step{due_};
}

Collector::FeedHistory& Collector::history(std::string_view feed) {
  for (FeedHistory& known : feeds_)
    if (known.status.name == feed) return known;
  FeedHistory added;
  added.status.name = feed;
  added.ok_at = started_;
  return feeds_.emplace_back(std::move(added));
}

void Collector::note(const std::vector<FeedReport>& reports, MonotonicTime now) {
  for (const FeedReport& report : reports)
    if (report.error) log::repeating("feed " + options_.name + " " + report.feed, *report.error);
  const std::lock_guard lock(mutex_);
  for (const FeedReport& report : reports) {
    FeedHistory& feed = history(report.feed);
    // Said once; it comes with every poll.
    if (!report.note.empty() && report.note != feed.status.note)
      log::info("source " + options_.name + ", feed " + report.feed + ": " + report.note);
    feed.error = report.error;
    feed.status.pace.page_size = report.page_size;
    feed.status.pace.arriving_per_second = report.arriving_per_second;
    feed.status.pace.possible_per_second = report.possible_per_second;
    feed.status.is_drained = report.is_drained;
    feed.status.note = report.note;
    feed.status.records += report.records_read;
    feed.status.passed_over += report.records_passed_over;
    if (report.lateness) feed.status.lateness = report.lateness;
    if (report.newest) feed.status.newest = std::max(feed.status.newest.value_or(*report.newest), *report.newest);
    if (report.error) {
      if (!feed.failing_since) feed.failing_since = now;
    } else {
      feed.failing_since.reset();
      feed.status.last_ok = last_poll_;
      feed.ok_at = now;
    }
    measure_speed(feed, now);
  }
}

void Collector::measure_speed(FeedHistory& feed, MonotonicTime now) const {
  if (!feed.status.newest) return;
  if (!feed.sampled_newest) {
    feed.sampled_newest = feed.status.newest;
    feed.sampled_at = now;
    return;
  }
  const std::chrono::duration<double> span = now - feed.sampled_at;
  if (span < speed_sampled_every) return;
  const std::chrono::duration<double> moved = *feed.status.newest - *feed.sampled_newest;
  feed.speed = moved / span;
  feed.sampled_newest = feed.status.newest;
  feed.sampled_at = now;
}

SourceState Collector::state_since(MonotonicTime ok_at, bool was_ever_ok, MonotonicTime now) const {
  if (now - ok_at >= disconnected_after) return SourceState::disconnected;
  if (now - ok_at >= connection_error_after) return SourceState::connection_error;
  return was_ever_ok ? SourceState::connected : SourceState::created;
}

SourceStatus Collector::status() const {
  const MonotonicTime now = clock_.monotonic();
  const Timestamp wall = clock_.now();
  SourceStatus status;
  status.name = options_.name;
  status.kind = options_.kind;
  status.tenant = options_.tenant;
  status.journal = journal_->report();
  status.index_size = committer_.index_size(number_);
  const std::lock_guard lock(mutex_);
  // A source that is asked once an hour is as connected as its last answer.
  const MonotonicTime ok_at = failing_since_ || !was_ever_ok_ ? ok_at_ : now;
  status.state = state_since(ok_at, was_ever_ok_, now);
  if (error_) {
    status.code = error_->code();
    status.error = error_->text();
    status.is_held = waits_for_a_person(error_->error_class());
  }
  status.is_drained = is_drained_;
  status.polls = polls_;
  status.poll_errors = poll_errors_;
  status.last_poll = last_poll_;
  status.next_poll = std::max(std::chrono::duration_cast<Duration>(next_poll_ - now), Duration::zero());
  for (const FeedHistory& feed : feeds_) {
    FeedStatus shown = feed.status;
    const bool fails = feed.failing_since || failing_since_;
    shown.state = state_since(fails || !shown.last_ok ? feed.ok_at : now, shown.last_ok.has_value(), now);
    if (feed.error) {
      shown.code = feed.error->code();
      shown.error = feed.error->text();
      shown.is_held = waits_for_a_person(feed.error->error_class());
    }
    if (shown.is_drained) {
      shown.lag = Duration::zero();
      shown.time_to_catch_up = Duration::zero();
    } else if (shown.newest) {
      shown.lag = std::max(wall - *shown.newest, Duration::zero());
      // While it catches up the present moves on by one second a second.
      if (feed.speed > 1)
        shown.time_to_catch_up =
            Duration(static_cast<std::int64_t>(static_cast<double>(shown.lag->count()) / (feed.speed - 1)));
    }
    look_ahead(shown, wall);
    status.feeds.push_back(std::move(shown));
  }
  return status;
}

void Collector::fence() {
  const std::lock_guard lock(mutex_);
  is_fenced_ = true;
}

bool Collector::is_drained() const {
  const std::lock_guard lock(mutex_);
  return is_drained_ && !error_;
}

bool Collector::is_held() const {
  const std::lock_guard lock(mutex_);
  return error_ && waits_for_a_person(error_->error_class());
}

std::vector<std::pair<FeedStatus, Duration>> Collector::failing_feeds(Duration patience) const {
  const MonotonicTime now = clock_.monotonic();
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<FeedStatus, Duration>> failing;
  for (const FeedHistory& feed : feeds_) {
    if (!feed.error || !feed.failing_since) continue;
    if (!waits_for_a_person(feed.error->error_class()) && now - *feed.failing_since <= patience) continue;
    FeedStatus status = feed.status;
    status.code = feed.error->code();
    status.error = feed.error->text();
    failing.emplace_back(std::move(status), std::chrono::duration_cast<Duration>(now - *feed.failing_since));
  }
  return failing;
}

std::optional<Error> Collector::held_by() const {
  const std::lock_guard lock(mutex_);
  if (error_ && waits_for_a_person(error_->error_class())) return error_;
  for (const FeedHistory& feed : feeds_)
    if (feed.error && waits_for_a_person(feed.error->error_class())) return feed.error;
  return std::nullopt;
}

std::optional<Timestamp> Collector::service_time() const {
  const MonotonicTime now = clock_.monotonic();
  const std::lock_guard lock(mutex_);
  if (!service_time_) return std::nullopt;
  return *service_time_ + std::chrono::duration_cast<Duration>(now - service_time_at_);
}

std::optional<MonotonicTime> Collector::stepping_since() const {
  const std::lock_guard lock(mutex_);
  return stepping_since_;
}

std::optional<MonotonicTime> Collector::failing_since() const {
  const std::lock_guard lock(mutex_);
  return failing_since_;
}

}  // namespace capstan::runtime
