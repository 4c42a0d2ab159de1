#include "threads.h"

#include <pthread.h>

#include <iterator>
#include <utility>

namespace capstan::runtime {

namespace {

constexpr std::size_t name_size_max = 15;  // pthread_setname_np(3)

}  // namespace

Threads::~Threads() { request_stop(); }

void Threads::start(const std::string& name, std::function<void(std::stop_token)> work) {
  std::list<One> ended;  // joined without the lock that their last line takes
  const std::lock_guard lock(mutex_);
  if (is_stopping_) return;
  for (auto one = all_.begin(); one != all_.end();) {
    const auto next = std::next(one);
    if (one->has_ended) ended.splice(ended.end(), all_, one);
    one = next;
  }
  One& added = all_.emplace_back();
  ++running_;
  added.thread = std::jthread([this, &added, work = std::move(work)](const std::stop_token& stop) {
    work(stop);
    const std::lock_guard ending(mutex_);
    added.has_ended = true;
    --running_;
    ended_.notify_all();
  });
  ::pthread_setname_np(added.thread.native_handle(), name.substr(0, name_size_max).c_str());
}

void Threads::request_stop() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
  for (One& one : all_) one.thread.request_stop();
}

bool Threads::join(Duration span) {
  std::list<One> ended;
  std::unique_lock lock(mutex_);
  if (!ended_.wait_for(lock, span, [this] { return running_ == 0; })) return false;
  ended.swap(all_);
  lock.unlock();
  return true;
}

}  // namespace capstan::runtime
