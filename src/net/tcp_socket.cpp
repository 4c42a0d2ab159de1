#include "tcp_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "net/resolve.h"

namespace capstan::net {
namespace {

// A stop is looked for this often while waiting.
constexpr std::chrono::milliseconds wait_slice_max{50};
// The peer has closed and its last acknowledgements are under way: there is no event for them.
constexpr std::chrono::milliseconds last_acknowledgements_pause{1};
// A receiver that floods us while we close is not read for ever.
constexpr int discard_reads_max = 64;
// A dead network path is noticed after this long without an acknowledgement, busy or idle.
constexpr int user_timeout_ms = 30'000;
constexpr int keepalive_idle_s = 15;
constexpr int keepalive_interval_s = 5;
constexpr int keepalive_count = 3;

void set_option(int descriptor, int level, int name, int value) {
  // These options only tune; where the kernel does not know one the connection still works.
  static_cast<void>(::setsockopt(descriptor, level, name, &value, sizeof value));
}

void tune(int descriptor) {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, keepalive_count);
  set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
}

Result<> connect_one(int descriptor, const SocketAddress& address, const std::string& peer, const Deadline& deadline) {
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(address.storage.data()), address.size) == 0) return {};
  if (errno != EINPROGRESS)
    return Error(ErrorCode::destination_unreachable, fmt::format("connecting to {}: {}", peer, errno_words(errno)));
  switch (wait_for(descriptor, POLLOUT, deadline)) {
    case Readiness::ready:
      break;
    case Readiness::timed_out:
      return Error(ErrorCode::destination_unreachable, fmt::format("connecting to {}: no answer in time", peer));
    case Readiness::stopped:
      return Error(ErrorCode::interrupted, fmt::format("connecting to {}: stopped", peer));
  }
  int error_number = 0;
  socklen_t size = sizeof error_number;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number != 0)
    return Error(ErrorCode::destination_unreachable,
                 fmt::format("connecting to {}: {}", peer, errno_words(error_number)));
  return {};
}

}  // namespace

std::string errno_words(int error_number) { return std::generic_category().message(error_number); }

std::chrono::nanoseconds Deadline::remaining() const {
  const auto left = end_ - std::chrono::steady_clock::now();
  return left > left.zero() ? left : left.zero();
}

Deadline Deadline::within(std::chrono::nanoseconds span) const {
  return {std::min(end_, std::chrono::steady_clock::now() + span), stop_};
}

Readiness wait_for(int descriptor, short events, const Deadline& deadline) {
  for (;;) {
    if (deadline.is_stopped()) return Readiness::stopped;
    const auto left = deadline.remaining();
    const auto slice = std::min<std::chrono::nanoseconds>(left, wait_slice_max);
    // Rounded up: rounding down would spin through the last millisecond.
    const auto slice_ms = std::chrono::ceil<std::chrono::milliseconds>(slice).count();
    pollfd waited{descriptor, events, 0};
    const int count = ::poll(&waited, 1, static_cast<int>(slice_ms));
    if (count > 0) return Readiness::ready;
    if (left == left.zero()) return Readiness::timed_out;
  }
}

Readiness pause(std::chrono::nanoseconds span, const Deadline& deadline) {
  if (deadline.is_stopped()) return Readiness::stopped;
  const auto left = deadline.remaining();
  if (left == left.zero()) return Readiness::timed_out;
  std::this_thread::sleep_for(std::min(span, std::min<std::chrono::nanoseconds>(left, wait_slice_max)));
  return Readiness::ready;
}

