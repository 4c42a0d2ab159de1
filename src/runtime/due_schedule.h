// Which part is due next: a collector, or a prover. Any number of threads take from it; a part is with one of them at a
// time.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/clock.h"

namespace capstan::runtime {

// `Part` has an `is_retired` that is only set here.
template <class Part>
class DueSchedule {
public:
  explicit DueSchedule(const Clock& clock) : clock_(clock) {}

  // False when it is retired: whoever had it leaves it.
  bool put(std::shared_ptr<Part> part, MonotonicTime due) {
    {
      const std::lock_guard lock(mutex_);
      if (part->is_retired) return false;
      due_.emplace(due, std::move(part));
    }
    changed_.notify_one();
    return true;
  }

  // Waits for the first that is due; null when stopped.
  std::shared_ptr<Part> take(const std::stop_token& stop) {
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

  // It is not given out any more. True when nobody has it at this moment.
  bool retire(Part& part) {
    const std::lock_guard lock(mutex_);
    part.is_retired = true;
    return std::erase_if(due_, [&](const auto& entry) { return entry.second.get() == &part; }) > 0;
  }

private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::multimap<MonotonicTime, std::shared_ptr<Part>> due_;
};

}  // namespace capstan::runtime
