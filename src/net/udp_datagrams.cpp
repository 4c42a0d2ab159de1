#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "net/resolve.h"
#include "net/stream.h"
#include "tcp_socket.h"

namespace capstan::net {
namespace {

// A full send buffer empties within milliseconds; a network card that takes longer is broken.
constexpr std::chrono::seconds send_wait_max{2};
// Refusals of earlier datagrams that are reported for one send before the send itself is given up.
constexpr int pending_errors_max = 4;

class UdpDatagrams final : public Datagrams {
public:
  UdpDatagrams(int descriptor, std::string peer) : descriptor_(descriptor), peer_(std::move(peer)) {}
  UdpDatagrams(const UdpDatagrams&) = delete;
  UdpDatagrams& operator=(const UdpDatagrams&) = delete;
  ~UdpDatagrams() override { ::close(descriptor_); }

  Result<> send(std::string_view message) override {
    for (int attempt = 0; attempt < pending_errors_max; ++attempt) {
      if (::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
      const int error_number = errno;
      if (error_number == EINTR) continue;
      if (error_number == EMSGSIZE)
        return Error(ErrorCode::message_too_long, fmt::format("sending a datagram of {} bytes to {}: {}",
                                                              message.size(), peer_, errno_words(error_number)));
      if (error_number != EAGAIN && error_number != ENOBUFS)
        return Error(ErrorCode::destination_unreachable,
                     fmt::format("sending to {}: {}", peer_, errno_words(error_number)));
      if (wait_for(descriptor_, POLLOUT, Deadline(Call{send_wait_max, {}})) == Readiness::timed_out) break;
    }
    return Error(ErrorCode::destination_slow, fmt::format("sending to {}: the network takes nothing", peer_));
  }

private:
  int descriptor_;
  std::string peer_;
};

}  // namespace

Result<std::unique_ptr<Datagrams>> open_udp(const Address& to, const Call& call) {
  Error last(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no address", to.host));
  for (const auto& literal : TRY(resolve(to, call))) {
    const SocketAddress address = TRY(to_socket_address(literal));
    const int descriptor = ::socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // Connected, so that an ICMP refusal of an earlier datagram is told to us.
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
