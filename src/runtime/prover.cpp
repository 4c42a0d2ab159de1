#include "runtime/prover.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <tuple>

#include "base/log.h"
#include "proof_schedule.h"
#include "proof_sweep.h"
#include "prover_healing.h"
#include "prover_ledger.h"
#include "prover_question.h"
#include "runtime/backoff.h"
#include "verify_survey.h"

namespace capstan::runtime {

namespace {

using store::Proof;
using store::ProofFeed;
using store::ProofWindow;

constexpr Duration poll_timeout = std::chrono::seconds(60);
// The service's clock may run faster than ours, so it is looked at now and then although nothing is due by ours.
constexpr Duration looked_every = std::chrono::seconds(1);
constexpr Duration looked_at_most_every = std::chrono::seconds(5);
// Between two polls that brought nothing and asked for no pause.
constexpr Duration idle_wait_min = std::chrono::milliseconds(200);
// A question that brings nothing but errors for so long is given up and asked again later.
constexpr std::chrono::minutes patience{10};
// A page has at least one record, and no window that fits into memory has more.
constexpr std::uint64_t polls_max = 1'000'000;
// Handed over to the journal at once.
constexpr std::size_t batch_bytes_max = 1U << 20;
// Lists that are read whole are compared this often.
constexpr Duration inventory_every = std::chrono::hours(24);
// What the ledger remembers behind the oldest age.
constexpr Duration remembered = std::chrono::hours(48);
constexpr Duration damage_remembered = std::chrono::hours(24 * 35);
// Of the journal in one step, when it is read through for damage.
constexpr Bytes scrub_step = 4_MiB;
constexpr BackoffLimits limits{std::chrono::seconds(10), std::chrono::minutes(30), std::chrono::minutes(15)};

Timestamp floor_hour(Timestamp time) { return std::chrono::floor<std::chrono::hours>(time); }

bool passes_by_itself(const Error& error) {
  return error.error_class() == ErrorClass::retry || error.error_class() == ErrorClass::split;
}

}  // namespace

class Prover::Work {
public:
  Work(Options options, Source& source, Committer& committer, std::size_t number, FileSystem& files, const Clock& clock,
       Surroundings surroundings)
      : options_(std::move(options)),
        source_(source),
        committer_(committer),
        number_(number),
        journal_(committer.journal(number)),
        clock_(clock),
        surroundings_(std::move(surroundings)),
        schedule_(ages_of(options_.proof)),
        keeper_(files, options_.ledger, clock),
        traits_(source.feeds()),
        due_(clock.monotonic()) {}

  Step step(const std::stop_token& stop) {
    if (is_fenced()) return Step{clock_.monotonic() + std::chrono::hours(1)};
    if (!std::exchange(is_loaded_, true)) keeper_.load();
    if (submission_) {
      if (!submission_->is_done()) return Step{};
      take_outcome();
      return Step{due_};
    }
    if (clock_.monotonic() < due_) return Step{due_};
    if (Result<> done = work(stop); !done) give_up(done.error());
    write_ledger();
    return submission_ ? Step{} : Step{due_};
  }

  const std::shared_ptr<Submission>& submission() const { return submission_; }

  Result<> finish() { return is_fenced() ? Result<>() : keeper_.write_now(); }

  void fence() {
    const std::lock_guard lock(mutex_);
    is_fenced_ = true;
  }

  ProofStatus status() const {
    const auto ledger = keeper_.snapshot();
    ProofStatus status;
    std::optional<Timestamp> now;
    {
      const std::lock_guard lock(mutex_);
      status = figures_;
      now = now_;
    }
    status.is_enabled = true;
    for (const FeedTraits& traits : traits_) {
      const ProofFeed* feed = ledger->find(traits.feed);
      if (feed != nullptr) {
        status.feeds.push_back(describe(*feed, schedule_, now, status.error));
        continue;
      }
      ProofFeedStatus& unknown = status.feeds.emplace_back();
      unknown.feed = traits.feed;
      unknown.why_not_later = "nothing of this feed has been collected yet";
    }
    for (const store::DamagedPlace& place : ledger->damage)
      ++(place.healed_at ? status.healed_places : status.damaged_places);
    return status;
  }

