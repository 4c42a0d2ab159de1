// The engine's threads, so that a stop can be bounded: a component that does not come back must not keep the process.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/time.h"

namespace capstan::runtime {

class Threads {
public:
  Threads() = default;
  ~Threads();  // stops and waits
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  // The name (at most 15 characters are kept) is what debuggers and top show. Lets go of those that ended meanwhile.
  // Nothing is started any more once a stop was asked for.
  void start(const std::string& name, std::function<void(std::stop_token)> work);
  void request_stop();
  // True when all of them ended within the span; then they are joined.
  bool join(Duration span);

private:
  struct One {
    bool has_ended = false;
    std::jthread thread;
  };

  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_stopping_ = false;
  std::size_t running_ = 0;
  std::list<One> all_;
};

}  // namespace capstan::runtime