Result<SocketAddress> to_socket_address(const Address& literal) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error_number = ::getaddrinfo(literal.host.c_str(), std::to_string(literal.port).c_str(), &hints, &found);
  if (error_number != 0)
    return Error(ErrorCode::name_not_resolved,
                 fmt::format("reading the address \"{}\": {}", literal.host, ::gai_strerror(error_number)));
  SocketAddress address;
  address.family = found->ai_family;
  address.size = found->ai_addrlen;
  std::memcpy(address.storage.data(), found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

Result<TcpSocket> TcpSocket::connect(const Address& to, const Deadline& deadline) {
  const auto literals = TRY(resolve(to, deadline.rest()));
  Error last(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no address", to.host));
  for (std::size_t i = 0; i < literals.size(); ++i) {
    const SocketAddress address = TRY(to_socket_address(literals[i]));
    const int descriptor = ::socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
      last = Error(ErrorCode::destination_unreachable,
                   fmt::format("connecting to {}: no socket: {}", to_string(to), errno_words(errno)));
      continue;
    }
    TcpSocket socket(descriptor, to_string(to));
    tune(descriptor);
    // Each address gets its share of the time, so that a silent first one does not use up the time of a second that
    // would answer.
    auto connected =
        connect_one(descriptor, address, socket.peer_, deadline.within(deadline.remaining() / (literals.size() - i)));
    if (connected) return socket;
    last = connected.error();
    if (last.code() == ErrorCode::interrupted) break;
  }
  return last;
}

TcpSocket::TcpSocket(TcpSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), peer_(std::move(other.peer_)), was_reset_(other.was_reset_) {}

TcpSocket::~TcpSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t TcpSocket::outstanding() const {
  int bytes = 0;
  if (::ioctl(descriptor_, SIOCOUTQ, &bytes) != 0 || bytes < 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(bytes);
}

TcpSocket::Peer TcpSocket::observe_peer() const {
  pollfd observed{descriptor_, POLLRDHUP, 0};
  if (::poll(&observed, 1, 0) <= 0) return Peer::is_open;
  if ((observed.revents & (POLLERR | POLLNVAL)) != 0) was_reset_ = true;
  return was_reset_ ? Peer::has_reset : Peer::has_closed;
}

bool TcpSocket::was_reset() const { return observe_peer() == Peer::has_reset; }

Result<std::optional<std::size_t>> TcpSocket::send_some(std::string_view bytes) {
  for (;;) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return std::optional<std::size_t>(static_cast<std::size_t>(sent));
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>();
    was_reset_ = true;  // also EPIPE: what is written now finds nobody
    return closed_error(errno_words(errno));
  }
}

bool TcpSocket::discard_received() {
  std::array<char, 4096> thrown_away;
  for (int i = 0; i < discard_reads_max; ++i) {
    const ssize_t received = ::recv(descriptor_, thrown_away.data(), thrown_away.size(), MSG_DONTWAIT);
    if (received > 0) continue;
    if (received < 0 && errno == EINTR) continue;
    if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (received < 0) was_reset_ = true;
    return false;
  }
  return true;
}

Result<> TcpSocket::finish(const Deadline& deadline) {
  if (::shutdown(descriptor_, SHUT_WR) != 0) was_reset_ = true;
  if (TRY(await_end(deadline))) return {};
  return Error(
      ErrorCode::destination_slow,
      fmt::format("ending the connection with {}: it has acknowledged {}, but did not read to the end and close "
                  "in time",
                  peer_, outstanding() == 0 ? "everything" : "a part"));
}

Result<bool> TcpSocket::await_end(const Deadline& deadline) {
  for (;;) {
    const bool has_ended = !discard_received();
    // In this order: when no reset is seen after the figure was read, acknowledgements alone have made it zero.
    const bool is_all_acknowledged = outstanding() == 0;
    if (was_reset()) return closed_error("the peer closed the connection before it had read everything");
    if (has_ended && is_all_acknowledged) return true;
    const auto readiness =
        has_ended ? pause(last_acknowledgements_pause, deadline) : wait_for(descriptor_, POLLIN | POLLRDHUP, deadline);
    if (readiness == Readiness::stopped) return stopped_error("ending the connection with");
    // A peer that floods us is always ready.
    if (readiness == Readiness::timed_out || deadline.has_passed()) return false;
  }
}

Error TcpSocket::closed_error(std::string_view how) const {
  return {ErrorCode::destination_closed, fmt::format("writing to {}: {}", peer_, how)};
}
Error TcpSocket::slow_error(std::string_view doing) const {
  return {ErrorCode::destination_slow, fmt::format("{} {}: no progress in time", doing, peer_)};
}
Error TcpSocket::stopped_error(std::string_view doing) const {
  return {ErrorCode::interrupted, fmt::format("{} {}: stopped", doing, peer_)};
}

}  // namespace capstan::net
