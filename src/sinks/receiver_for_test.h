// A syslog receiver of the tests' own on a loopback address. Like a real one it can stop reading, die with bytes in its
// socket and come back on the same port. It shares no code with the sink.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace capstan::sinks::test {

// A socket bound to a literal address and a port (0: any), and the port that it got.
struct BoundSocket {
  int descriptor = -1;
  std::uint16_t port = 0;
};

inline BoundSocket bind_socket(const std::string& host, std::uint16_t port, int type, int receive_buffer = 0) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const bool is_v6 = host.contains(':');
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(port);
  ::inet_pton(v6.sin6_family, host.c_str(), &v6.sin6_addr);
  ::inet_pton(v4.sin_family, host.c_str(), &v4.sin_addr);
  auto* const address = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  socklen_t size = is_v6 ? sizeof v6 : sizeof v4;
  const int descriptor = ::socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (type == SOCK_STREAM) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (receive_buffer > 0) ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (::bind(descriptor, address, size) != 0 || (type == SOCK_STREAM && ::listen(descriptor, 8) != 0))
    throw std::runtime_error("the test's receiver cannot have " + host);
  ::getsockname(descriptor, address, &size);
  return {descriptor, ntohs(is_v6 ? v6.sin6_port : v4.sin_port)};
}

inline std::string written_address(const std::string& host, std::uint16_t port) {
  return (host.contains(':') ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

class TcpReceiver {
public:
  // Listens on the port (0: any) with a receive buffer of about `receive_buffer` bytes (0: the system's).
  explicit TcpReceiver(std::uint16_t port = 0, int receive_buffer = 0, std::string host = "127.0.0.1")
      : host_(std::move(host)) {
    const BoundSocket bound = bind_socket(host_, port, SOCK_STREAM, receive_buffer);
    listener_ = bound.descriptor;
    port_ = bound.port;
    thread_ = std::thread([this] { run(); });
  }
  TcpReceiver(const TcpReceiver&) = delete;
  TcpReceiver& operator=(const TcpReceiver&) = delete;
  // Dies: what lies unread in its sockets is lost (the kernel sends a reset then).
  ~TcpReceiver() {
    ends_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  std::string address() const { return written_address(host_, port_); }
  void let_read(bool may) { may_read_ = may; }
  // Closes the connections and goes on listening.
  void close_connections() {
    closes_ = true;
    while (closes_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // Resets the connections and goes on listening.
  void reset_connections() {
    resets_ = true;
    close_connections();
    resets_ = false;
  }
  // From now on a connection is reset as soon as it is accepted.
  void let_accept_only_to_reset(bool only = true) { resets_all_ = only; }
  // Whether it closes when the other side has ended.
  void let_close(bool may) { may_close_ = may; }
  int connections() const { return connections_; }

  std::string received() {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  // What was received once it holds `size` bytes, or after five seconds.
  std::string await(std::size_t size) {
    for (int i = 0; i < 1000 && received().size() < size; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return received();
  }

private:
  void run() {
    std::vector<pollfd> all{{listener_, POLLIN, 0}};
    std::string bytes(64U << 10, '\0');
    while (!ends_) {
      if (closes_) {
        for (std::size_t i = 1; i < all.size(); ++i) end(all[i].fd, resets_);
        all.resize(1);
        closes_ = false;
      }
      for (auto& each : all) each.events = each.fd == listener_ || may_read_ ? POLLIN : 0;
      if (::poll(all.data(), all.size(), 2) <= 0) continue;
      for (std::size_t i = 1; i < all.size(); ++i) {
        if (all[i].revents == 0 || !may_read_) continue;
        const ssize_t size = ::recv(all[i].fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size > 0) {
          const std::lock_guard lock(mutex_);
          received_.append(bytes, 0, static_cast<std::size_t>(size));
        } else if (size == 0 && !may_close_) {
          all[i].fd = -1 - all[i].fd;  // poll passes over it
        } else if (size == 0) {
          ::close(all[i].fd);
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(i--));
        }
      }
      if (all[0].revents != 0) {
        const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        ++connections_;
        if (resets_all_)
          end(accepted, true);
        else
          all.push_back({accepted, POLLIN, 0});
      }
    }
    for (std::size_t i = 1; i < all.size(); ++i) end(all[i].fd, false);
  }

  static void end(int descriptor, bool resets) {
    if (descriptor < 0) descriptor = -1 - descriptor;
    const linger abort{1, 0};
    if (resets) ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    ::close(descriptor);
  }

  std::string host_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<bool> closes_ = false;
  std::atomic<bool> may_read_ = true;
  std::atomic<bool> may_close_ = true;
  std::atomic<bool> resets_ = false;
  std::atomic<bool> resets_all_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::string received_;
  std::thread thread_;
};

class UdpReceiver {
public:
  explicit UdpReceiver(std::uint16_t port = 0, std::string host = "127.0.0.1") : host_(std::move(host)) {
    const BoundSocket bound = bind_socket(host_, port, SOCK_DGRAM);
    socket_ = bound.descriptor;
    port_ = bound.port;
  }
  UdpReceiver(const UdpReceiver&) = delete;
  UdpReceiver& operator=(const UdpReceiver&) = delete;
  ~UdpReceiver() { ::close(socket_); }

  std::uint16_t port() const { return port_; }
  std::string address() const { return written_address(host_, port_); }
  // The next datagram; empty when none comes in so many milliseconds.
  std::string take(int patience = 1000) {
    pollfd waited{socket_, POLLIN, 0};
    if (::poll(&waited, 1, patience) <= 0) return {};
    std::string bytes(70'000, '\0');
    const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }

private:
  std::string host_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace capstan::sinks::test
