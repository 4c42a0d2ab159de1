// So many requests in any sixty seconds, as the service allows them. Not safe for threads.
#pragma once

#include <deque>
#include <optional>

#include "base/clock.h"

namespace capstan::simulator {

class Throttle {
public:
  Throttle(unsigned requests_per_minute, const Clock& clock) : limit_(requests_per_minute), clock_(clock) {}

  // Counts a request, or tells after how many seconds the next one has a chance. A request that is refused does not
  // count.
  std::optional<std::int64_t> refuse() {
    if (limit_ == 0) return std::nullopt;
    const MonotonicTime now = clock_.monotonic();
    constexpr auto window = std::chrono::seconds(60);
    while (!served_.empty() && served_.front() + window <= now) served_.pop_front();
    if (served_.size() >= limit_)
      return std::chrono::ceil<std::chrono::seconds>(served_.front() + window - now).count();
    served_.push_back(now);
    return std::nullopt;
  }

private:
  std::size_t limit_;
  const Clock& clock_;
  std::deque<MonotonicTime> served_;
};

}  // namespace capstan::simulator
