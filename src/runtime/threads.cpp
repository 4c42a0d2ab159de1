#include "threads.h"

#include <pthread.h>

#include <utility>

namespace capstan::runtime {

namespace {

constexpr std::size_t name_size_max = 15;  // pthread_setname_np(3)

}  // namespace

Threads::~Threads() { request_stop(); }

void Threads::start(const std::string& name, std::function<void(std::stop_token)> work) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  threads_.emplace_back([this, work = std::move(work)](const std::stop_token& stop) {
    work(stop);
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  });
  ::pthread_setname_np(threads_.back().native_handle(), name.substr(0, name_size_max).c_str());
}

void Threads::request_stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

bool Threads::join(Duration span) {
  {
    std::unique_lock lock(mutex_);
    if (!ended_.wait_for(lock, span, [this] { return running_ == 0; })) return false;
  }
  threads_.clear();
  return true;
}

}  // namespace capstan::runtime