  std::shared_ptr<const store::ProofLedger> ledger() const { return keeper_.snapshot(); }

  bool is_healing() const {
    const std::lock_guard lock(mutex_);
    const auto ledger = keeper_.snapshot();
    // Nothing can be asked yet, or not at the moment.
    if (!figures_.error.empty() || !now_ || ledger->feeds.empty()) return false;
    if (std::ranges::any_of(ledger->damage, [](const auto& place) { return !place.healed_at; })) return true;
    return journal_->report().damaged_frames > noticed_damage_;
  }

private:
  // --- what time it is ---

  bool is_fenced() const {
    const std::lock_guard lock(mutex_);
    return is_fenced_;
  }

  // By the service's clock, from whoever heard it last.
  std::optional<Timestamp> service_now() {
    const MonotonicTime now = clock_.monotonic();
    std::optional<Timestamp> heard = surroundings_.service_time ? surroundings_.service_time() : std::nullopt;
    if (heard_) {
      const Timestamp own = *heard_ + std::chrono::duration_cast<Duration>(now - heard_at_);
      heard = std::max(heard.value_or(own), own);
    }
    const std::lock_guard lock(mutex_);
    now_ = heard;
    return heard;
  }

  void sleep(Duration span) { due_ = clock_.monotonic() + std::clamp(span, idle_wait_min, looked_at_most_every); }

  // --- one step of work ---

  Result<> work(const std::stop_token& stop) {
    const std::optional<Timestamp> now = service_now();
    if (question_) return ask(stop);
    if (!now) {
      sleep(looked_every);
      return {};
    }
    TRY(adopt_feeds(stop));
    if (scrub_at_) return scrub();
    notice_damage();
    while (tasks_.empty() && healing_) TRY(end_healing(*now));
    if (tasks_.empty()) TRY(choose(*now));
    if (!tasks_.empty()) return begin(*now, stop);
    sleep(until_next(*now));
    return {};
  }

  Duration until_next(Timestamp now) {
    Duration wait = looked_at_most_every;
    for (const ProofFeed& feed : keeper_.ledger().feeds)
      if (!feed.is_inventory) wait = std::min(wait, schedule_.next_at(feed, now) - now);
    // A service whose clock runs faster than ours is looked at more often.
    const MonotonicTime mono = clock_.monotonic();
    const bool is_fast = looked_now_ && now - *looked_now_ > 2 * (mono - looked_at_);
    looked_after_ = !looked_now_ || is_fast ? looked_every : std::min(2 * looked_after_, looked_at_most_every);
    wait = std::min(wait, looked_after_);
    looked_now_ = now;
    looked_at_ = mono;
    return wait;
  }

  // --- which feeds there are, and from when on ---

  Result<> adopt_feeds(const std::stop_token& stop) {
    for (const FeedTraits& traits : traits_) {
      if (keeper_.ledger().find(traits.feed) != nullptr) continue;
      const std::optional<Timestamp> since = TRY(collected_since(traits, stop));
      if (!since) continue;
      ProofFeed feed;
      feed.feed = traits.feed;
      feed.is_inventory = is_inventory(traits);
      feed.since = *since;
      keeper_.ledger().feeds.push_back(std::move(feed));
      keeper_.changed(true);
    }
    return {};
  }

  // Nothing: it is not known yet, because nothing was collected.
  Result<std::optional<Timestamp>> collected_since(const FeedTraits& traits, const std::stop_token& stop) {
    if (is_inventory(traits)) return now_;
    std::optional<Timestamp> since = source_.collected_since(journal_->checkpoint(), traits.feed);
    if (!since) since = TRY(oldest_journaled(traits.feed, stop));
    if (!since) return since;
    // The tenant is asked for a month at most; and what retention removed before there were seals is past proving.
    since = std::max(*since, *now_ - schedule_.ages().back());
    if (const auto whole_from = TRY(complete_from(*journal_, *TRY(seals()), clock_is_ahead())))
      since = std::max(*since, std::min(*whole_from, *now_));
    return since;
  }

