// What a route counts in its cursors, and what stands on disk before a message is sent.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "base/log.h"
#include "route_lane.h"
#include "runtime/route_runner.h"

namespace capstan::runtime {

namespace {

// A disk that does not take the mark holds the route for so long. Then it delivers all the same: a full disk is not to
// silence the destination. Should the process be killed in that state, doubles may be counted nowhere.
constexpr std::chrono::minutes mark_patience{1};

Error fenced(const std::string& route) {
  return {ErrorCode::interrupted, "delivering: route " + route + " has a successor"};
}

// How much of [from, to) was not counted before.
std::uint64_t fresh(std::uint64_t from, std::uint64_t to, std::uint64_t counted) {
  const std::uint64_t begin = std::max(from, counted);
  return to > begin ? to - begin : 0;
}

}  // namespace

// Every record from the cursor to the end of the payload goes into exactly one counter. What was counted before (a
// replay, what an earlier process had delivered before it ended uncleanly) is passed over; a gap between two records is
// what damage took.
void RouteRunner::count(Draw& draw, const Delivery& delivery) const {
  const Built& built = *lane_->built;
  const store::Slice& slice = lane_->slice;
  std::set<std::size_t> refused;  // by the encoder or by the destination
  for (const Built::Rejected& rejected : built.rejected) refused.insert(rejected.item);
  for (const Delivery::Rejected& rejected : delivery.rejected)
    refused.insert(built.payload.messages.at(rejected.message).record);

  store::Cursor& cursor = draw.from.cursor;
  const std::uint64_t counted = cursor.counted();
  std::uint64_t at = cursor.number;
  auto message = built.payload.messages.begin();
  for (std::size_t item = built.first; item < built.end; ++item) {
    const std::uint64_t number = std::max(slice.items[item].number, at);
    cursor.lost_to_damage += fresh(at, number, counted);
    at = number + 1;
    // A rule may make several messages of one record.
    const auto first = message;
    while (message != built.payload.messages.end() && message->record == item) ++message;
    if (number < counted) continue;
    ++(refused.contains(item) ? cursor.rejected : message != first ? cursor.delivered : cursor.dropped);
  }
  const bool is_whole = built.end == slice.items.size();
  const std::uint64_t end = std::max(at, is_whole ? slice.end_number : slice.items[built.end].number);
  cursor.lost_to_damage += fresh(at, end, counted);
  cursor.number = end;
  cursor.position = is_whole ? slice.end : slice.items[built.end].position;
}

// What the route stood before was removed: by retention up to its mark, by somebody else behind it.
void RouteRunner::catch_up_with_retention(Draw& draw) const {
  const store::JournalReport report = draw.journal->report();
  store::Cursor& cursor = draw.from.cursor;
  if (report.first <= cursor.position) return;
  const std::uint64_t counted = cursor.counted();
  const std::uint64_t removed_to = std::min(report.removed_to, report.first_number);
  cursor.lost_to_retention += fresh(cursor.number, removed_to, counted);
  cursor.lost_to_damage += fresh(std::max(cursor.number, removed_to), report.first_number, counted);
  cursor.number = std::max(cursor.number, report.first_number);
  const store::Position begin = std::exchange(cursor.position, report.first);
  leave_receipt_of_loss(draw, begin);
  if (draw.pass_over && draw.pass_over->to <= cursor.position) draw.pass_over.reset();
}

void RouteRunner::tell_losses(Draw& draw) const {
  const std::uint64_t lost = stands(draw).cursor.lost_to_retention;
  if (lost <= draw.losses_told) return;
  log::repeating("dropped " + draw.from.source + route_.name,
                 Error(ErrorCode::events_dropped,
                       fmt::format("making room in the journal of {}: {} events were dropped before route {} had them",
                                   draw.from.source, lost - draw.losses_told, route_.name)));
  draw.losses_told = lost;
}

void RouteRunner::take_in_hand(Draw& draw) const {
  const store::Slice& slice = lane_->slice;
  const auto next = slice.items.begin() + static_cast<std::ptrdiff_t>(lane_->next_item);
  if (next == slice.items.end()) return draw.in_hand.reset();
  const std::uint64_t counted = draw.from.cursor.counted();
  const auto first_fresh = std::partition_point(next, slice.items.end(),
                                                [&](const store::Slice::Item& item) { return item.number < counted; });
  draw.in_hand = InHand{slice.end, slice.end_number, static_cast<std::uint64_t>(slice.items.end() - next),
                        static_cast<std::uint64_t>(slice.items.end() - first_fresh)};
}

RouteCursor RouteRunner::stands(const Draw& draw) const {
  store::Cursor cursor = draw.from.cursor;
  if (attempt_ && &draws_[attempt_->draw] == &draw) cursor.resent -= attempt_->again;
  std::uint64_t passed_over = 0;
  if (const auto& rest = draw.pass_over)
    passed_over = draw.journal->behind(rest->from, rest->from_number).records -
                  draw.journal->behind(rest->to, rest->to_number).records;
  return where_it_stands(draw.from.source, *draw.journal, std::move(cursor), draw.in_hand, passed_over);
}

// Records before this number may be at the destination. One that recognizes what comes again has only what was counted
// as new to it: a replay is written once more.
std::uint64_t RouteRunner::sent_below(const Draw& draw) const {
  return route_.sink->recognizes_repeats() ? draw.from.cursor.counted() : draw.sent_to;
}

// Of the payload's messages [first, end), those that may be at the destination already.
std::uint64_t RouteRunner::messages_again(std::uint64_t below, std::size_t first, std::size_t end) const {
  const std::span messages(lane_->built->payload.messages);
  const auto sent = messages.subspan(first, std::max(first, std::min(end, messages.size())) - first);
  const auto first_new = std::ranges::partition_point(
      sent, [&](const Payload::Message& message) { return lane_->slice.items[message.record].number < below; });
  return static_cast<std::uint64_t>(first_new - sent.begin());
}

std::uint64_t RouteRunner::number_behind(std::size_t message) const {
  return lane_->slice.items[lane_->built->payload.messages.at(message).record].number + 1;
}

// Before anything is sent, the disk knows: records may be at the destination up to here, and so many messages twice.
Result<> RouteRunner::begin_attempt(MonotonicTime now) {
  const std::size_t messages = lane_->built->payload.messages.size();
  const std::size_t first = std::min(route_.sink->has_delivered(lane_->built->payload), messages);
  const std::uint64_t end = number_behind(messages - 1);
  bool is_marked = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_fenced_) return fenced(route_.name);
    Draw& draw = draws_[*lane_->draw];
    attempt_ = Attempt{*lane_->draw, first, sent_below(draw), messages_again(sent_below(draw), first, messages), false};
    draw.from.cursor.resent += attempt_->again;
    is_marked = is_marked_to(draw, end);
    if (!is_marked) mark(draw, end);
  }
  if (!is_marked) {
    if (Result<> written = write_marks(*lane_->draw, now); !written) {
      end_attempt(0);
      return written;
    }
  }
  const std::lock_guard lock(mutex_);
  if (is_fenced_) return fenced(route_.name);
  Draw& draw = draws_[*lane_->draw];
  draw.sent_to = std::max(draw.sent_to, end);
  attempt_->is_sending = true;
  ++figures_.attempts;
  return {};
}

