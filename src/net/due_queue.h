// Threads that run what has become due: handlers at once, answers that were asked to be late when their time has come.
// How much is waiting is bounded by whoever pushes (the server: its connections).
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace capstan::net {

class DueQueue {
public:
  using Time = std::chrono::steady_clock::time_point;

  explicit DueQueue(unsigned threads);
  // Waits for what is running and drops what is waiting.
  ~DueQueue();
  DueQueue(const DueQueue&) = delete;
  DueQueue& operator=(const DueQueue&) = delete;

  // Runs it on one of the threads at `due` or soon after; what is due at the same time runs in the order it came.
  void push(Time due, std::function<void()> run);

private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Time, std::function<void()>> waiting_;
  bool ends_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace capstan::net
