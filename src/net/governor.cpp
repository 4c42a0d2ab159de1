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

}  // namespace

Governor::Governor(const Clock& clock, unsigned requests_per_minute)
    : clock_(clock), requests_per_minute_(std::max(requests_per_minute, 1U)) {}

Duration Governor::acquire(Urgency urgency) {
  const std::lock_guard lock(mutex_);
  const MonotonicTime now = clock_.monotonic();
  const auto own = static_cast<std::size_t>(urgency);
  while (!granted_.empty() && granted_.front() + window <= now) granted_.pop_front();

  Duration wait{};
  for (std::size_t other = 0; other < own; ++other)
    if (was_refused_[other] && now < refused_at_[other] + window) wait = give_way;
  if (granted_.size() >= requests_per_minute_) wait = std::max(wait, until(granted_.front() + window, now));
  if (now < paused_until_) wait = std::max(wait, until(paused_until_, now));
  if (wait > Duration::zero()) {
    was_refused_[own] = true;
    refused_at_[own] = now;
    return wait;
  }
  was_refused_[own] = false;
  granted_.push_back(now);
  return Duration::zero();
}

void Governor::go_on_from(const Governor& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  granted_ = other.granted_;
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
      std::count_if(granted_.begin(), granted_.end(), [now](MonotonicTime t) { return now < t + window; }));
}

std::uint64_t Governor::pauses() const {
  const std::lock_guard lock(mutex_);
  return pauses_;
}

}  // namespace capstan::net
