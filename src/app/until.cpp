#include "until.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>

namespace capstan::app {

namespace {

// A signal's code may do almost nothing (signal-safety(7)): it writes one byte into this pipe.
std::atomic<int> wake_end{-1};

void on_signal(int) {
  const int saved = errno;
  const char byte = 's';
  if (const int fd = wake_end.load(); fd >= 0 && ::write(fd, &byte, 1) < 0) errno = saved;
  errno = saved;
}

void listen_to(int signal_number, void (*what)(int)) {
  struct sigaction action{};
  action.sa_handler = what;
  action.sa_flags = SA_RESTART | (what == SIG_DFL ? 0 : static_cast<int>(SA_RESETHAND));
  ::sigaction(signal_number, &action, nullptr);
}

}  // namespace

StopOnSignal::StopOnSignal() {
  if (::pipe2(wake_, O_CLOEXEC) != 0) return;
  wake_end = wake_[1];
  watcher_ = std::thread([this] {
    char byte = 0;
    while (::read(wake_[0], &byte, 1) < 0 && errno == EINTR) continue;
    stop_.request_stop();
  });
  listen_to(SIGTERM, on_signal);
  listen_to(SIGINT, on_signal);
}

StopOnSignal::~StopOnSignal() {
  listen_to(SIGTERM, SIG_DFL);
  listen_to(SIGINT, SIG_DFL);
  if (wake_[0] < 0) return;
  wake_end = -1;
  ::close(wake_[1]);
  watcher_.join();
  ::close(wake_[0]);
}

void ignore_closed_pipes() { ::signal(SIGPIPE, SIG_IGN); }

bool wait(Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  return !wake.wait_for(lock, stop, duration, [&] { return stop.stop_requested(); });
}

void wait_for_stop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait(lock, stop, [&] { return stop.stop_requested(); });
}

}  // namespace capstan::app