  Result<std::optional<Timestamp>> oldest_journaled(const std::string& feed, const std::stop_token& stop) {
    std::optional<Timestamp> oldest;
    const store::JournalReport report = journal_->report();
    if (report.records == looked_for_oldest_) return oldest;
    looked_for_oldest_ = report.records;
    TRY(scan(*journal_, report.first, report.durable, stop, [&](const store::Slice::Item& item) {
      if (item.record.feed == feed) oldest = std::min(oldest.value_or(item.record.saved_time), item.record.saved_time);
    }));
    return oldest;
  }

  Duration clock_is_ahead() const { return clock_.now() - *now_; }

  Result<std::unique_ptr<SealView>> seals() const {
    if (!surroundings_.seals) return no_seals();
    return surroundings_.seals();
  }

  // --- damage ---

  void notice_damage() {
    const store::JournalReport report = journal_->report();
    const std::uint64_t lost = surroundings_.lost_to_damage ? surroundings_.lost_to_damage() : 0;
    if (report.damaged_frames != noticed_damage_) {
      {
        const std::lock_guard lock(mutex_);
        noticed_damage_ = report.damaged_frames;
      }
      if (note_damage(report, keeper_.ledger())) keeper_.changed(true);
    }
    // An earlier process met a place that this one has not read yet.
    if (lost > damaged_records(keeper_.ledger()) && !std::exchange(was_scrubbed_, true)) scrub_at_ = report.first;
  }

  Result<> scrub() {
    auto slice = journal_->read(*scrub_at_, scrub_step);
    if (!slice && slice.error().code() == ErrorCode::position_gone) {
      scrub_at_ = journal_->report().first;
      return {};
    }
    if (!slice) {
      scrub_at_.reset();
      return slice.error();
    }
    const bool is_through = slice->end <= *scrub_at_;
    scrub_at_ = is_through ? std::nullopt : std::optional(slice->end);
    return {};
  }

  Result<> end_healing(Timestamp now) {
    if (healed_ < healing_->expected && !healing_->is_exact && !std::exchange(is_healing_wide_, true)) {
      for (ProofTask& task : plan_wide_healing(keeper_.ledger(), traits_, now)) tasks_.push_back(std::move(task));
      if (!tasks_.empty()) return {};
    }
    log::warning("a damaged place of the journal was asked for again",
                 {{"source", options_.name}, {"held", healing_->expected}, {"collected", healed_}});
    note_healed(keeper_.ledger(), healing_->places, healed_, now);
    keeper_.changed(true);
    healing_.reset();
    return {};
  }

  // --- choosing ---

  Result<> choose(Timestamp now) {
    const bool is_damaged =
        std::ranges::any_of(keeper_.ledger().damage, [](const auto& place) { return !place.healed_at; });
    if (is_damaged && !keeper_.ledger().feeds.empty()) {
      healing_ = TRY(plan_healing(*journal_, *TRY(seals()), keeper_.ledger(), traits_, now));
      healed_ = 0;
      is_healing_wide_ = false;
      for (ProofTask& task : healing_->tasks) tasks_.push_back(std::move(task));
      if (!tasks_.empty()) return {};
      return end_healing(now);
    }
    forget_what_is_old(now);
    for (const FeedTraits& traits : traits_) {
      ProofFeed* feed = keeper_.ledger().find(traits.feed);
      if (feed == nullptr) continue;
      if (auto task = due_task(traits, *feed, now)) tasks_.push_back(std::move(*task));
    }
    return {};
  }

