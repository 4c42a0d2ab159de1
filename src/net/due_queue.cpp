#include "due_queue.h"

namespace capstan::net {

DueQueue::DueQueue(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

DueQueue::~DueQueue() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

void DueQueue::push(Time due, std::function<void()> run) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(due, std::move(run));
  }
  changed_.notify_one();
}

void DueQueue::work() {
  std::unique_lock lock(mutex_);
  while (!ends_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else if (const auto first = waiting_.begin(); first->first > std::chrono::steady_clock::now()) {
      // A copy, because the entry may be gone when the wait looks at it.
      const Time due = first->first;
      changed_.wait_until(lock, due);
    } else {
      const auto run = std::move(first->second);
      waiting_.erase(first);
      lock.unlock();
      run();
      lock.lock();
    }
  }
}

}  // namespace capstan::net
