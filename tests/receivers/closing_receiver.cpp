#include "closing_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <vector>

namespace capstan::receivers {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How long an accepted connection may say nothing before the receiver looks for the next one.
constexpr std::chrono::milliseconds look_every{5};
// How long a program is gone at least that was killed and is started again.
constexpr std::chrono::milliseconds restart_time{50};

}  // namespace

struct ClosingReceiver::Connection {
  int descriptor = -1;
  SSL* tls = nullptr;
  Habit habit;
  SteadyClock::time_point since = SteadyClock::now();
  std::size_t bytes = 0;
  std::size_t messages = 0;
  std::string unfinished;

  explicit Connection(int accepted) : descriptor(accepted) {}
  Connection(const Connection&) = delete;
  ~Connection() {
    SSL_free(tls);
    if (habit.resets) {
      const linger abort{1, 0};
      ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    }
    ::close(descriptor);
  }

  bool is_over() const {
    if (habit.bytes_max > 0 && bytes >= habit.bytes_max) return true;
    if (habit.messages_max > 0 && messages >= habit.messages_max) return true;
    return habit.milliseconds_max > 0 &&
           SteadyClock::now() - since >= std::chrono::milliseconds(habit.milliseconds_max);
  }
  std::size_t room() const {
    return habit.bytes_max > 0 ? std::min(habit.read_size, habit.bytes_max - bytes) : habit.read_size;
  }
};

ClosingReceiver::ClosingReceiver(Framing framing, const net::test::Identity* authority, Choose choose,
                                 std::uint64_t seed)
    : framing_(framing), choose_(std::move(choose)), random_(seed) {
  if (authority != nullptr) {
    const auto identity = net::test::make_identity({.alternative_names = "IP:127.0.0.1"}, authority);
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, identity.certificate.get());
    SSL_CTX_use_PrivateKey(context_, identity.key.get());
  }
  listen();
  thread_ = std::thread([this] { run(); });
}

// On the port that it had, or on any at first.
void ClosingReceiver::listen() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0)
    throw std::runtime_error("the test's receiver cannot listen");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

ClosingReceiver::~ClosingReceiver() {
  ends_ = true;
  thread_.join();
  ::close(listener_);
  SSL_CTX_free(context_);
}

void ClosingReceiver::behave(Choose choose) {
  const std::lock_guard lock(mutex_);
  choose_ = std::move(choose);
}

void ClosingReceiver::die() {
  dies_ = true;
  while (dies_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::map<std::string, int> ClosingReceiver::received() {
  const std::lock_guard lock(mutex_);
  return received_;
}

// One connection after the other, as a simple receiver does: the next one waits in the backlog.
void ClosingReceiver::run() {
  sigset_t sigpipe;  // OpenSSL's own socket BIO raises it
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);
  while (!ends_) {
    if (dies_) live_again();
    pollfd waited{listener_, POLLIN, 0};
    if (::poll(&waited, 1, static_cast<int>(look_every.count())) <= 0) continue;
    Connection connection(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.descriptor < 0) continue;
    ++connections_;
    {
      const std::lock_guard lock(mutex_);
      connection.habit = choose_(random_);
    }
    const timeval patience{2, 0};
    ::setsockopt(connection.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (context_ != nullptr) {
      connection.tls = SSL_new(context_);
      SSL_set_fd(connection.tls, connection.descriptor);
      if (SSL_accept(connection.tls) != 1) continue;
    }
    serve(connection);
  }
}

void ClosingReceiver::live_again() {
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    received_.clear();
  }
  std::this_thread::sleep_for(restart_time);
  listen();
  dies_ = false;
}

void ClosingReceiver::serve(Connection& connection) {
  std::vector<char> buffer(connection.habit.read_size);
  while (!ends_ && !dies_ && !connection.is_over()) {
    const bool has_more = connection.tls != nullptr && SSL_pending(connection.tls) > 0;
    pollfd waited{connection.descriptor, static_cast<short>(connection.habit.reads ? POLLIN : 0), 0};
    if (!has_more && ::poll(&waited, 1, static_cast<int>(look_every.count())) <= 0) continue;
    if (!connection.habit.reads) {  // the peer has gone
      if ((waited.revents & (POLLERR | POLLHUP)) != 0) return;
      continue;
    }
    const std::size_t room = connection.room();
    const auto size = connection.tls != nullptr
                          ? SSL_read(connection.tls, buffer.data(), static_cast<int>(room))
                          : static_cast<int>(::recv(connection.descriptor, buffer.data(), room, 0));
    if (size <= 0) return;
    take(connection, {buffer.data(), static_cast<std::size_t>(size)});
  }
}

void ClosingReceiver::take(Connection& connection, std::string_view bytes) {
  connection.bytes += bytes.size();
  std::string& text = connection.unfinished;
  text += bytes;
  for (;;) {
    if (framing_ == Framing::lf) {
      const std::size_t end = text.find('\n');
      if (end == std::string::npos) return;
      count(std::string_view(text).substr(0, end));
      text.erase(0, end + 1);
    } else {
      const std::size_t blank = text.find(' ');
      if (blank == std::string::npos) return;
      const std::size_t length = std::stoul(text.substr(0, blank));
      if (text.size() < blank + 1 + length) return;
      count(std::string_view(text).substr(blank + 1, length));
      text.erase(0, blank + 1 + length);
    }
    ++connection.messages;
  }
}

void ClosingReceiver::count(std::string_view message) {
  const std::lock_guard lock(mutex_);
  ++received_[std::string(message)];
}

}  // namespace capstan::receivers