  std::optional<ProofTask> due_task(const FeedTraits& traits, const ProofFeed& feed, Timestamp now) {
    const auto trouble = troubles_.find(traits.feed);
    if (trouble != troubles_.end() && clock_.monotonic() < trouble->second.retry_at) return {};
    ProofTask task;
    task.traits = traits;
    if (feed.is_inventory) {
      const Timestamp at = feed.windows.empty() ? feed.since + schedule_.ages().front()
                                                : feed.windows.front().checked_at + inventory_every;
      return at <= now ? std::optional(task) : std::nullopt;
    }
    if (const auto swept = sweeps_[traits.feed].next(ProofSchedule::due_max)) {
      std::tie(task.from, task.to) = *swept;
      return task;
    }
    const auto due = schedule_.due(feed, now);
    if (!due) return {};
    task.from = due->from;
    task.to = due->to;
    task.was_due = true;
    return task;
  }

  void forget_what_is_old(Timestamp now) {
    for (ProofFeed& feed : keeper_.ledger().feeds)
      forget_windows_before(feed, floor_hour(now - schedule_.ages().back() - remembered));
    forget_damage(keeper_.ledger(), now - damage_remembered);
  }

  // --- asking ---

  Result<> begin(Timestamp now, const std::stop_token& stop) {
    ProofTask& task = tasks_.front();
    HeldQuestion held_question;
    held_question.feed = task.traits.feed;
    held_question.from = task.is_inventory() ? Timestamp::min() : task.from;
    held_question.to = task.is_inventory() ? Timestamp::max() : task.to;
    const bool can_be_cut = !task.is_inventory() && task.to - task.from > std::chrono::hours(1);
    held_question.entries_max = can_be_cut ? options_.entries_max : ~std::size_t{0};
    held_question.clock_is_ahead = clock_.now() - now;
    Identities journaled;
    const Held held = TRY(read_held(*journal_, *TRY(seals()), keeper_.ledger().damage, held_question, stop, journaled));
    if (!held.fits) {
      ProofTask rest = task;
      task.to =
          std::max(floor_hour(task.from + (task.to - task.from) / 2), floor_hour(task.from) + std::chrono::hours(1));
      rest.from = task.to;
      tasks_.insert(std::next(tasks_.begin()), std::move(rest));
      return {};
    }
    auto checkpoint = source_.window({task.traits.feed, task.from, task.to, Manner::otherwise});
    if (!checkpoint)
      return Error(ErrorCode::endpoint_not_found, "proving " + task.traits.feed + ": this feed cannot be asked again");
    question_.emplace(std::move(task), std::move(*checkpoint), held, std::move(journaled), options_.proof.late_after);
    tasks_.pop_front();
    polls_ = 0;
    moved_ = clock_.monotonic();
    return {};
  }

  Result<> ask(const std::stop_token& stop) {
    if (++polls_ > polls_max)
      return Error(ErrorCode::unexpected_answer,
                   fmt::format("proving {}: the service never comes to an end", question_->task().traits.feed));
    const Checkpoint before = question_->checkpoint();
    auto poll = source_.poll(before, Call{poll_timeout, stop});
    const MonotonicTime now = clock_.monotonic();
    {
      const std::lock_guard lock(mutex_);
      ++figures_.polls;
    }
    if (!poll) return wait_or_fail(poll.error(), now);
    if (poll->service_time) {
      heard_ = poll->service_time;
      heard_at_ = now;
    }
    const std::optional<Timestamp> service = service_now();
    std::optional<Error> error;
    for (const FeedReport& report : poll->feeds)
      // A poisoned record is passed over: the service shows it to nobody.
      if (report.feed == question_->task().traits.feed && report.error &&
          report.error->code() != ErrorCode::poisoned_record)
        error = report.error;
    const bool is_drained = poll->is_drained;
    const Duration wait = poll->wait;
    const bool has_moved = !poll->batch.is_empty() || poll->next != before;
    TRY(question_->take(*poll, service.value_or(clock_.now())));
    if (error) return wait_or_fail(*error, now);
    if (has_moved) moved_ = now;
    is_answered_ = is_drained;
    // What a source says at the end of a window is when it wants to be asked for what is new.
    if (!is_drained) due_ = now + (has_moved ? std::max(wait, Duration::zero()) : std::max(wait, idle_wait_min));
    return go_on();
  }

