// The one writer of all journals. Collectors submit what they polled, routes tell how far they got; a step does the
// work of all of them at once:
//
//   submissions ─► de-duplication ─► append ─┐
//   (all sources)                            ├─► fdatasync of every journal that was written ─► id index ─► outcomes,
//                                            │                                                              wake routes
//   acknowledged cursors ────────────────────┴─► four times a second: written
//
// Sources come and go while it runs: each has a slot with a number that is never given again. Slots change on the
// committer's thread only (between_steps); a journal lives for as long as somebody holds it.
//
// De-duplication is here and not in the collector because the id index belongs to the journal's writer, and because an
// id may only be remembered once its record has been appended: an append that is refused is tried again later, and must
// not find its own ids.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "component/source.h"
#include "event/tally.h"
#include "runtime/step.h"
#include "store/id_index.h"
#include "store/journal.h"

namespace capstan::runtime {

// What became of the records of one feed in one submission.
struct FeedCount {
  std::string feed;
  Tally tally;  // received = kept (journaled) + dropped (seen before)
  std::uint64_t updates = 0;
  std::uint64_t quarantined = 0;
};
struct Committed {
  std::vector<FeedCount> feeds;
};

// A batch on its way into a journal. Its outcome comes when it is durable, or when it was refused.
class Submission {
public:
  bool is_done() const;
  // Waits for the outcome; false when stopped before.
  bool wait(const std::stop_token& stop);
  // Once, after it is done.
  Result<Committed> take();

private:
  friend class Committer;
  void finish(Result<Committed> outcome);

  mutable std::mutex mutex_;
  std::condition_variable_any done_;
  std::optional<Result<Committed>> outcome_;
};

class Committer {
public:
  struct Options {
    Duration cursors_every = std::chrono::milliseconds(250);
    Duration retention_every = std::chrono::minutes(1);
  };

  Committer(const Clock& clock, Options options);
  ~Committer();

  // Before the first step, or between steps. Gives the number by which the source is meant below.
  std::size_t add(std::string source, std::unique_ptr<store::Journal> journal, std::unique_ptr<store::IdIndex> index,
                  std::vector<FeedTraits> traits);
  // Before the first step, or between steps: where the route is in the journal; made at its oldest record when it is
  // new.
  Result<store::Cursor> first_cursor(std::size_t source, std::string_view route);
  // Between steps. The source is not written any more, what was acknowledged is: its number means nothing from now on.
  Result<> retire(std::size_t source);
  // Between steps: other feeds, or the same ones de-duplicated in another way. `open` opens the id index for them,
  // after the one that there is was written and closed. A fault where it does not open.
  Result<> change_feeds(std::size_t source, std::vector<FeedTraits> traits,
                        const std::function<Result<std::unique_ptr<store::IdIndex>>(const store::Journal&)>& open);
  // Between steps.
  Result<> forget_cursor(std::size_t source, std::string_view route);
  // Any thread but the committer's: does the work on the committer's thread when what was submitted before is durable,
  // and waits for it. timed_out when the committer did not come to it within `patience` (a disk that hangs): then it is
  // not done at all.
  Result<> between_steps(std::function<Result<>()> work, Duration patience);

  // Called on the committer's thread when a source has new durable records, and when there is something to do for the
  // committer (from any thread). Set before the first step.
  void on_durable(std::function<void(std::size_t source)> wake) { on_durable_ = std::move(wake); }
  void on_work(std::function<void()> wake) { on_work_ = std::move(wake); }

  // Any thread. `next` absent: the journal's own checkpoint stays.
  std::shared_ptr<Submission> submit(std::size_t source, Batch batch, std::optional<Checkpoint> next);
  // Any thread. What a comparison with the tenant found missing, each id once: appended with the journal's own
  // checkpoint, except what somebody else has journaled at or behind `compared_to` meanwhile. The journal decides and
  // not the id index, which still knows ids whose frame was damaged.
  std::shared_ptr<Submission> repair(std::size_t source, Batch batch, store::Position compared_to);
  // Any thread, the cursor's owner only (store::Cursor). The journal has it at once, the disk soon.
  void acknowledge(std::size_t source, const store::Cursor& cursor);
  // Any thread, before the acknowledgement that it belongs to: then no cursor is ever written without its receipts.
  void add_receipt(std::size_t source, std::string_view route, const store::Receipt& receipt);
  // Any thread: what was acknowledged in this journal is durable when it returns. Nothing to do for a source that is
  // retired.
  Result<> write_cursors_of(std::size_t source);
  // For reading; any thread. Nothing of a source that is retired; what is held stays readable.
  std::shared_ptr<const store::Journal> journal(std::size_t source) const;
  std::uint64_t index_size(std::size_t source) const;

  // The committer's thread.
  Step step();
  // The last step: what is still waiting is committed, cursors are written, indexes made durable.
  Result<> finish();

  // Any thread: the fault that ended a journal (a failed sync), for the engine to stop with.
  std::optional<Error> fault() const;
  // Any thread: since when submissions wait that no step has taken up; nothing: none wait.
  std::optional<MonotonicTime> waiting_since() const;
  // Any thread: something is submitted and has no outcome yet.
  bool has_submissions() const;

private:
  struct Store;
  struct Pending;
  struct Work;
  enum class AtOnce : std::uint8_t { no, yes };

  std::vector<Pending> take_work();
  void do_works();
  std::shared_ptr<Store> store(std::size_t source) const;
  std::shared_ptr<Submission> take_in(Pending pending);
  void append(Pending& pending);
  void sync(std::vector<Pending>& round);
  void retain(MonotonicTime now);
  Result<> write_cursors(MonotonicTime now, AtOnce at_once);
  void note_fault(const Error& error);

  const Clock& clock_;
  Options options_;
  // By number; null: retired. Changed by the committer's thread with slots_mutex_ held, so that thread reads without.
  std::vector<std::shared_ptr<Store>> stores_;
  mutable std::mutex slots_mutex_;
  std::function<void(std::size_t)> on_durable_;
  std::function<void()> on_work_;
  std::vector<std::shared_ptr<Work>> taken_works_;  // the committer's thread
  MonotonicTime cursors_written_{};
  MonotonicTime retention_done_{};

  mutable std::mutex mutex_;
  std::vector<Pending> pending_;
  std::vector<std::shared_ptr<Work>> works_;
  std::optional<MonotonicTime> waiting_since_;
  std::size_t at_work_ = 0;
  std::optional<Error> fault_;
};

}  // namespace capstan::runtime
