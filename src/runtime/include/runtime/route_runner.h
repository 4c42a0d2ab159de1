// One route at work: reads what is durable behind its cursors, source after source in turn, encodes, delivers, and
// acknowledges. One attempt a step. It owns its cursors: nobody else counts in them.
//
//   read ≤ 1 MiB ─► choose by feed ─► encode ─► Payload ─► mark ─► sink.deliver ─┬─► dead letters ─► cursor moves
//                                                 ▲                              │
//                                                 └── halved (split) ────────────┤
//                                      the same again after a back-off ──────────┘  (retry, hold, fault)
//
// mark: before a message is sent, the cursor on disk says that it may have been (Cursor::attempted_to); before one is
// sent that may have arrived already, it is counted there as resent. So whatever ends the process, `resent` is never
// below the doubles at the destination. The mark runs ahead of what is sent, by at most AttemptReserve::most records,
// so that it costs no write of its own: after a kill, as many may be counted too much.
//
// Only a dead letter takes a record out of a route, and only a split or an encoder's refusal leads there. Everything
// else waits. Stepped by one thread at a time; status(), is_caught_up() and replay() by any.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "runtime/backoff.h"
#include "runtime/committer.h"
#include "runtime/dead_letter_box.h"
#include "runtime/plan.h"
#include "runtime/route_cursor.h"
#include "runtime/status.h"
#include "runtime/step.h"
#include "store/journal.h"

namespace capstan::runtime {

class RouteRunner {
public:
  // A source that the route draws from.
  struct From {
    std::string source;
    std::string tenant;
    std::size_t number = 0;  // in the committer
    store::Cursor cursor;    // as the journal has it
  };

  // The plan's route, committer, dead letters and clock outlive the runner.
  RouteRunner(RoutePlan& route, std::vector<From> from, Committer& committer, DeadLetterBox& dead_letters,
              const Clock& clock, std::uint64_t seed);
  ~RouteRunner();

  // Without a time in the answer there is nothing to deliver until something becomes durable.
  Step step(const std::stop_token& stop);
  // After the last step.
  void close();
  // Any thread. From now on nothing that it does counts: what its step at hand still delivers is acknowledged nowhere
  // and another runner will deliver it again. Gives where it was, which does not change any more; a replay that was
  // asked for and not taken up yet is in it.
  std::vector<From> fence();

  const std::string& name() const { return route_.name; }
  // Whether a source's new records concern it.
  bool draws_from(std::size_t number) const;
  // Any thread: something became durable that may concern it. From now on no progress means that it is stalled.
  void expect_work();

  // Any thread. So many records of a source will come again although the destination may have them: they were damaged
  // in the journal since and are collected anew. Counted as resent, and on disk, when it returns.
  Result<> expect_again(std::size_t number, std::uint64_t records);

  RouteStatus status() const;
  // Everything durable is delivered.
  bool is_caught_up() const;
  std::optional<Error> held_by() const;
  // Since when it has had work and has delivered nothing of it; nothing: it has none.
  std::optional<MonotonicTime> without_progress_since() const;

  struct Rewind {
    std::size_t from = 0;  // which of the sources
    store::Position since;
    std::optional<store::Position> until;  // what lies from here to where the cursor stood is passed over
  };
  // Takes effect with the next step.
  void replay(std::vector<Rewind> rewinds);

private:
  struct Lane;  // what a step works on
  struct Draw {
    From from;
    std::shared_ptr<const store::Journal> journal;
    std::optional<InHand> in_hand;  // what of it is read and not acknowledged
    std::uint64_t sent_to = 0;      // records from this number on have not been sent
    // Of cursor.resent: what needs no promise any more; what the cursor on disk says ahead of it; what of that is
    // durable.
    std::uint64_t resent_settled = 0;
    std::uint64_t resent_promised = 0;
    std::uint64_t resent_written = 0;
    std::uint64_t losses_told = 0;
    std::uint64_t resent_told = 0;  // of cursor.resent: what stands in receipts

