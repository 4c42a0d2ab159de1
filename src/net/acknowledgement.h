// Waiting until the peer's kernel has acknowledged everything: the same for plain TCP and for TLS.
#pragma once

#include <poll.h>

#include "tcp_socket.h"

namespace capstan::net {

// There is no event for "acknowledged", so the queue is looked at again and again. A receiver that keeps up
// acknowledges within microseconds on one machine and within a round trip elsewhere, hence a short first pause that
// doubles.
constexpr std::chrono::microseconds acknowledgement_pause_min{50};
constexpr std::chrono::microseconds acknowledgement_pause_max{10'000};

// `observe` looks whether the peer's side is still open, after which the queue's figure can be trusted; its error ends
// the wait.
template <class Observe>
Result<> await_acknowledgement(const TcpSocket& socket, const Deadline& deadline, Observe observe) {
  std::chrono::nanoseconds pause = acknowledgement_pause_min;
  for (;;) {
    const bool is_all_acknowledged = socket.outstanding() == 0;
    TRY(observe());
    if (is_all_acknowledged) return {};
    if (deadline.is_stopped()) return socket.stopped_error("waiting for the acknowledgement of");
    if (deadline.has_passed()) return socket.slow_error("waiting for the acknowledgement of");
    const auto slice = std::min(pause, deadline.remaining());
    const timespec span{0, static_cast<long>(slice.count())};
    pollfd waited{socket.descriptor(), POLLRDHUP, 0};
    static_cast<void>(::ppoll(&waited, 1, &span, nullptr));
    pause = std::min<std::chrono::nanoseconds>(pause * 2, acknowledgement_pause_max);
  }
}

}  // namespace capstan::net
