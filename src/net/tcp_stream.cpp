#include <fmt/format.h>
#include <poll.h>

#include "acknowledgement.h"
#include "net/stream.h"
#include "tcp_socket.h"

namespace capstan::net {
namespace {

// How long a peer may take to close after us when nobody asks whether it did.
constexpr std::chrono::seconds close_max{1};

class TcpStream final : public Stream {
public:
  explicit TcpStream(TcpSocket socket) : socket_(std::move(socket)) {}

  Result<> write(std::string_view bytes, const Call& call) override {
    TRY(refuse_when_dead());
    auto written = write_all(bytes, Deadline(call));
    if (!written) die();
    return written;
  }

  Result<> wait_acknowledged(const Call& call) override {
    TRY(refuse_when_dead());
    auto waited = await_acknowledgement(socket_, Deadline(call), [this] { return note_acknowledged(); });
    if (!waited) is_dead_ = true;
    return waited;
  }

  std::uint64_t written() const override { return written_; }

  std::uint64_t acknowledged() const override {
    if (!is_dead_) static_cast<void>(note_acknowledged());
    return acknowledged_;
  }

  bool was_reset() const override { return socket_.was_reset(); }

  Result<bool> await_end(const Call& call) override {
    TRY(refuse_when_dead());
    return socket_.await_end(Deadline(call));
  }

  Result<> finish(const Call& call) override {
    TRY(refuse_when_dead());
    is_dead_ = true;
    TRY(socket_.finish(Deadline(call)));
    acknowledged_ = written_;
    return {};
  }

  void close() override { static_cast<void>(finish(Call{close_max, {}})); }

private:
  Result<> refuse_when_dead() const {
    if (is_dead_) return socket_.closed_error("the connection has broken before");
    return {};
  }

  Result<> write_all(std::string_view bytes, const Deadline& deadline) {
    TRY(note_acknowledged());
    while (!bytes.empty()) {
      const auto sent = TRY(socket_.send_some(bytes));
      if (sent) {
        bytes.remove_prefix(*sent);
        written_ += *sent;
        continue;
      }
      switch (wait_for(socket_.descriptor(), POLLOUT | POLLRDHUP, deadline)) {
        case Readiness::ready:
          TRY(note_acknowledged());
          break;
        case Readiness::timed_out:
          return socket_.slow_error("writing to");
        case Readiness::stopped:
          return socket_.stopped_error("writing to");
      }
    }
    return {};
  }

  // The order matters: the queue is read first and the peer is looked at second. When the peer was still open
  // afterwards, the queue's figure was made by acknowledgements alone; once it has closed or reset, the kernel may have
  // thrown the queue away and its figure says nothing, so what was known before stays.
  Result<> note_acknowledged() const {
    const std::uint64_t outstanding = socket_.outstanding();
    const auto peer = socket_.observe_peer();
    const bool has_ended = !socket_.discard_received();
    if (has_ended || peer != TcpSocket::Peer::is_open)
      return socket_.closed_error(peer == TcpSocket::Peer::has_reset ? "the connection was reset"
                                                                     : "the peer closed the connection");
    if (outstanding <= written_) acknowledged_ = std::max(acknowledged_, written_ - outstanding);
    return {};
  }

  void die() {
    static_cast<void>(note_acknowledged());
    is_dead_ = true;
  }

  mutable TcpSocket socket_;
  std::uint64_t written_ = 0;
  mutable std::uint64_t acknowledged_ = 0;
  bool is_dead_ = false;
};

}  // namespace

Result<std::unique_ptr<Stream>> connect_tcp(const Address& to, const Call& call) {
  return std::unique_ptr<Stream>(std::make_unique<TcpStream>(TRY(TcpSocket::connect(to, Deadline(call)))));
}

}  // namespace capstan::net
