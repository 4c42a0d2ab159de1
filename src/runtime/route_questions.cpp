// What other threads ask of a route's runner, and how it is fenced off from the committer.
#include <algorithm>
#include <utility>

#include "route_lane.h"
#include "runtime/route_runner.h"

namespace capstan::runtime {

// With mutex_ held.
void RouteRunner::tell(const Draw& draw) {
  if (is_fenced_) return;
  store::Cursor told = draw.from.cursor;
  told.resent = std::max(told.resent, draw.resent_promised);
  committer_.acknowledge(draw.from.number, told);
}

bool RouteRunner::is_fenced() const {
  const std::lock_guard lock(mutex_);
  return is_fenced_;
}

std::vector<RouteRunner::From> RouteRunner::fence() {
  const std::lock_guard lock(mutex_);
  is_fenced_ = true;
  std::vector<From> places;
  for (const Draw& draw : draws_) {
    From& place = places.emplace_back(draw.from);
    place.cursor.attempted_to = std::max(draw.sent_to, place.cursor.number);
    // Counted, and not sent any more: the attempt sees the fence before it sends.
    if (attempt_ && !attempt_->is_sending && &draws_[attempt_->draw] == &draw) place.cursor.resent -= attempt_->again;
  }
  for (const Rewind& rewind : std::exchange(rewinds_, {})) {
    store::Cursor& cursor = places.at(rewind.from).cursor;
    if (rewind.since >= cursor.position) continue;
    cursor.position = rewind.since;
    cursor.number = std::min(cursor.number, draws_.at(rewind.from).journal->number_of(rewind.since));
  }
  return places;
}

Result<> RouteRunner::expect_again(std::size_t number, std::uint64_t records) {
  {
    const std::lock_guard lock(mutex_);
    const auto draw = std::ranges::find(draws_, number, [](const Draw& one) { return one.from.number; });
    if (draw == draws_.end() || records == 0 || is_fenced_) return {};
    store::Cursor& cursor = draw->from.cursor;
    // What an attempt has promised on disk stays above what is counted.
    (cursor.resent == draw->resent_settled ? draw->resent_settled : draw->resent_promised) += records;
    cursor.resent += records;
    tell(*draw);
  }
  return committer_.write_cursors_of(number);
}

bool RouteRunner::draws_from(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(draws_, [&](const Draw& draw) { return draw.from.number == number; });
}

bool RouteRunner::is_caught_up() const {
  const std::lock_guard lock(mutex_);
  return rewinds_.empty() && std::ranges::all_of(draws_, [&](const Draw& draw) {
           return draw.journal->report().durable <= draw.from.cursor.position;
         });
}

std::optional<Error> RouteRunner::held_by() const {
  const std::lock_guard lock(mutex_);
  if (error_ && waits_for_a_person(error_->error_class())) return error_;
  return std::nullopt;
}

std::optional<MonotonicTime> RouteRunner::without_progress_since() const {
  const std::lock_guard lock(mutex_);
  if (is_idle_) return std::nullopt;
  return progressed_at_;
}

void RouteRunner::expect_work() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(is_idle_, false)) return;
  progressed_at_ = clock_.monotonic();
}

void RouteRunner::replay(std::vector<Rewind> rewinds) {
  const std::lock_guard lock(mutex_);
  rewinds_.insert(rewinds_.end(), rewinds.begin(), rewinds.end());
}

RouteStatus RouteRunner::status() const {
  const std::lock_guard lock(mutex_);
  RouteStatus status = figures_;
  status.name = route_.name;
  status.sink = route_.sink_name;
  status.sink_kind = route_.sink_kind;
  status.proof = route_.sink->proof();
  status.feeds = route_.feeds;
  for (const Draw& draw : draws_) add_cursor(status, stands(draw));
  if (status.backlog_records == 0) {
    status.lag = Duration::zero();
  } else if (oldest_waiting_) {
    status.lag = std::max(clock_.now() - *oldest_waiting_, Duration::zero());
  }
  status.rates = lane_->meter.rates(clock_.monotonic());
  status.state = status.backlog_records == 0 ? RouteState::idle : RouteState::delivering;
  if (error_) {
    status.code = error_->code();
    status.error = error_->text();
    const ErrorClass error_class = error_->error_class();
    status.state = error_class == ErrorClass::fault  ? RouteState::stopped
                   : waits_for_a_person(error_class) ? RouteState::held
                                                     : RouteState::retrying;
  }
  return status;
}

}  // namespace capstan::runtime
