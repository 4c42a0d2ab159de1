// What other threads ask of a route's runner, and how it is fenced off from the committer.
#include <algorithm>
#include <utility>

#include "runtime/route_runner.h"

namespace capstan::runtime {

// With mutex_ held.
void RouteRunner::tell(const Draw& draw) {
  if (!is_fenced_) committer_.acknowledge(draw.from.number, draw.from.cursor);
}

bool RouteRunner::is_fenced() const {
  const std::lock_guard lock(mutex_);
  return is_fenced_;
}

std::vector<RouteRunner::From> RouteRunner::fence() {
  const std::lock_guard lock(mutex_);
  is_fenced_ = true;
  std::vector<From> places;
  for (const Draw& draw : draws_) places.push_back(draw.from);
  for (const Rewind& rewind : std::exchange(rewinds_, {})) {
    store::Cursor& cursor = places.at(rewind.from).cursor;
    cursor.position = std::min(cursor.position, rewind.since);
    cursor.unsure_from.reset();
  }
  return places;
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

}  // namespace capstan::runtime