  Result<> wait_or_fail(const Error& error, MonotonicTime now) {
    if (error.code() == ErrorCode::interrupted || !passes_by_itself(error) || now - moved_ >= patience) return error;
    due_ = now + std::max(error.pause().value_or(std::chrono::seconds(5)), idle_wait_min);
    return {};
  }

  // Hands over what was found, and ends the question when all of it is durable.
  Result<> go_on() {
    if (question_->missing().stored_size() >= batch_bytes_max || (is_answered_ && !question_->missing().is_empty()))
      return append(std::exchange(question_->missing(), {}), Appending::missing);
    if (question_->newer().stored_size() >= batch_bytes_max || (is_answered_ && !question_->newer().is_empty()))
      return append(std::exchange(question_->newer(), {}), Appending::newer);
    if (is_answered_) end_question();
    return {};
  }

  enum class Appending : std::uint8_t { missing, newer };

  Result<> append(Batch batch, Appending what) {
    appended_ = batch;
    appending_ = what;
    if (what == Appending::missing && surroundings_.before_repair) surroundings_.before_repair(batch);
    // Under the lock, so that after fence() nothing more comes.
    const std::lock_guard lock(mutex_);
    if (is_fenced_) return {};
    submission_ = what == Appending::missing
                      ? committer_.repair(number_, std::move(batch), question_->held().compared_to)
                      : committer_.submit(number_, std::move(batch), std::nullopt);
    return {};
  }

  void take_outcome() {
    Result<Committed> outcome = submission_->take();
    submission_.reset();
    if (!outcome) return give_up(std::move(outcome).during("repairing " + options_.name).error());
    std::uint64_t repaired = 0;
    if (appending_ == Appending::missing)
      for (const FeedCount& count : outcome->feeds) repaired += count.tally.kept;
    question_->was_appended(appended_, repaired, journal_->report().durable);
    healed_ += question_->task().heals ? repaired : 0;
    {
      const std::lock_guard lock(mutex_);
      figures_.repaired += repaired;
    }
    appended_.clear();
    if (Result<> went_on = go_on(); !went_on) give_up(went_on.error());
  }

  // --- ends ---

  void end_question() {
    const ProofQuestion question = std::move(*question_);
    question_.reset();
    is_answered_ = false;
    troubles_.erase(question.task().traits.feed);
    const Timestamp now = service_now().value_or(clock_.now());
    {
      const std::lock_guard lock(mutex_);
      ++figures_.comparisons;
      figures_.records_read += question.records_read();
      if (troubles_.empty()) figures_.error.clear();
    }
    ProofFeed& feed = *keeper_.ledger().find(question.task().traits.feed);
    if (question.task().heals) {
      add_repairs(feed, question.repairs());
    } else {
      put(feed, question, now);
      if (question.repaired() > 0 && !feed.is_inventory)
        sweeps_[feed.feed].begin(question.repairs().front().from, feed.since, feed.windows.back().to, now);
    }
    keeper_.changed(question.repaired() > 0);
    due_ = std::max(due_, clock_.monotonic());
  }

  void put(ProofFeed& feed, const ProofQuestion& question, Timestamp now) {
    std::vector<ProofWindow> windows = question.windows();
    for (ProofWindow& window : windows) {
      window.checked_at = now;
      window.ages_passed = feed.is_inventory ? 1 : schedule_.ages_passed(window.to, now);
      window.found_at_age = window.repaired > 0 ? window.ages_passed : 0;
    }
    if (feed.is_inventory) {
      if (!feed.windows.empty()) windows.front().repaired += feed.windows.front().repaired;
      feed.windows = std::move(windows);
      return;
    }
    put_windows(feed, question.task().from, question.task().to, std::move(windows));
    merge_quiet_windows(feed);
    if (!question.task().was_due) sweeps_[feed.feed].done(question.task().to);
  }

