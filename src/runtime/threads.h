// The engine's threads, so that a stop can be bounded: a component that does not come back must not keep the process.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"

namespace capstan::runtime {

class Threads {
public:
  Threads() = default;
  ~Threads();  // stops and waits
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // The name (at most 15 characters are kept) is what debuggers and top show.
  void start(const std::string& name, std::function<void(std::stop_token)> work);
  void request_stop();
  // True when all of them ended within the span; then they are joined.
  bool join(Duration span);

private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace capstan::runtime