// What has not arrived is neither sent nor resent.
void RouteRunner::end_attempt(std::size_t arrived) {
  const std::lock_guard lock(mutex_);
  if (!attempt_) return;
  const Attempt attempt = *std::exchange(attempt_, {});
  arrived = std::min(arrived, lane_->built->payload.messages.size());
  Draw& draw = draws_[attempt.draw];
  draw.from.cursor.resent -= attempt.again - messages_again(attempt.sent_before, attempt.first, arrived);
  if (!attempt.is_sending || route_.sink->recognizes_repeats()) return;
  draw.sent_to = std::max(attempt.sent_before, arrived == 0 ? 0 : number_behind(arrived - 1));
}

// The sink is about to send messages of earlier payloads again.
Result<> RouteRunner::count_resent(std::uint64_t messages) {
  std::size_t number = 0;
  bool is_marked = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_fenced_) return fenced(route_.name);
    number = attempt_ ? attempt_->draw : 0;
    Draw& draw = draws_[number];
    draw.from.cursor.resent += messages;
    // What is sent again is in doubt again.
    for (Draw& one : draws_)
      for (Draw::Delivered& delivered : one.lately) delivered.at = clock_.monotonic();
    is_marked = is_marked_to(draw, 0);
    if (!is_marked) mark(draw, 0);
  }
  if (is_marked) return {};
  Result<> written = write_marks(number, clock_.monotonic());
  if (written) return {};
  const std::lock_guard lock(mutex_);
  draws_[number].from.cursor.resent -= messages;
  return written;
}

// The disk may know more than the cursor, from before a reload: what is written next is the cursor.
bool RouteRunner::is_marked_to(const Draw& draw, std::uint64_t end) const {
  const store::Cursor& cursor = draw.from.cursor;
  const bool attempts = route_.sink->recognizes_repeats() ||
                        std::min(cursor.attempted_to, draw.journal->attempts_written(route_.name)) >= end;
  const bool doubles = cursor.resent == draw.resent_settled || draw.resent_written >= cursor.resent;
  return attempts && doubles;
}

// Ahead of what is needed now, so that the next payloads need no write. A lead that was too short grows.
void RouteRunner::mark(Draw& draw, std::uint64_t end) {
  store::Cursor& cursor = draw.from.cursor;
  if (!route_.sink->recognizes_repeats() && cursor.attempted_to < end) {
    cursor.attempted_to = end + reserve_;
    reserve_ = std::min(reserve_ * 4, route_.reserve.most);
  }
  if (cursor.resent != draw.resent_settled && cursor.resent > draw.resent_promised)
    draw.resent_promised = cursor.resent + reserve_;
  tell(draw);
}

Result<> RouteRunner::write_marks(std::size_t number, MonotonicTime now) {
  std::uint64_t promised = 0;
  std::size_t source = 0;
  {
    const std::lock_guard lock(mutex_);
    promised = draws_[number].resent_promised;
    source = draws_[number].from.number;
  }
  Result<> written = committer_.write_cursors_of(source);
  const std::lock_guard lock(mutex_);
  if (written) {
    mark_refused_since_.reset();
    draws_[number].resent_written = promised;
    return {};
  }
  if (!mark_refused_since_) mark_refused_since_ = now;
  if (now - *mark_refused_since_ < mark_patience) return written;
  log::repeating("mark " + route_.name, Error(written.error()).during("delivering without a mark on disk"));
  return {};
}

// After an acknowledgement: the lead is made good by the cursors that are written anyway. Where nothing comes again any
// more the promise is taken back.
void RouteRunner::renew_mark(Draw& draw) const {
  store::Cursor& cursor = draw.from.cursor;
  if (cursor.number >= sent_below(draw)) {
    draw.resent_promised = draw.resent_written = 0;
    draw.resent_settled = cursor.resent;
  }
  draw.sent_to = std::max(draw.sent_to, cursor.number);
  if (!route_.sink->recognizes_repeats() && cursor.attempted_to < cursor.number + reserve_ / 2)
    cursor.attempted_to = cursor.number + reserve_;
}

}  // namespace capstan::runtime
