// A syslog receiver of the tests' own on 127.0.0.1. Like a real one it can stop reading, die with bytes in its socket
// and come back on the same port. It shares no code with the sink.
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

class TcpReceiver {
public:
  // Listens on the port (0: any) with a receive buffer of about `receive_buffer` bytes (0: the system's).
  explicit TcpReceiver(std::uint16_t port = 0, int receive_buffer = 0) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (receive_buffer > 0) ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0)
      throw std::runtime_error("the test's receiver cannot listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
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
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void let_read(bool may) { may_read_ = may; }
  // Closes the connections and goes on listening.
  void close_connections() {
    closes_ = true;
    while (closes_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
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
        for (std::size_t i = 1; i < all.size(); ++i) ::close(all[i].fd);
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
        } else if (size == 0) {
          ::close(all[i].fd);
          all.erase(all.begin() + static_cast<std::ptrdiff_t>(i--));
        }
      }
      if (all[0].revents != 0) {
        all.push_back({::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0});
        ++connections_;
      }
    }
    for (std::size_t i = 1; i < all.size(); ++i) ::close(all[i].fd);
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<bool> closes_ = false;
  std::atomic<bool> may_read_ = true;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::string received_;
  std::thread thread_;
};

class UdpReceiver {
public:
  UdpReceiver() {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0)
      throw std::runtime_error("the test's receiver cannot bind");
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  UdpReceiver(const UdpReceiver&) = delete;
  UdpReceiver& operator=(const UdpReceiver&) = delete;
  ~UdpReceiver() { ::close(socket_); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // The next datagram; empty when none comes within a second.
  std::string take() {
    pollfd waited{socket_, POLLIN, 0};
    if (::poll(&waited, 1, 1000) <= 0) return {};
    std::string bytes(70'000, '\0');
    const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }

private:
  int socket_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace capstan::sinks::test
