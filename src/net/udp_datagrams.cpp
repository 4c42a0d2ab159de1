#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "net/resolve.h"
#include "net/stream.h"
#include "tcp_socket.h"

namespace capstan::net {
namespace {

// A full queue of this machine empties within milliseconds; a network card that takes longer is broken.
constexpr std::chrono::seconds queue_wait_max{2};
constexpr std::chrono::milliseconds queue_pause{1};
// RFC 768 over IPv4: 65,535 bytes less the headers.
constexpr std::size_t datagram_max = 65'507;
// The largest datagram has to fit, whatever net.core.wmem_default says; the kernel counts its own overhead too.
constexpr int send_buffer_min = 256 << 10;
// ICMP messages that are taken from the error queue in one go; they would fill the receive buffer otherwise.
constexpr int queued_errors_max = 64;

// A connected socket, so that an ICMP refusal of an earlier datagram is told to us.
class UdpDatagrams final : public Datagrams {
public:
  UdpDatagrams(int descriptor, std::string peer) : descriptor_(descriptor), peer_(std::move(peer)) {}
  UdpDatagrams(const UdpDatagrams&) = delete;
  UdpDatagrams& operator=(const UdpDatagrams&) = delete;
  ~UdpDatagrams() override { ::close(descriptor_); }

  Result<> send(std::string_view message, const Call& call) override {
    const Deadline deadline = Deadline(call).within(queue_wait_max);
    for (;;) {
      if (deadline.is_stopped()) return Error(ErrorCode::interrupted, fmt::format("sending to {}: stopped", peer_));
      if (::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
      const int error_number = errno;
      if (error_number == EINTR) continue;
      // For a shorter one it is about an earlier datagram: the path does not carry its size, and the next one is cut
      // up.
      if (error_number == EMSGSIZE && message.size() > datagram_max)
        return Error(ErrorCode::message_too_long, fmt::format("sending a datagram of {} bytes to {}: {}",
                                                              message.size(), peer_, errno_words(error_number)));
      if (error_number != EAGAIN && error_number != EWOULDBLOCK && error_number != ENOBUFS)
        return unreachable(error_number);
      // ENOBUFS: the queue of the network card dropped it, for which there is no event.
      const auto waited =
          error_number == ENOBUFS ? pause(queue_pause, deadline) : wait_for(descriptor_, POLLOUT, deadline);
      if (waited == Readiness::timed_out || deadline.has_passed())
        return Error(ErrorCode::destination_slow, fmt::format("sending to {}: the queues of this machine stay full: {}",
                                                              peer_, errno_words(error_number)));
    }
  }

  Result<> await_refusal(const Call& call) override {
    pollfd waited{descriptor_, 0, 0};  // POLLERR is always told
    if (::poll(&waited, 1, static_cast<int>(call.timeout.count())) <= 0) return {};
    int error_number = 0;
    socklen_t size = sizeof error_number;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error_number, &size);
    if (error_number != 0) return unreachable(error_number);
    return {};
  }

private:
  Error unreachable(int error_number) {
    forget_queued_errors();
    return {ErrorCode::destination_unreachable, fmt::format("sending to {}: {}", peer_, errno_words(error_number))};
  }

  void forget_queued_errors() const {
    std::array<char, 512> control{};
    for (int i = 0; i < queued_errors_max; ++i) {
      msghdr message{};
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (::recvmsg(descriptor_, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    }
    // Each one in the queue has also marked the socket.
    int error_number = 0;
    socklen_t size = sizeof error_number;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error_number, &size);
  }

  int descriptor_;
  std::string peer_;
};

void tune(int descriptor, int family) {
  const int yes = 1;
  // Without it Linux keeps silent about a datagram that the queue of the network card dropped (udp(7), ip(7)).
  if (family == AF_INET6)
    static_cast<void>(::setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVERR, &yes, sizeof yes));
  else
    static_cast<void>(::setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes));
  int size = 0;
  socklen_t size_of_size = sizeof size;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, &size_of_size) == 0 && size < send_buffer_min)
    static_cast<void>(::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send_buffer_min, sizeof send_buffer_min));
}

}  // namespace

Result<std::unique_ptr<Datagrams>> open_udp(const Address& to, const Call& call) {
  Error last(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no address", to.host));
  for (const auto& literal : TRY(resolve(to, call))) {
    const SocketAddress address = TRY(to_socket_address(literal));
    const int descriptor = ::socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor >= 0) tune(descriptor, address.family);
    if (descriptor >= 0 &&
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(address.storage.data()), address.size) == 0)
      return std::unique_ptr<Datagrams>(std::make_unique<UdpDatagrams>(descriptor, to_string(to)));
    last = Error(ErrorCode::destination_unreachable,
                 fmt::format("opening UDP to {}: {}", to_string(to), errno_words(errno)));
    if (descriptor >= 0) ::close(descriptor);
  }
  return last;
}

}  // namespace capstan::net
