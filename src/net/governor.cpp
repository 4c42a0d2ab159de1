#include "net/governor.h"

#include <algorithm>

namespace capstan::net {

namespace {

constexpr std::chrono::seconds window{60};
// A caller that gives way to a more urgent one comes back this soon: the other may be served at any moment.
constexpr Duration give_way = std::chrono::seconds(1);

Duration until(MonotonicTime when, MonotonicTime now) {
  return std::max(std::chrono::ceil<Duration>(when - now), Duration(1));
}

// Of a budget of one request a minute there is nothing to keep.
unsigned shared_part(unsigned requests_per_minute) {
  return std::max(requests_per_minute - (requests_per_minute + 3) / 4, 1U);
}

bool is_background(Urgency urgency) { return urgency >= Urgency::inventory; }

}  // namespace

Governor::Governor(const Clock& clock, unsigned requests_per_minute)
    : clock_(clock), requests_per_minute_(std::max(requests_per_minute, 1U)) {}

Duration Governor::acquire(Urgency urgency) {
  const std::lock_guard lock(mutex_);
  const MonotonicTime now = clock_.monotonic();
  const auto own = static_cast<std::size_t>(urgency);
  forget_before(now - window);

  Duration wait{};
  for (std::size_t other = 0; other < own; ++other)
    if (was_refused_[other] && now < refused_at_[other] + window) wait = give_way;
  if (const MonotonicTime room = room_at(urgency); now < room) wait = std::max(wait, until(room, now));
  if (now < paused_until_) wait = std::max(wait, until(paused_until_, now));
  if (wait > Duration::zero()) {
    was_refused_[own] = true;
    refused_at_[own] = now;
    return wait;
  }
  was_refused_[own] = false;
  granted_.push_back({now, urgency});
  if (is_background(urgency)) ++background_;
  return Duration::zero();
}

void Governor::forget_before(MonotonicTime time) {
  for (; !granted_.empty() && granted_.front().at <= time; granted_.pop_front())
    if (is_background(granted_.front().urgency)) --background_;
}

// Of those that count, all but one less than allowed have to end.
MonotonicTime Governor::room_at(Urgency urgency) const {
  const auto room_in = [this](std::size_t allowed) -> MonotonicTime {
    return granted_.size() < allowed ? MonotonicTime{} : granted_[granted_.size() - allowed].at + window;
  };
  const std::size_t shared = shared_part(requests_per_minute_);
  if (urgency == Urgency::proof) return room_in(shared);
  const MonotonicTime room = room_in(requests_per_minute_);
  if (!is_background(urgency) || background_ < shared) return room;
  std::size_t to_end = background_ - shared + 1;
  for (const Grant& grant : granted_)
    if (is_background(grant.urgency) && --to_end == 0) return std::max(room, grant.at + window);
  return room;
}

void Governor::go_on_from(const Governor& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  granted_ = other.granted_;
  background_ = other.background_;
  paused_until_ = other.paused_until_;
  pauses_ = other.pauses_;
}

void Governor::pause(Duration pause) {
  const std::lock_guard lock(mutex_);
  paused_until_ = std::max(paused_until_, clock_.monotonic() + pause);
  ++pauses_;
}

unsigned Governor::recent() const {
  const std::lock_guard lock(mutex_);
  const MonotonicTime now = clock_.monotonic();
  return static_cast<unsigned>(
      std::count_if(granted_.begin(), granted_.end(), [now](const Grant& grant) { return now < grant.at + window; }));
}

std::uint64_t Governor::pauses() const {
  const std::lock_guard lock(mutex_);
  return pauses_;
}

}  // namespace capstan::net
