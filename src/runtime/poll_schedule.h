// Which collector is due next. Any number of threads take from it; a collector is with one of them at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/clock.h"

namespace capstan::runtime {

class PollSchedule {
public:
  explicit PollSchedule(const Clock& clock) : clock_(clock) {}

  void put(std::size_t collector, MonotonicTime due);
  // Waits for the first that is due; nothing when stopped.
  std::optional<std::size_t> take(const std::stop_token& stop);

private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::multimap<MonotonicTime, std::size_t> due_;
};

}  // namespace capstan::runtime