    // A replay that ends before the place where it began.
    struct PassOver {
      store::Position from;  // [from, to) was delivered before
      store::Position to;
      std::uint64_t from_number = 0;
      std::uint64_t to_number = 0;
    };
    std::optional<PassOver> pass_over;

    // What was delivered last, as far back as the sink is in doubt about it.
    struct Delivered {
      store::Position from;
      std::uint64_t bytes = 0;
      MonotonicTime at;
    };
    std::deque<Delivered> lately;
    std::uint64_t lately_bytes = 0;
  };
  // The attempt at hand.
  struct Attempt {
    std::size_t draw = 0;
    std::size_t first = 0;          // messages before it are delivered and are not sent
    std::uint64_t sent_before = 0;  // records before this number may have been at the destination before it
    std::uint64_t again = 0;        // messages that are counted as resent already, and may not be sent after all
    bool is_sending = false;
  };

  Step attempt(const std::stop_token& stop, MonotonicTime now);
  Result<bool> fetch();
  Result<bool> fetch_from(std::size_t draw);
  Result<store::Slice> read_on(Draw& draw);
  Result<> build();
  Result<> bury();
  void acknowledge();
  void begin_where_it_is_sure();
  void remember_delivery(Draw& draw, std::uint64_t bytes, MonotonicTime now);
  void forget_old_deliveries(Draw& draw, MonotonicTime now) const;
  bool tend(const std::stop_token& stop, MonotonicTime now);
  bool halve(const Error& error);
  Step fail(const Error& error, MonotonicTime now);
  void apply_rewinds();
  bool pass_over(Draw& draw) const;
  Result<> resume_sink();
  void tell(const Draw& draw);
  bool is_fenced() const;

  // route_receipts.cpp: what is left as evidence.
  void name_evidence();
  void note_attempt();
  void leave_receipt(Draw& draw, store::Position from, const Delivery& delivery);
  void leave_receipt_of_loss(const Draw& draw, store::Position from) const;

  // route_counting.cpp: what goes into the cursors. With mutex_ held, but for the four that may write to the disk.
  void count(Draw& draw, const Delivery& delivery) const;
  void catch_up_with_retention(Draw& draw) const;
  void tell_losses(Draw& draw) const;
  void take_in_hand(Draw& draw) const;
  RouteCursor stands(const Draw& draw) const;
  std::uint64_t sent_below(const Draw& draw) const;
  std::uint64_t messages_again(std::uint64_t below, std::size_t first, std::size_t end) const;
  std::uint64_t number_behind(std::size_t message) const;
  bool is_marked_to(const Draw& draw, std::uint64_t end) const;
  void mark(Draw& draw, std::uint64_t end);
  void renew_mark(Draw& draw) const;
  Result<> begin_attempt(MonotonicTime now);
  void end_attempt(std::size_t arrived);
  Result<> count_resent(std::uint64_t messages);
  Result<> write_marks(std::size_t draw, MonotonicTime now);

  RoutePlan& route_;
  Committer& committer_;
  DeadLetterBox& dead_letters_;
  const Clock& clock_;
  Backoff backoff_;
  std::unique_ptr<Lane> lane_;

  mutable std::mutex mutex_;  // guards what follows; the lane writes, others read
  std::vector<Draw> draws_;
  std::vector<Rewind> rewinds_;
  bool is_fenced_ = false;
  std::optional<Attempt> attempt_;
  std::uint64_t reserve_ = 0;                        // how far a mark runs ahead
  std::optional<MonotonicTime> mark_refused_since_;  // the disk does not take it
  RouteStatus figures_;                              // those that count since the start
  std::optional<Error> error_;
  MonotonicTime progressed_at_;
  bool is_idle_ = false;
  std::optional<Timestamp> oldest_waiting_;
};

}  // namespace capstan::runtime
