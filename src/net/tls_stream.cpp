#include <fmt/format.h>
#include <openssl/err.h>
#include <poll.h>

#include <array>

#include "acknowledgement.h"
#include "tcp_socket.h"
#include "tls_context.h"
#include "tls_socket_bio.h"

namespace capstan::net {
namespace {

// TLS 1.3 lets a client finish its handshake before the server has looked at the client's certificate (RFC
// 8446, 4.4.2.4). A server that asked for one is given this long to say yes (a session ticket) or no (an alert) before
// anything is written.
constexpr std::chrono::milliseconds verdict_wait_max{500};
// What a receiver sends back is thrown away; a flood of it is left for the next look.
constexpr int discard_reads_max = 64;
// How long a peer may take to close after us when nobody asks whether it did.
constexpr std::chrono::seconds close_max{1};

class TlsStream final : public Stream {
public:
  TlsStream(TcpSocket socket, TlsContext context) : socket_(std::move(socket)), context_(std::move(context)) {}

  ~TlsStream() override = default;

  Result<> shake_hands(const TlsOptions& options, const std::string& name, const Deadline& deadline);
  Result<> write(std::string_view bytes, const Call& call) override;
  Result<> wait_acknowledged(const Call& call) override;
  std::uint64_t written() const override { return written_; }
  std::uint64_t acknowledged() const override { return acknowledged_; }
  bool was_reset() const override { return was_reset_ || socket_.was_reset(); }
  Result<bool> await_end(const Call& call) override;
  Result<> finish(const Call& call) override;
  void close() override { static_cast<void>(finish(Call{close_max, {}})); }

private:
  static int note_ticket(SSL* connection, SSL_SESSION*);
  static int note_certificate_request(SSL* connection, void*);
  Result<> await_verdict(const Deadline& deadline);
  Result<> write_all(std::string_view bytes, const Deadline& deadline);
  // Reads what the peer sent (tickets, alerts, its end) and throws it away. An error when its side has ended.
  Result<> observe();
  Result<> wait(int ssl_error, const Deadline& deadline, std::string_view doing);
  Error tls_error(std::string_view doing, std::string_view words) const;
  Error ended_error(int ssl_error);

  TcpSocket socket_;
  TlsContext context_;
  TlsConnection connection_;
  std::uint64_t written_ = 0;
  std::uint64_t acknowledged_ = 0;
  bool is_dead_ = false;
  bool was_reset_ = false;
  bool has_ticket_ = false;
  bool was_asked_for_certificate_ = false;
};

int TlsStream::note_ticket(SSL* connection, SSL_SESSION*) {
  static_cast<TlsStream*>(SSL_get_app_data(connection))->has_ticket_ = true;
  return 0;
}

int TlsStream::note_certificate_request(SSL* connection, void*) {
  static_cast<TlsStream*>(SSL_get_app_data(connection))->was_asked_for_certificate_ = true;
  return 1;
}

Result<> TlsStream::shake_hands(const TlsOptions& options, const std::string& name, const Deadline& deadline) {
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_.get(), note_ticket);
  SSL_CTX_set_cert_cb(context_.get(), note_certificate_request, nullptr);
  connection_.reset(SSL_new(context_.get()));
  BIO* bio = make_socket_bio(socket_.descriptor());
  if (!connection_ || bio == nullptr) {
    BIO_free(bio);
    return tls_error("preparing TLS with", tls_error_words());
  }
  SSL_set_bio(connection_.get(), bio, bio);
  SSL_set_app_data(connection_.get(), this);
  if (options.verify || !options.server_name.empty()) TRY(expect_server_name(connection_.get(), name));

  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(connection_.get());
    if (result == 1) return await_verdict(deadline);
    const int ssl_error = SSL_get_error(connection_.get(), result);
    if (ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE) {
      TRY(wait(ssl_error, deadline, "shaking hands with"));
      continue;
    }
    const std::string refused = options.verify ? verification_words(connection_.get(), name) : std::string();
    if (!refused.empty()) {
      ERR_clear_error();
      return tls_error("shaking hands with", refused);
    }
    if (ssl_error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0)
      return tls_error("shaking hands with", "the peer closed the connection; does it speak TLS on this port?");
    return tls_error("shaking hands with", tls_error_words());
  }
}

Result<> TlsStream::await_verdict(const Deadline& deadline) {
  if (!was_asked_for_certificate_ || SSL_version(connection_.get()) < TLS1_3_VERSION) return {};
  const Deadline verdict = deadline.within(verdict_wait_max);
  while (!has_ticket_) {
    TRY(observe());
    if (has_ticket_) break;
    const auto readiness = wait_for(socket_.descriptor(), POLLIN | POLLRDHUP, verdict);
    if (readiness == Readiness::timed_out) break;
    if (readiness == Readiness::stopped) return socket_.stopped_error("shaking hands with");
  }
  return {};
}

