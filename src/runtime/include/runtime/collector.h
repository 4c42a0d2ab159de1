// One source at work: polls it from where its journal got to, hands over what came, and says when to come again.
//
//   due ── poll(checkpoint) ──► submitted ── committed ──► checkpoint moves, due again after Poll::wait
//    ▲                              │
//    └── back-off, checkpoint stays ┴─ refused (journal full, no room on the disk)
//
// What was polled and could not be appended is let go: the checkpoint has not moved, so the same is asked for again,
// and a full disk does not fill the memory as well. Stepped by one thread at a time; status() by any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "component/source.h"
#include "runtime/backoff.h"
#include "runtime/committer.h"
#include "runtime/status.h"
#include "runtime/step.h"

namespace capstan::runtime {

class Collector {
public:
  struct Options {
    std::string name;
    std::string kind;
    std::string tenant;
    std::uint64_t seed = 1;
    Duration poll_timeout = std::chrono::seconds(60);
  };

  // `number` is the source's in the committer. Source, committer and clock outlive the collector.
  Collector(Options options, Source& source, Committer& committer, std::size_t number, const Clock& clock);

  // Polls when it is due and nothing is on its way; takes the outcome of what was submitted. Without a time in the
  // answer it waits for its submission.
  Step step(const std::stop_token& stop);
  // Any thread: from now on it hands nothing over; what a poll at hand still brings is let go.
  void fence();
  // What is on its way to the journal; null: nothing.
  const std::shared_ptr<Submission>& submission() const { return submission_; }

  // Any thread.
  SourceStatus status() const;
  // Every feed that can work has nothing more to ask for and all of it is durable.
  bool is_drained() const;
  // The source as a whole waits for a person.
  bool is_held() const;
  // The first error that waits for a person: of the source, or of one of its feeds.
  std::optional<Error> held_by() const;
  // What time it is at the service, as it said last; nothing: it has not said yet.
  std::optional<Timestamp> service_time() const;
  // When the step that runs now was begun; nothing: none runs. For noticing one that hangs.
  std::optional<MonotonicTime> stepping_since() const;
  // Since when no poll has gone well although it was tried; nothing: the last one went well.
  std::optional<MonotonicTime> failing_since() const;
  // Feeds that have been failing for longer than `patience`, or wait for a person, and since how long.
  std::vector<std::pair<FeedStatus, Duration>> failing_feeds(Duration patience) const;

private:
  struct FeedHistory {
    FeedStatus status;
    std::optional<Error> error;
    std::optional<MonotonicTime> failing_since;
    MonotonicTime ok_at{};
    // Where the newest record was some minutes ago, for the speed of catching up.
    std::optional<Timestamp> sampled_newest;
    MonotonicTime sampled_at{};
    double speed = 0;  // seconds of records a second
  };

  Step poll(const std::stop_token& stop, MonotonicTime now);
  Step settle(MonotonicTime now);
  Step fail(const Error& error, MonotonicTime now);
  void note(const std::vector<FeedReport>& reports, MonotonicTime now);
  void measure_speed(FeedHistory& feed, MonotonicTime now) const;
  FeedHistory& history(std::string_view feed);
  SourceState state_since(MonotonicTime ok_at, bool was_ever_ok, MonotonicTime now) const;

  const Options options_;
  Source& source_;
  Committer& committer_;
  const std::size_t number_;
  const std::shared_ptr<const store::Journal> journal_;
  const Clock& clock_;
  Backoff backoff_;
  const MonotonicTime started_;

  // The stepping thread's own.
  Checkpoint checkpoint_;
  std::shared_ptr<Submission> submission_;
  Checkpoint submitted_;
  Duration wait_{};
  bool polled_drained_ = false;
  bool polled_nothing_new_ = false;
  MonotonicTime due_;

  mutable std::mutex mutex_;  // guards what follows
  bool is_fenced_ = false;
  std::vector<FeedHistory> feeds_;
  std::optional<Error> error_;
  bool is_drained_ = false;
  std::uint64_t polls_ = 0;
  std::uint64_t poll_errors_ = 0;
  std::optional<Timestamp> last_poll_;
  std::optional<Timestamp> service_time_;
  MonotonicTime service_time_at_{};
  MonotonicTime next_poll_;
  bool was_ever_ok_ = false;
  MonotonicTime ok_at_;
  std::optional<MonotonicTime> failing_since_;
  std::optional<MonotonicTime> stepping_since_;
};

}  // namespace capstan::runtime
