// A server of the tests' own, on 127.0.0.1: what it does with a connection is a function. It shares no code with what
// it tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "certificates_for_test.h"

namespace capstan::net::test {

// One accepted connection, plain or TLS. Every wait ends after ten seconds or when the server goes.
class Wire {
public:
  Wire(int descriptor, SSL* tls, const std::atomic<bool>& ends) : descriptor_(descriptor), tls_(tls), ends_(ends) {}

  int descriptor() const { return descriptor_; }
  SSL* tls() const { return tls_; }
  bool server_ends() const { return ends_; }

  // Up to 64 KiB; empty at the end or on an error.
  std::string read() {
    if (tls_ == nullptr || SSL_pending(tls_) == 0) {
      if (!wait(POLLIN)) return {};
    }
    std::string bytes(64U << 10, '\0');
    const auto size = tls_ != nullptr ? SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                      : static_cast<int>(::recv(descriptor_, bytes.data(), bytes.size(), 0));
    if (tls_ != nullptr && size <= 0) last_tls_error_ = SSL_get_error(tls_, size);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }
  // SSL_get_error of the read that ended the connection.
  int last_tls_error() const { return last_tls_error_; }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!wait(POLLOUT)) return false;
      const auto size = tls_ != nullptr
                            ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                            : static_cast<int>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }

  // An HTTP request: head and body (by content-length). Empty at the end of the connection.
  std::string read_request() {
    while (pending_.find("\r\n\r\n") == std::string::npos) {
      const std::string more = read();
      if (more.empty()) return {};
      pending_ += more;
    }
    const std::size_t head = pending_.find("\r\n\r\n") + 4;
    std::size_t length = 0;
    std::string lower = pending_.substr(0, head);
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    if (const auto at = lower.find("content-length: "); at != std::string::npos)
      length = std::stoul(lower.substr(at + 16));
    while (pending_.size() < head + length) {
      const std::string more = read();
      if (more.empty()) return {};
      pending_ += more;
    }
    std::string request = pending_.substr(0, head + length);
    pending_.erase(0, head + length);
    return request;
  }

  void linger_reset() {
    const linger abort{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  }

  bool wait(short events) {
    for (int i = 0; i < 500 && !ends_; ++i) {
      pollfd waited{descriptor_, events, 0};
      if (::poll(&waited, 1, 20) > 0) return true;
    }
    return false;
  }

private:
  int descriptor_;
  SSL* tls_;
  const std::atomic<bool>& ends_;
  std::string pending_;
  int last_tls_error_ = 0;
};

struct ServerTls {
  Identity identity;
  const Identity* client_authority = nullptr;  // asks for a client certificate signed by it
  int version_max = TLS1_3_VERSION;
};

class Server {
public:
  using Serve = std::function<void(Wire&)>;

  explicit Server(Serve serve, std::optional<ServerTls> tls = {}, std::uint16_t port = 0, int receive_buffer = 0)
      : serve_(std::move(serve)) {
    if (tls) context_ = make_context(*tls);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (receive_buffer > 0) ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0)
      throw std::runtime_error("the test's server cannot listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    ends_ = true;
    acceptor_.join();
    for (auto& thread : connections_) thread.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const {
    return (context_ != nullptr ? "https" : "http") + std::string("://localhost:") + std::to_string(port_) + path;
  }
  int accepted() const { return accepted_; }

private:
  static SSL_CTX* make_context(const ServerTls& tls) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, tls.identity.certificate.get());
    SSL_CTX_use_PrivateKey(context, tls.identity.key.get());
    SSL_CTX_set_max_proto_version(context, tls.version_max);
    if (tls.client_authority != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), tls.client_authority->certificate.get());
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return context;
  }

  void accept_all() {
    while (!ends_) {
      pollfd waited{listener_, POLLIN, 0};
      if (::poll(&waited, 1, 20) <= 0) continue;
      const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) continue;
      ++accepted_;
      connections_.emplace_back([this, descriptor] { serve_one(descriptor); });
    }
  }

  void serve_one(int descriptor) {
    sigset_t sigpipe;  // OpenSSL's own socket BIO raises it
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);
    const timeval patience{10, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL* tls = nullptr;
    bool is_ready = true;
    if (context_ != nullptr) {
      tls = SSL_new(context_);
      SSL_set_fd(tls, descriptor);
      is_ready = SSL_accept(tls) == 1;
    }
    if (is_ready) {
      Wire wire(descriptor, tls, ends_);
      serve_(wire);
    }
    SSL_free(tls);
    ::close(descriptor);
  }

  Serve serve_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<int> accepted_ = 0;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace capstan::net::test
