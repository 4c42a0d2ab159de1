#include "runtime/committer.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/log.h"

namespace capstan::runtime {

bool Submission::is_done() const {
  const std::lock_guard lock(mutex_);
  return outcome_.has_value();
}

bool Submission::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return done_.wait(lock, stop, [this] { return outcome_.has_value(); });
}

Result<Committed> Submission::take() {
  const std::lock_guard lock(mutex_);
  if (!outcome_) return Error(ErrorCode::internal, "taking the outcome of a commit that is not done");
  return std::move(*outcome_);
}

void Submission::finish(Result<Committed> outcome) {
  {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  }
  done_.notify_all();
}

namespace {

// Of the journal at once, when it is looked through for what is to be repaired.
constexpr Bytes repair_read_max = 1_MiB;

struct HashOfIdentity {
  std::size_t operator()(const Hash128& hash) const { return static_cast<std::size_t>(hash.low); }
};
// What this batch has brought so far: the index only knows what is appended.
using SeenInBatch = std::unordered_map<Hash128, std::uint64_t, HashOfIdentity>;

enum class Verdict : std::uint8_t { created, updated, duplicate };

Verdict as_it_came(const RecordView& record) {
  return record.kind == RecordKind::updated ? Verdict::updated : Verdict::created;
}

struct Judged {
  std::vector<Verdict> verdicts;
  bool is_as_it_came = true;  // every record is kept with the kind it has
  Committed counts;
};

FeedCount& count_of(Committed& committed, std::string_view feed) {
  for (FeedCount& count : committed.feeds)
    if (count.feed == feed) return count;
  return committed.feeds.emplace_back(FeedCount{std::string(feed), {}, 0, 0});
}

void count(Committed& committed, const RecordView& record, Verdict verdict) {
  FeedCount& feed = count_of(committed, record.feed);
  ++feed.tally.received;
  if (verdict == Verdict::duplicate) {
    ++feed.tally.dropped;
    return;
  }
  ++feed.tally.kept;
  if (verdict == Verdict::updated) ++feed.updates;
  if (record.is_quarantined) ++feed.quarantined;
}

Result<> check_conserved(const Committed& committed) {
  for (const FeedCount& feed : committed.feeds)
    if (!feed.tally.is_conserved())
      return Error(ErrorCode::internal,
                   "appending records of " + feed.feed + ": received is not kept plus seen before");
  return {};
}

}  // namespace

struct Committer::Store {
  std::string source;
  std::shared_ptr<store::Journal> journal;
  std::unique_ptr<store::IdIndex> index;
  std::vector<FeedTraits> traits;
  std::optional<Checkpoint> appended;  // the newest, durable or not
  store::Position durable;
  std::atomic<bool> has_unwritten_cursors{false};
  bool is_touched = false;  // appended to, or retention may have rolled it
  std::atomic<std::uint64_t> index_size{0};

  Repetition repetition(std::string_view feed) const {
    for (const FeedTraits& trait : traits)
      if (trait.feed == feed) return trait.repetition;
    return Repetition::by_id;
  }

  Result<Verdict> judge(const RecordView& record, SeenInBatch& seen) const {
    const Repetition rule = repetition(record.feed);
    if (rule == Repetition::none) return as_it_came(record);
    const auto [entry, is_new] = seen.try_emplace(identity(record.feed, record.id), record.content_hash);
    store::IdIndex::Seen known = store::IdIndex::Seen::never;
    if (!is_new) {
      known = entry->second == record.content_hash ? store::IdIndex::Seen::same : store::IdIndex::Seen::changed;
      entry->second = record.content_hash;
    } else {
      known = TRY(index->look_up(record.feed, record.id, record.content_hash));
    }
    if (known == store::IdIndex::Seen::never) return as_it_came(record);
    if (known == store::IdIndex::Seen::changed && rule == Repetition::by_content) return Verdict::updated;
    return Verdict::duplicate;
  }

