#include "simulator/receiver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "syslog_frames.h"

namespace capstan::simulator {
namespace {

constexpr std::size_t connections_max = 64;
constexpr std::size_t read_size = 256U << 10;
constexpr int wait_ms = 100;  // how soon the end is noticed

struct Connection {
  int descriptor;
  SyslogFrames frames;
};

}  // namespace

struct Receiver::Impl {
  ~Impl() {
    thread = {};  // asks it to end and waits
    for (const Connection& connection : connections) ::close(connection.descriptor);
    if (listener >= 0) ::close(listener);
  }

  void run(const std::stop_token& stop);
  void accept_one();
  bool read_from(Connection& connection);
  void take(std::string_view message);

  int listener = -1;
  std::uint16_t port = 0;
  std::list<Connection> connections;
  std::string buffer = std::string(read_size, '\0');
  mutable std::mutex mutex;
  ReceiverCounts counts;
  std::unordered_set<std::string> ids;
  std::jthread thread;
};

void Receiver::Impl::run(const std::stop_token& stop) {
  std::vector<pollfd> waiting;
  while (!stop.stop_requested()) {
    waiting.assign(1, {listener, static_cast<short>(connections.size() < connections_max ? POLLIN : 0), 0});
    for (const Connection& connection : connections) waiting.push_back({connection.descriptor, POLLIN, 0});
    if (::poll(waiting.data(), waiting.size(), wait_ms) <= 0) continue;
    std::size_t place = 1;
    for (auto each = connections.begin(); each != connections.end(); ++place) {
      if (waiting[place].revents == 0 || read_from(*each)) {
        ++each;
      } else {
        ::close(each->descriptor);
        each = connections.erase(each);
      }
    }
    if ((waiting[0].revents & POLLIN) != 0) accept_one();
  }
}

void Receiver::Impl::accept_one() {
  const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (descriptor >= 0) connections.push_back({descriptor, {}});
}

// False when the connection is to be closed.
bool Receiver::Impl::read_from(Connection& connection) {
  const auto size = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  const std::lock_guard lock(mutex);
  const auto on_message = [this](std::string_view message) { take(message); };
  if (size == 0) {
    connection.frames.end(on_message);
    return false;
  }
  counts.bytes += static_cast<std::uint64_t>(size);
  if (connection.frames.add(std::string_view(buffer.data(), static_cast<std::size_t>(size)), on_message)) return true;
  ++counts.broken;
  return false;
}

void Receiver::Impl::take(std::string_view message) {
  ++counts.messages;
  const auto id = external_id_of(message);
  if (!id) {
    ++counts.without_id;
  } else if (ids.insert(*id).second) {
    ++counts.events;
  } else {
    ++counts.doubles;
  }
}

Result<Receiver> Receiver::start(const std::string& address, std::uint16_t port) {
  auto impl = std::make_unique<Impl>();
  const auto error = [&](std::string_view call) {
    return Error{ErrorCode::port_in_use,
                 fmt::format("receiving on {} port {}: {} answered \"{}\"", address, port, call, std::strerror(errno))};
  };
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  socklen_t size = sizeof *v4;
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    size = sizeof *v6;
  } else {
    return Error{ErrorCode::port_in_use, fmt::format("receiving on \"{}\": expected an IPv4 or IPv6 address", address)};
  }
  impl->listener = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (impl->listener < 0) return error("socket");
  const int on = 1;
  ::setsockopt(impl->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(impl->listener, reinterpret_cast<sockaddr*>(&storage), size) != 0) return error("bind");
  if (::listen(impl->listener, static_cast<int>(connections_max)) != 0) return error("listen");
  ::getsockname(impl->listener, reinterpret_cast<sockaddr*>(&storage), &size);
  impl->port = ntohs(storage.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
  impl->thread = std::jthread([self = impl.get()](const std::stop_token& stop) { self->run(stop); });
  return Receiver(std::move(impl));
}

std::uint16_t Receiver::port() const { return impl_->port; }

ReceiverCounts Receiver::counts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counts;
}

bool Receiver::has(const std::string& external_id) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->ids.contains(external_id);
}

std::vector<std::string> Receiver::external_ids() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->ids.begin(), impl_->ids.end()};
}

Receiver::Receiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;
Receiver::~Receiver() = default;

}  // namespace capstan::simulator
