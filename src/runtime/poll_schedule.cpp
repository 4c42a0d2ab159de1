#include "poll_schedule.h"

namespace capstan::runtime {

void PollSchedule::put(std::size_t collector, MonotonicTime due) {
  {
    const std::lock_guard lock(mutex_);
    due_.emplace(due, collector);
  }
  changed_.notify_one();
}

std::optional<std::size_t> PollSchedule::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const MonotonicTime now = clock_.monotonic();
    if (due_.empty()) {
      changed_.wait(lock, stop, [this] { return !due_.empty(); });
    } else if (due_.begin()->first <= now) {
      const std::size_t collector = due_.begin()->second;
      due_.erase(due_.begin());
      return collector;
    } else {
      const MonotonicTime first = due_.begin()->first;
      changed_.wait_for(lock, stop, first - now, [&] { return !due_.empty() && due_.begin()->first < first; });
    }
  }
  return std::nullopt;
}

}  // namespace capstan::runtime
