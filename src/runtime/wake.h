// A bell that one thread waits for and any thread rings; rung while nobody waits, it is heard at the next wait.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/time.h"

namespace capstan::runtime {

class Wake {
public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      is_rung_ = true;
    }
    bell_.notify_all();
  }

  // Until it rings, the span is over (nothing: no bound) or a stop is asked for.
  void wait(std::optional<std::chrono::nanoseconds> span, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const auto heard = [this] { return is_rung_; };
    if (span) {
      bell_.wait_for(lock, stop, *span, heard);
    } else {
      bell_.wait(lock, stop, heard);
    }
    is_rung_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable_any bell_;
  bool is_rung_ = false;
};

}  // namespace capstan::runtime
