// A connected TCP socket with what TcpStream and TlsStream share: connecting in address order, waiting that can be
// stopped, how much the peer's kernel has acknowledged. Non-blocking underneath; SIGPIPE is never raised
// (MSG_NOSIGNAL).
#pragma once

#include <array>
#include <chrono>
#include <span>

#include "net/stream.h"

namespace capstan::net {

// The end of a Call, fixed when it begins.
class Deadline {
public:
  explicit Deadline(const Call& call) : end_(std::chrono::steady_clock::now() + call.timeout), stop_(call.stop) {}
  Deadline(std::chrono::steady_clock::time_point end, std::stop_token stop) : end_(end), stop_(std::move(stop)) {}

  bool has_passed() const { return std::chrono::steady_clock::now() >= end_; }
  bool is_stopped() const { return stop_.stop_requested(); }
  std::chrono::nanoseconds remaining() const;
  // What is left, for a call of somebody else; rounded up to a millisecond.
  Call rest() const { return {std::chrono::ceil<Duration>(remaining()), stop_}; }
  // This deadline, or `span` from now when that is sooner.
  Deadline within(std::chrono::nanoseconds span) const;

private:
  std::chrono::steady_clock::time_point end_;
  std::stop_token stop_;
};

enum class Readiness : std::uint8_t { ready, timed_out, stopped };
// Waits until one of the poll(2) events shows on the socket. A stop is seen within 50 ms.
Readiness wait_for(int descriptor, short events, const Deadline& deadline);

// Sleeps for `span`, 50 ms at most, where there is no event to wait for.
Readiness pause(std::chrono::nanoseconds span, const Deadline& deadline);

class TcpSocket {
public:
  static Result<TcpSocket> connect(const Address& to, const Deadline& deadline);
  TcpSocket(TcpSocket&& other) noexcept;
  TcpSocket& operator=(TcpSocket&& other) = delete;
  ~TcpSocket();

  int descriptor() const { return descriptor_; }
  const std::string& peer() const { return peer_; }

  // Bytes that the peer's kernel has not acknowledged (SIOCOUTQ: unsent and in flight).
  std::uint64_t outstanding() const;
  // What the peer did to its side, without taking any byte from the socket.
  enum class Peer : std::uint8_t { is_open, has_closed, has_reset };
  Peer observe_peer() const;
  // Sends what the kernel takes at once. Nothing taken: it would block. An error: the connection is gone.
  Result<std::optional<std::size_t>> send_some(std::string_view bytes);
  // Takes and throws away what the peer sent, so that its FIN comes to light behind it. False when its side has ended.
  bool discard_received();
  // Whether a reset or another error of the connection was seen by any call so far. The kernel reports one only once,
  // so it is remembered here.
  bool was_reset() const;
  // Tells the peer that nothing more comes, and waits until it has closed too and has acknowledged everything, as
  // Stream::finish says. What it sends meanwhile is thrown away: closing a socket with unread bytes in it would send a
  // reset and could destroy what is still under way (RFC 1122, 4.2.2.13).
  Result<> finish(const Deadline& deadline);
  // Waits for the peer's end, as Stream::await_end says.
  Result<bool> await_end(const Deadline& deadline);

  Error closed_error(std::string_view how) const;
  Error slow_error(std::string_view doing) const;
  Error stopped_error(std::string_view doing) const;

private:
  TcpSocket(int descriptor, std::string peer) : descriptor_(descriptor), peer_(std::move(peer)) {}
  int descriptor_;
  std::string peer_;
  mutable bool was_reset_ = false;
};

// The words of errno, thread-safe.
std::string errno_words(int error_number);

// A numeric literal (net/resolve.h) and its port as the kernel wants them.
struct SocketAddress {
  int family = 0;
  alignas(8) std::array<unsigned char, 128> storage{};
  unsigned size = 0;
};
Result<SocketAddress> to_socket_address(const Address& literal);

}  // namespace capstan::net
