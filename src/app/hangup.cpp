#include "hangup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace capstan::app {

namespace {

// A signal's code may do almost nothing (signal-safety(7)): it writes one byte into this pipe. Where the pipe is full
// enough wishes are waiting.
std::atomic<int> hangup_end{-1};
constexpr char wish_byte = 'h';
constexpr char stop_byte = 's';

void on_hangup(int) {
  const int saved = errno;
  if (const int fd = hangup_end.load(); fd >= 0)
    while (::write(fd, &wish_byte, 1) < 0 && errno == EINTR) continue;
  errno = saved;
}

void set_handler(void (*what)(int)) {
  struct sigaction action{};
  action.sa_handler = what;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGHUP, &action, nullptr);
}

// Waits for a byte, then takes all there are. False when one of them asks to stop.
bool next_wish(int fd) {
  pollfd ready{fd, POLLIN, 0};
  while (::poll(&ready, 1, -1) < 0 && errno == EINTR) continue;
  char bytes[64];
  bool goes_on = true;
  for (ssize_t size = ::read(fd, bytes, sizeof bytes); size > 0; size = ::read(fd, bytes, sizeof bytes))
    for (ssize_t i = 0; i < size; ++i) goes_on = goes_on && bytes[i] != stop_byte;
  return goes_on;
}

}  // namespace

OnHangup::OnHangup() {
  if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) return;
  hangup_end = wake_[1];
  set_handler(on_hangup);
}

OnHangup::~OnHangup() {
  set_handler(SIG_DFL);
  hangup_end = -1;
  if (wake_[0] < 0) return;
  ::close(wake_[0]);
  ::close(wake_[1]);
}

OnHangup::Listener::Listener(const OnHangup& signal, std::function<void()> wish) : stop_end_(signal.wake_[1]) {
  if (stop_end_ < 0) return;
  watcher_ = std::thread([fd = signal.wake_[0], wish = std::move(wish)] {
    while (next_wish(fd)) wish();
  });
}

OnHangup::Listener::~Listener() {
  if (!watcher_.joinable()) return;
  while (::write(stop_end_, &stop_byte, 1) < 0 && (errno == EINTR || errno == EAGAIN)) std::this_thread::yield();
  watcher_.join();
}

}  // namespace capstan::app