  Result<Judged> judge(const Batch& batch) const {
    Judged judged;
    judged.verdicts.reserve(batch.size());
    SeenInBatch seen;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RecordView record = batch[i];
      const Verdict verdict = TRY(judge(record, seen));
      judged.is_as_it_came = judged.is_as_it_came && verdict == as_it_came(record);
      judged.verdicts.push_back(verdict);
      count(judged.counts, record, verdict);
    }
    TRY(check_conserved(judged.counts));
    return judged;
  }

  Result<bool> is_remembered(const RecordView& record) const {
    SeenInBatch none;
    return TRY(judge(record, none)) == Verdict::duplicate;
  }

  // Everything is kept that the journal does not hold from that position on. On the thread of the only writer, and with
  // all that was appended before made readable, nothing can come in between. Where retention has removed a part of that
  // already, nobody can look there: then what the id index remembers is left out. It is compared again later.
  Result<Judged> judge_repair(const Batch& batch, store::Position compared_to) {
    if (journal->has_unsynced()) TRY(journal->sync());
    std::unordered_set<Hash128, HashOfIdentity> known;
    for (std::size_t i = 0; i < batch.size(); ++i) known.insert(identity(batch[i].feed, batch[i].id));
    std::unordered_set<Hash128, HashOfIdentity> journaled;
    store::Position at = std::max(compared_to, journal->report().first);
    while (at < journal->report().durable) {
      const store::Slice slice = TRY(journal->read(at, repair_read_max));
      for (const auto& item : slice.items)
        if (const Hash128 key = identity(item.record.feed, item.record.id); known.contains(key)) journaled.insert(key);
      if (slice.end <= at) break;
      at = slice.end;
    }
    const bool was_removed = journal->report().first > compared_to;
    Judged judged;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RecordView record = batch[i];
      if (was_removed && TRY(is_remembered(record))) journaled.insert(identity(record.feed, record.id));
      const bool is_new = journaled.insert(identity(record.feed, record.id)).second;
      judged.verdicts.push_back(is_new ? as_it_came(record) : Verdict::duplicate);
      judged.is_as_it_came = judged.is_as_it_came && is_new;
      count(judged.counts, record, judged.verdicts.back());
    }
    TRY(check_conserved(judged.counts));
    return judged;
  }

  static Result<Batch> kept(const Batch& batch, const std::vector<Verdict>& verdicts) {
    Batch kept;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (verdicts[i] == Verdict::duplicate) continue;
      RecordView record = batch[i];
      record.kind = verdicts[i] == Verdict::updated ? RecordKind::updated : RecordKind::created;
      TRY(kept.add(record));
    }
    return kept;
  }

  Result<> append(const Batch& batch, const std::optional<Checkpoint>& next) {
    const Checkpoint current = appended ? *appended : journal->checkpoint();
    const Checkpoint& wanted = next ? *next : current;
    // Nothing new and no step forward: an idle source costs no disk.
    if (batch.is_empty() && wanted == current) return {};
    is_touched = true;
    Result<> done = journal->append(batch, wanted);
    if (!done && done.error().code() == ErrorCode::journal_full) {
      TRY(journal->enforce_retention());
      done = journal->append(batch, wanted);
    }
    TRY(std::move(done));
    appended = wanted;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RecordView record = batch[i];
      if (repetition(record.feed) == Repetition::none) continue;
      // Appended is appended: an index that cannot remember costs a repetition, never a record.
      if (Result<> remembered = index->remember(record); !remembered)
        log::repeating("remember " + source, std::move(remembered).during("remembering ids of " + source).error());
    }
    index_size.store(index->size(), std::memory_order_relaxed);
    return {};
  }
};

struct Committer::Pending {
  std::size_t source = 0;
  Batch batch;
  std::optional<Checkpoint> next;
  std::optional<store::Position> compared_to;  // a repair
  std::shared_ptr<Submission> submission = std::make_shared<Submission>();
  Result<Committed> outcome = Committed{};
};

// Something to do between two steps, and what became of it.
struct Committer::Work {
  std::function<Result<>()> work;
  std::mutex mutex;
  std::condition_variable changed;
  enum class State : std::uint8_t { waiting, given_up, begun, done } state = State::waiting;
  Result<> outcome;
};

Committer::Committer(const Clock& clock, Options options)
    : clock_(clock), options_(options), cursors_written_(clock.monotonic()), retention_done_(clock.monotonic()) {}
Committer::~Committer() = default;

std::size_t Committer::add(std::string source, std::unique_ptr<store::Journal> journal,
                           std::unique_ptr<store::IdIndex> index, std::vector<FeedTraits> traits) {
  auto store = std::make_unique<Store>();
  store->source = std::move(source);
  store->journal = std::move(journal);
  store->index = std::move(index);
  store->traits = std::move(traits);
  store->durable = store->journal->report().durable;
  store->index_size = store->index->size();
  const std::lock_guard lock(slots_mutex_);
  stores_.push_back(std::move(store));
  return stores_.size() - 1;
}

Result<store::Cursor> Committer::first_cursor(std::size_t source, std::string_view route) {
  return stores_[source]->journal->cursor(route);
}

Result<> Committer::retire(std::size_t source) {
  stores_[source]->has_unwritten_cursors = true;
  Result<> written = write_cursors(clock_.monotonic(), AtOnce::yes);
  std::shared_ptr<Store> gone;
  {
    const std::lock_guard lock(slots_mutex_);
    gone = std::exchange(stores_[source], nullptr);
  }
  if (!gone->journal->has_unsynced())
    if (Result<> advanced = gone->index->advance(gone->journal->report().durable, true); !advanced && written)
      return std::move(advanced).during("writing the id index of " + gone->source);
  return written;
}

