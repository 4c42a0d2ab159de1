// Which collector is due next. Any number of threads take from it; a collector is with one of them at a time.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/clock.h"
#include "work_parts.h"

namespace capstan::runtime {

class PollSchedule {
public:
  explicit PollSchedule(const Clock& clock) : clock_(clock) {}

  // False when it is retired: whoever had it leaves it.
  bool put(std::shared_ptr<Gatherer> gatherer, MonotonicTime due);
  // Waits for the first that is due; null when stopped.
  std::shared_ptr<Gatherer> take(const std::stop_token& stop);
  // It is not given out any more. True when nobody has it at this moment.
  bool retire(Gatherer& gatherer);

private:
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::multimap<MonotonicTime, std::shared_ptr<Gatherer>> due_;
};

}  // namespace capstan::runtime
