#include "poll_schedule.h"

#include <utility>

namespace capstan::runtime {

bool PollSchedule::put(std::shared_ptr<Gatherer> gatherer, MonotonicTime due) {
  {
    const std::lock_guard lock(mutex_);
    if (gatherer->is_retired) return false;
    due_.emplace(due, std::move(gatherer));
  }
  changed_.notify_one();
  return true;
}

std::shared_ptr<Gatherer> PollSchedule::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const MonotonicTime now = clock_.monotonic();
    if (due_.empty()) {
      changed_.wait(lock, stop, [this] { return !due_.empty(); });
    } else if (due_.begin()->first <= now) {
      return std::move(due_.extract(due_.begin()).mapped());
    } else {
      const MonotonicTime first = due_.begin()->first;
      changed_.wait_for(lock, stop, first - now, [&] { return !due_.empty() && due_.begin()->first < first; });
    }
  }
  return nullptr;
}

bool PollSchedule::retire(Gatherer& gatherer) {
  const std::lock_guard lock(mutex_);
  gatherer.is_retired = true;
  return std::erase_if(due_, [&](const auto& entry) { return entry.second.get() == &gatherer; }) > 0;
}

}  // namespace capstan::runtime