Result<> TlsStream::write(std::string_view bytes, const Call& call) {
  if (is_dead_) return socket_.closed_error("the connection has broken before");
  auto written = write_all(bytes, Deadline(call));
  if (!written) is_dead_ = true;
  return written;
}

Result<> TlsStream::write_all(std::string_view bytes, const Deadline& deadline) {
  TRY(observe());
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t taken = 0;
    const int result = SSL_write_ex(connection_.get(), bytes.data(), bytes.size(), &taken);
    if (result == 1) {
      bytes.remove_prefix(taken);
      written_ += taken;
      continue;
    }
    const int ssl_error = SSL_get_error(connection_.get(), result);
    if (ssl_error != SSL_ERROR_WANT_READ && ssl_error != SSL_ERROR_WANT_WRITE) {
      // A refusal (an alert) may have come before the connection broke under the write; it says more.
      TRY(observe());
      return ended_error(ssl_error);
    }
    TRY(wait(ssl_error, deadline, "writing to"));
    TRY(observe());
  }
  return {};
}

Result<> TlsStream::wait_acknowledged(const Call& call) {
  if (is_dead_) return socket_.closed_error("the connection has broken before");
  auto waited = await_acknowledgement(socket_, Deadline(call), [this] { return observe(); });
  if (waited) acknowledged_ = written_;
  if (!waited) is_dead_ = true;
  return waited;
}

Result<> TlsStream::observe() {
  std::array<char, 4096> thrown_away;
  for (int i = 0; i < discard_reads_max; ++i) {
    ERR_clear_error();
    std::size_t taken = 0;
    const int result = SSL_read_ex(connection_.get(), thrown_away.data(), thrown_away.size(), &taken);
    if (result == 1) continue;
    const int ssl_error = SSL_get_error(connection_.get(), result);
    if (ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE) break;
    return ended_error(ssl_error);
  }
  if (socket_.observe_peer() != TcpSocket::Peer::is_open) return socket_.closed_error("the peer closed the connection");
  return {};
}

Result<> TlsStream::wait(int ssl_error, const Deadline& deadline, std::string_view doing) {
  const short events = ssl_error == SSL_ERROR_WANT_WRITE ? POLLOUT | POLLRDHUP : POLLIN | POLLRDHUP;
  switch (wait_for(socket_.descriptor(), events, deadline)) {
    case Readiness::ready:
      return {};
    case Readiness::timed_out:
      return socket_.slow_error(doing);
    case Readiness::stopped:
      return socket_.stopped_error(doing);
  }
  return {};
}

Error TlsStream::tls_error(std::string_view doing, std::string_view words) const {
  return {ErrorCode::destination_tls_failed, fmt::format("{} {}: {}", doing, socket_.peer(), words)};
}

Error TlsStream::ended_error(int ssl_error) {
  if (ssl_error == SSL_ERROR_ZERO_RETURN) return socket_.closed_error("the peer closed the connection");
  if (ssl_error == SSL_ERROR_SSL) {
    const unsigned long code = ERR_peek_error();
    // Since OpenSSL 3.0 an end without close_notify is an error of its own; to us it is a connection that broke.
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
      return socket_.closed_error("the peer closed the connection without saying so (no close_notify)");
    return tls_error("writing to", tls_error_words());
  }
  was_reset_ = true;
  return socket_.closed_error("the connection was reset");
}

Result<bool> TlsStream::await_end(const Call& call) {
  if (is_dead_) return socket_.closed_error("the connection has broken before");
  return socket_.await_end(Deadline(call));
}

// The close_notify is also what makes an unread end show: a program that stops reading earlier leaves it in its socket,
// and its kernel answers with a reset.
Result<> TlsStream::finish(const Call& call) {
  if (is_dead_) return socket_.closed_error("the connection has broken before");
  is_dead_ = true;
  const Deadline deadline(call);
  // RFC 5425, 4.4; without it rsyslog throws away what it has not yet read.
  for (;;) {
    ERR_clear_error();
    const int result = SSL_shutdown(connection_.get());
    if (result >= 0) break;
    const int ssl_error = SSL_get_error(connection_.get(), result);
    if (ssl_error != SSL_ERROR_WANT_WRITE) break;  // the peer has ended its side; the socket shows how
    TRY(wait(ssl_error, deadline, "ending the connection with"));
  }
  TRY(socket_.finish(deadline));
  acknowledged_ = written_;
  return {};
}

}  // namespace

Result<std::unique_ptr<Stream>> connect_tls(const Address& to, const TlsOptions& options, const Call& call) {
  const Deadline deadline(call);
  auto context = TRY(make_tls_context(options));
  auto stream = std::make_unique<TlsStream>(TRY(TcpSocket::connect(to, deadline)), std::move(context));
  TRY(stream->shake_hands(options, options.server_name.empty() ? to.host : options.server_name, deadline));
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace capstan::net