Result<> Committer::change_feeds(
    std::size_t source, std::vector<FeedTraits> traits,
    const std::function<Result<std::unique_ptr<store::IdIndex>>(const store::Journal&)>& open) {
  Store& store = *stores_[source];
  // What is lost by a write that does not succeed comes back from the journal.
  if (Result<> advanced = store.index->advance(store.journal->report().durable, true); !advanced)
    log::repeating("index " + store.source,
                   std::move(advanced).during("writing the id index of " + store.source).error());
  auto index = open(*store.journal);
  if (!index) {
    note_fault(index.error());
    return index.error();
  }
  store.index = std::move(*index);
  store.traits = std::move(traits);
  return {};
}

Result<> Committer::forget_cursor(std::size_t source, std::string_view route) {
  return stores_[source]->journal->forget_cursor(route);
}

Result<> Committer::between_steps(std::function<Result<>()> work, Duration patience) {
  const auto asked = std::make_shared<Work>();
  asked->work = std::move(work);
  {
    const std::lock_guard lock(mutex_);
    works_.push_back(asked);
  }
  if (on_work_) on_work_();
  std::unique_lock lock(asked->mutex);
  const auto is_begun = [&] { return asked->state != Work::State::waiting; };
  if (!asked->changed.wait_for(lock, patience, is_begun)) {
    asked->state = Work::State::given_up;
    return Error(ErrorCode::timed_out, "waiting for the journals' writer: the disk does not answer");
  }
  asked->changed.wait(lock, [&] { return asked->state == Work::State::done; });
  return asked->outcome;
}

void Committer::do_works() {
  for (const auto& asked : std::exchange(taken_works_, {})) {
    {
      const std::lock_guard lock(asked->mutex);
      if (asked->state == Work::State::given_up) continue;
      asked->state = Work::State::begun;
    }
    Result<> outcome = asked->work();
    {
      const std::lock_guard lock(asked->mutex);
      asked->outcome = std::move(outcome);
      asked->state = Work::State::done;
    }
    asked->changed.notify_all();
  }
}

std::shared_ptr<Submission> Committer::submit(std::size_t source, Batch batch, std::optional<Checkpoint> next) {
  Pending pending;
  pending.source = source;
  pending.batch = std::move(batch);
  pending.next = std::move(next);
  return take_in(std::move(pending));
}

std::shared_ptr<Submission> Committer::repair(std::size_t source, Batch batch, store::Position compared_to) {
  Pending pending;
  pending.source = source;
  pending.batch = std::move(batch);
  pending.compared_to = compared_to;
  return take_in(std::move(pending));
}

std::shared_ptr<Submission> Committer::take_in(Pending pending) {
  std::shared_ptr<Submission> submission = pending.submission;
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_since_) waiting_since_ = clock_.monotonic();
    pending_.push_back(std::move(pending));
  }
  if (on_work_) on_work_();
  return submission;
}

void Committer::add_receipt(std::size_t source, std::string_view route, const store::Receipt& receipt) {
  if (const std::shared_ptr<Store> known = store(source)) known->journal->add_receipt(route, receipt);
}

void Committer::acknowledge(std::size_t source, const store::Cursor& cursor) {
  const std::shared_ptr<Store> known = store(source);
  if (!known) return;
  if (Result<> taken = known->journal->acknowledge(cursor); !taken) {
    log::repeating("acknowledge " + known->source + cursor.route,
                   std::move(taken).during("acknowledging in the journal of " + known->source).error());
    return;
  }
  if (!known->has_unwritten_cursors.exchange(true) && on_work_) on_work_();
}

Result<> Committer::write_cursors_of(std::size_t source) {
  const std::shared_ptr<Store> known = store(source);
  if (!known) return {};
  // Before, so that an acknowledgement meanwhile is not forgotten.
  known->has_unwritten_cursors = false;
  Result<> written = known->journal->flush_cursors();
  if (!written) known->has_unwritten_cursors = true;
  return std::move(written).during("writing the cursors of " + known->source);
}

std::shared_ptr<Committer::Store> Committer::store(std::size_t source) const {
  const std::lock_guard lock(slots_mutex_);
  return stores_[source];
}

std::shared_ptr<const store::Journal> Committer::journal(std::size_t source) const {
  const std::shared_ptr<Store> found = store(source);
  return found ? found->journal : nullptr;
}

std::uint64_t Committer::index_size(std::size_t source) const {
  const std::shared_ptr<Store> found = store(source);
  return found ? found->index_size.load(std::memory_order_relaxed) : 0;
}

std::vector<Committer::Pending> Committer::take_work() {
  const std::lock_guard lock(mutex_);
  std::vector<Pending> round = std::exchange(pending_, {});
  at_work_ = round.size();
  // Together with what was submitted before them, which is durable when they are done.
  taken_works_ = std::exchange(works_, {});
  return round;
}

