// Whose turn it is at standard output, of which a process has only one: two routes that write there at the same time
// would tear each other's lines.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace capstan::sinks {

// Shared by all stdout sinks of one registry; any thread may call.
class StdoutTurn {
public:
  // Waits until nobody else writes. False when that did not happen in time, or it was stopped. Taking it again is fine.
  bool take(const void* writer, std::chrono::steady_clock::time_point end, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool is_free = freed_.wait_until(lock, stop, end, [&] { return writer_ == nullptr || writer_ == writer; });
    if (is_free) writer_ = writer;
    return is_free;
  }
  // `is_within_line`: the writer leaves a line that it will never end.
  void give_back(const void* writer, bool is_within_line) {
    const std::lock_guard lock(mutex_);
    if (writer_ != writer) return;
    writer_ = nullptr;
    is_torn_ = is_torn_ || is_within_line;
    freed_.notify_all();
  }
  // For who has the turn: whether a torn line has to be ended first. Answers yes once.
  bool take_torn() {
    const std::lock_guard lock(mutex_);
    return std::exchange(is_torn_, false);
  }

private:
  std::mutex mutex_;
  std::condition_variable_any freed_;
  const void* writer_ = nullptr;
  bool is_torn_ = false;
};

}  // namespace capstan::sinks