  // The question at hand is given up; its time is asked for again later.
  void give_up(const Error& error) {
    if (error.code() == ErrorCode::interrupted) return;
    log::repeating("proof " + options_.name, Error(error).during("proving " + options_.name));
    const std::string feed = question_        ? question_->task().traits.feed
                             : tasks_.empty() ? std::string()
                                              : tasks_.front().traits.feed;
    question_.reset();
    tasks_.clear();
    healing_.reset();
    is_answered_ = false;
    {
      const std::lock_guard lock(mutex_);
      figures_.error = error.text();
    }
    auto [trouble, is_new] = troubles_.try_emplace(feed, limits, number_);
    trouble->second.retry_at = clock_.monotonic() + trouble->second.backoff.next(error);
    // Other feeds go on; without any, nothing is asked until then.
    due_ = feed.empty() || is_damage_open() ? trouble->second.retry_at : clock_.monotonic() + std::chrono::seconds(1);
  }

  bool is_damage_open() {
    return std::ranges::any_of(keeper_.ledger().damage, [](const auto& place) { return !place.healed_at; });
  }

  void write_ledger() {
    if (is_fenced()) return;
    if (Result<> written = keeper_.write_if_due(); !written) log::repeating("ledger " + options_.name, written.error());
  }

  struct Trouble {
    Trouble(BackoffLimits limits_of, std::uint64_t seed) : backoff(limits_of, seed) {}
    Backoff backoff;
    MonotonicTime retry_at{};
  };

  const Options options_;
  Source& source_;
  Committer& committer_;
  const std::size_t number_;
  const std::shared_ptr<const store::Journal> journal_;
  const Clock& clock_;
  const Surroundings surroundings_;
  const ProofSchedule schedule_;

  // The stepping thread's own.
  LedgerKeeper keeper_;
  const std::vector<FeedTraits> traits_;
  bool is_loaded_ = false;
  std::deque<ProofTask> tasks_;
  std::optional<ProofQuestion> question_;
  bool is_answered_ = false;
  std::uint64_t polls_ = 0;
  MonotonicTime moved_{};
  std::shared_ptr<Submission> submission_;
  Batch appended_;
  Appending appending_ = Appending::missing;
  std::optional<HealingPlan> healing_;
  std::uint64_t healed_ = 0;
  bool is_healing_wide_ = false;
  std::optional<store::Position> scrub_at_;
  bool was_scrubbed_ = false;
  std::map<std::string, Trouble> troubles_;
  std::map<std::string, ProofSweep> sweeps_;
  std::optional<Timestamp> heard_;
  MonotonicTime heard_at_{};
  Duration looked_after_ = looked_every;  // longer and longer, while the service's clock passes like ours
  std::optional<Timestamp> looked_now_;
  MonotonicTime looked_at_{};
  std::uint64_t looked_for_oldest_ = 0;
  MonotonicTime due_;

  mutable std::mutex mutex_;  // guards what follows
  bool is_fenced_ = false;
  std::optional<Timestamp> now_;
  ProofStatus figures_;
  std::uint64_t noticed_damage_ = 0;
};

std::string ledger_path(const std::string& data_dir, std::string_view source) {
  return fmt::format("{}/sources/{}/proof", data_dir, source);
}

Prover::Prover(Options options, Source& source, Committer& committer, std::size_t number, FileSystem& files,
               const Clock& clock, Surroundings surroundings)
    : work_(std::make_unique<Work>(std::move(options), source, committer, number, files, clock,
                                   std::move(surroundings))) {}
Prover::~Prover() = default;

Step Prover::step(const std::stop_token& stop) { return work_->step(stop); }
const std::shared_ptr<Submission>& Prover::submission() const { return work_->submission(); }
Result<> Prover::finish() { return work_->finish(); }
void Prover::fence() { work_->fence(); }
ProofStatus Prover::status() const { return work_->status(); }
std::shared_ptr<const store::ProofLedger> Prover::ledger() const { return work_->ledger(); }
bool Prover::is_healing() const { return work_->is_healing(); }

}  // namespace capstan::runtime
