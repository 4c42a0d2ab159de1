#include "base/log_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace capstan::log {

namespace {

// A pipe that poll calls writable takes this much without waiting (pipe(7), PIPE_BUF).
constexpr std::size_t asked_size_max = 4096;

}  // namespace

Output::Output(int descriptor, std::size_t kept_max) : kept_max_(kept_max), descriptor_(descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return;
  if (S_ISREG(status.st_mode)) way_ = Way::never_waits;
  if (S_ISSOCK(status.st_mode)) way_ = Way::socket;
  if (!S_ISFIFO(status.st_mode) && ::isatty(descriptor) == 0) return;
  // O_NONBLOCK belongs to the open file, which the shell and our parent share: so it is opened once more.
  const int own = ::open(fmt::format("/proc/self/fd/{}", descriptor).c_str(),
                         O_WRONLY | O_NONBLOCK | O_APPEND | O_NOCTTY | O_CLOEXEC);
  if (own < 0) return;
  descriptor_ = own;
  is_own_ = true;
  way_ = Way::never_waits;
}

Output::~Output() {
  if (is_own_) ::close(descriptor_);
}

void Output::write(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() + lines.size() > kept_max_ && !flush_locked() && kept_.size() + lines.size() > kept_max_)
    return drop(lines);
  kept_ += lines;
  flush_locked();
}

bool Output::flush() {
  const std::lock_guard lock(mutex_);
  return flush_locked();
}

std::uint64_t Output::take_dropped() {
  const std::lock_guard lock(mutex_);
  return kept_.empty() && !is_failing_ ? std::exchange(dropped_, 0) : 0;
}

bool Output::flush_locked() {
  std::size_t written = 0;
  while (written < kept_.size()) {
    if (is_within_line_ && write_some("\n") == 1) is_within_line_ = false;
    const long size = write_some(std::string_view(kept_).substr(written));
    if (size < 0 && errno == EAGAIN) break;
    is_failing_ = size < 0;
    if (is_failing_) {
      // Nobody will ever read it (a closed pipe), or there is no room: later lines may fare better.
      is_within_line_ = is_within_line_ || (written > 0 && kept_[written - 1] != '\n');
      drop(std::string_view(kept_).substr(written));
      written = kept_.size();
      break;
    }
    written += static_cast<std::size_t>(size);
  }
  kept_.erase(0, written);
  return kept_.empty();
}

// Bytes taken; -1 with errno: EAGAIN when it would have to wait.
long Output::write_some(std::string_view bytes) {
  for (;;) {
    long size = -1;
    if (way_ == Way::socket) {
      size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (way_ == Way::never_waits) {
      size = ::write(descriptor_, bytes.data(), bytes.size());
    } else {
      pollfd asked{descriptor_, POLLOUT, 0};
      const int ready = ::poll(&asked, 1, 0);
      if (ready == 0) errno = EAGAIN;
      if (ready > 0) size = ::write(descriptor_, bytes.data(), std::min(bytes.size(), asked_size_max));
    }
    if (size >= 0 || errno != EINTR) return size;
  }
}

void Output::drop(std::string_view lines) { dropped_ += static_cast<std::uint64_t>(std::ranges::count(lines, '\n')); }

}  // namespace capstan::log
