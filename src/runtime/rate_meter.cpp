#include "rate_meter.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

constexpr std::chrono::seconds window{60};

}  // namespace

void RateMeter::add(MonotonicTime now, std::uint64_t events, std::uint64_t bytes) {
  if (seconds_.empty() || now - seconds_.back().begin >= std::chrono::seconds(1)) seconds_.push_back({now, 0, 0});
  seconds_.back().events += events;
  seconds_.back().bytes += bytes;
  while (now - seconds_.front().begin > window) seconds_.pop_front();
}

Rates RateMeter::rates(MonotonicTime now) const {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  MonotonicTime oldest = now;
  for (const Second& second : seconds_) {
    if (now - second.begin > window) continue;
    events += second.events;
    bytes += second.bytes;
    oldest = std::min(oldest, second.begin);
  }
  // A route that began seconds ago is measured over those seconds, but never over less than one.
  const double span = std::max(1.0, std::chrono::duration<double>(now - oldest).count());
  return {static_cast<double>(events) / span, static_cast<double>(bytes) / span};
}

}  // namespace capstan::runtime
