// SIGHUP: the wish that the configuration is read anew.
#pragma once

#include <functional>
#include <thread>
#include <utility>

namespace capstan::app {

// While it lives, SIGHUP does not end the process. One at a time in the process.
class OnHangup {
public:
  OnHangup();
  ~OnHangup();
  OnHangup(const OnHangup&) = delete;
  OnHangup& operator=(const OnHangup&) = delete;

  // Hears the signals until it is destroyed; that waits for a call that is under way.
  class Listener {
  public:
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

  private:
    friend class OnHangup;
    Listener(const OnHangup& signal, std::function<void()> wish);
    int stop_end_;
    std::thread watcher_;
  };
  // Each signal calls `wish`, on a thread of its own and one at a time; signals that come meanwhile are one more call.
  // One that came before is heard now. One listener at a time.
  Listener listen(std::function<void()> wish) const { return {*this, std::move(wish)}; }

private:
  int wake_[2] = {-1, -1};
};

}  // namespace capstan::app