void Committer::append(Pending& pending) {
  if (!stores_[pending.source]) {
    pending.outcome = Error(ErrorCode::not_found, "appending: the source is not configured any more");
    return;
  }
  Store& store = *stores_[pending.source];
  pending.outcome = [&]() -> Result<Committed> {
    Judged judged =
        TRY(pending.compared_to ? store.judge_repair(pending.batch, *pending.compared_to) : store.judge(pending.batch));
    if (judged.is_as_it_came) {
      TRY(store.append(pending.batch, pending.next));
    } else {
      TRY(store.append(TRY(Store::kept(pending.batch, judged.verdicts)), pending.next));
    }
    return std::move(judged.counts);
  }();
  pending.batch.clear();
  if (!pending.outcome && pending.outcome.error().error_class() == ErrorClass::fault)
    note_fault(pending.outcome.error());
}

void Committer::sync(std::vector<Pending>& round) {
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    if (!stores_[i]) continue;
    Store& store = *stores_[i];
    if (!std::exchange(store.is_touched, false)) continue;
    Result<> synced = store.journal->sync().during("writing the journal of " + store.source);
    if (!synced) {
      note_fault(synced.error());
      for (Pending& pending : round)
        if (pending.source == i && pending.outcome) pending.outcome = synced.error();
      continue;
    }
    // Only here: what the index makes durable must never be ahead of what the journal has made durable.
    const store::Position durable = store.journal->report().durable;
    if (Result<> advanced = store.index->advance(durable, false); !advanced)
      log::repeating("index " + store.source,
                     std::move(advanced).during("writing the id index of " + store.source).error());
    if (durable != std::exchange(store.durable, durable) && on_durable_) on_durable_(i);
  }
}

void Committer::retain(MonotonicTime now) {
  if (now - retention_done_ < options_.retention_every) return;
  retention_done_ = now;
  for (const auto& store : stores_) {
    if (!store) continue;
    store->is_touched = true;
    Result<> retained = store->journal->enforce_retention().during("enforcing the retention of " + store->source);
    if (!retained) log::repeating("retention " + store->source, retained.error());
  }
}

Result<> Committer::write_cursors(MonotonicTime now, AtOnce at_once) {
  if (at_once == AtOnce::no && now - cursors_written_ < options_.cursors_every) return {};
  cursors_written_ = now;
  Result<> outcome;
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    if (!stores_[i] || !stores_[i]->has_unwritten_cursors) continue;
    Result<> written = write_cursors_of(i);
    if (!written && outcome) outcome = std::move(written);
  }
  return outcome;
}

Step Committer::step() {
  std::vector<Pending> round = take_work();
  for (Pending& pending : round) append(pending);
  sync(round);
  for (Pending& pending : round) pending.submission->finish(std::move(pending.outcome));
  const MonotonicTime now = clock_.monotonic();
  retain(now);
  if (Result<> written = write_cursors(now, AtOnce::no); !written) log::repeating("cursors", written.error());
  do_works();

  const std::lock_guard lock(mutex_);
  at_work_ = 0;
  waiting_since_ = pending_.empty() ? std::nullopt : std::optional(now);
  if (!pending_.empty() || !works_.empty()) return Step{now};
  MonotonicTime at = retention_done_ + options_.retention_every;
  const bool has_cursors =
      std::ranges::any_of(stores_, [](const auto& store) { return store && store->has_unwritten_cursors; });
  if (has_cursors) at = std::min(at, cursors_written_ + options_.cursors_every);
  return Step{at};
}

Result<> Committer::finish() {
  step();
  // All of them: with the cursors stands how far the journals are durable.
  for (const auto& store : stores_)
    if (store) store->has_unwritten_cursors = true;
  Result<> outcome = write_cursors(clock_.monotonic(), AtOnce::yes);
  for (const auto& store : stores_) {
    if (!store || store->journal->has_unsynced()) continue;
    Result<> advanced = store->index->advance(store->journal->report().durable, true);
    if (!advanced && outcome) outcome = std::move(advanced).during("writing the id index of " + store->source);
  }
  if (const std::optional<Error> stopped = fault(); stopped && outcome) return *stopped;
  return outcome;
}

void Committer::note_fault(const Error& error) {
  log::repeating("journal", error);
  const std::lock_guard lock(mutex_);
  if (!fault_) fault_ = error;
}

std::optional<Error> Committer::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

std::optional<MonotonicTime> Committer::waiting_since() const {
  const std::lock_guard lock(mutex_);
  return waiting_since_;
}

bool Committer::has_submissions() const {
  const std::lock_guard lock(mutex_);
  return !pending_.empty() || at_work_ > 0;
}

}  // namespace capstan::runtime
