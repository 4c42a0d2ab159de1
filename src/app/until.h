// When to stop, and waiting until then.
#pragma once

#include <stop_token>
#include <thread>

#include "base/time.h"

namespace capstan::app {

// While it lives, SIGTERM and SIGINT ask its token to stop. The second signal of a kind ends the process as signals do,
// so that a person is never locked in. One at a time in the process.
class StopOnSignal {
public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

private:
  int wake_[2] = {-1, -1};
  std::stop_source stop_;
  std::thread watcher_;
};

// For what lives long: a peer that closes its end is an error of that connection, not the end of the program.
void ignore_closed_pipes();

// Waits so long, or until stopped (then false).
bool wait(Duration duration, const std::stop_token& stop);
void wait_for_stop(const std::stop_token& stop);

}  // namespace capstan::app
