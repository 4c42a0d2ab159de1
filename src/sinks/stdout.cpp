#include "sinks/stdout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>

#include "options.h"
#include "stdout_sink.h"

namespace capstan::sinks {
namespace {

// A stop is looked for this often while nobody reads.
constexpr std::chrono::milliseconds wait_slice_max{50};
// A pipe that poll calls writable takes this much without blocking (pipe(7), PIPE_BUF), so that a stop is always seen.
constexpr std::size_t write_size_max = 4096;

// Keeps SIGPIPE from this thread while it lives: a reader that went away is an error like others, not the end of the
// program.
class SigpipeBlocked {
public:
  SigpipeBlocked() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;
  ~SigpipeBlocked() {
    // The one that our write has raised would otherwise strike as soon as it is let through.
    constexpr timespec at_once{0, 0};
    if (!was_pending_) sigtimedwait(&sigpipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

private:
  sigset_t sigpipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

Error write_error(int error_number) {
  const std::string words = std::generic_category().message(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT)
    return {ErrorCode::disk_full, "writing to standard output: " + words};
  return {ErrorCode::output_closed, "writing to standard output: " + words};
}

// Waits until the descriptor takes something.
Result<> await_room(int descriptor, std::chrono::steady_clock::time_point end, const std::stop_token& stop) {
  for (;;) {
    if (stop.stop_requested()) return Error(ErrorCode::interrupted, "writing to standard output: stopped");
    pollfd waited{descriptor, POLLOUT, 0};
    const int count = ::poll(&waited, 1, static_cast<int>(wait_slice_max.count()));
    if (count > 0 && (waited.revents & POLLNVAL) != 0) return write_error(EBADF);
    if (count > 0) return {};
    if (std::chrono::steady_clock::now() >= end)
      return Error(ErrorCode::destination_slow, "writing to standard output: nobody reads");
  }
}

// Writes from `written` on and moves it; what was written stays counted when it fails.
Result<> write_all(int descriptor, std::string_view bytes, std::size_t& written,
                   std::chrono::steady_clock::time_point end, const std::stop_token& stop) {
  const SigpipeBlocked blocked;
  while (written < bytes.size()) {
    TRY(await_room(descriptor, end, stop));
    const std::string_view piece = bytes.substr(written, write_size_max);
    const ssize_t taken = ::write(descriptor, piece.data(), piece.size());
    if (taken >= 0)
      written += static_cast<std::size_t>(taken);
    else if (errno != EINTR && errno != EAGAIN)
      return write_error(errno);
  }
  return {};
}

struct StdoutOptions {};

}  // namespace

Result<> StdoutSink::resume(std::string_view) { return {}; }

Result<Delivery> StdoutSink::deliver(const Payload& payload, const Call& call) {
  const auto end = std::chrono::steady_clock::now() + call.timeout;
  if (!turn_->take(this, end, call.stop))
    return Error(call.stop.stop_requested() ? ErrorCode::interrupted : ErrorCode::destination_slow,
                 "writing to standard output: another route has not ended its line");
  // The same again goes on where it was broken off; where another one comes, the line is ended as it is.
  if (unfinished_id_.empty() || unfinished_id_ != payload.id) {
    const bool ends_torn_line = is_within_line();
    lines_ = turn_->take_torn() || ends_torn_line ? "\n" : "";
    written_ = 0;
    unfinished_id_ = payload.id;
    for (std::size_t i = 0; i < payload.messages.size(); ++i) {
      const std::size_t begin = lines_.size();
      lines_ += payload.message(i);
      std::replace(lines_.begin() + static_cast<std::ptrdiff_t>(begin), lines_.end(), '\n', ' ');
      lines_ += '\n';
    }
  }
  auto written = write_all(descriptor_, lines_, written_, end, call.stop);
  // Whoever is within a line keeps the turn.
  if (!is_within_line()) turn_->give_back(this, false);
  TRY(std::move(written));
  unfinished_id_.clear();
  written_ = 0;
  Delivery delivery;
  delivery.accepted = payload.messages.size();
  return delivery;
}

void StdoutSink::close() { turn_->give_back(this, is_within_line()); }

Result<> StdoutSink::probe(const Call&) {
  if (const int mode = ::fcntl(descriptor_, F_GETFL); mode < 0 || (mode & O_ACCMODE) == O_RDONLY)
    return write_error(EBADF);
  pollfd probed{descriptor_, POLLOUT, 0};
  if (::poll(&probed, 1, 0) > 0 && (probed.revents & (POLLERR | POLLNVAL)) != 0) return write_error(EPIPE);
  return {};
}

Kind<Sink> stdout_kind() {
  // One for all sinks of the registry.
  const auto turn = std::make_shared<StdoutTurn>();
  return {.name = "stdout",
          .summary = "Writes messages to standard output, one a line.",
          .options = {},
          .example = "type: stdout\n",
          .make = [turn](const config::Node& node, const BuildContext& context,
                         config::Findings& findings) -> std::unique_ptr<Sink> {
            if (!read_options(config::Schema<StdoutOptions>(), node, context.name, findings)) return nullptr;
            return std::make_unique<StdoutSink>(STDOUT_FILENO, turn);
          }};
}

}  // namespace capstan::sinks
