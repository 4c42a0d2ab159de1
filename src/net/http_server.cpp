#include "net/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <set>

#include "due_queue.h"

namespace capstan::net {
namespace {

// Beyond so many connections the next ones wait in the kernel; half-open ones make room when they time out.
constexpr unsigned connections_max = 1024;
constexpr unsigned idle_seconds_max = 30;
constexpr int backlog = 512;
constexpr std::size_t block_size = 64U << 10;
constexpr std::size_t head_memory = 64U << 10;  // request line and headers of one connection
constexpr const char* tls_versions = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_same_name(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

std::string peer_name(MHD_Connection* connection) {
  const auto* known = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (known == nullptr || known->client_addr == nullptr) return {};
  char text[INET6_ADDRSTRLEN] = {};
  const sockaddr* address = known->client_addr;
  const void* bytes = address->sa_family == AF_INET6
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr)
                          : static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  return inet_ntop(address->sa_family, bytes, text, sizeof text) == nullptr ? std::string{} : std::string{text};
}

MHD_Result collect(void* into, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
                   std::size_t value_size) {
  static_cast<std::vector<Header>*>(into)->push_back(
      {std::string(name, name_size), value == nullptr ? std::string{} : std::string(value, value_size)});
  return MHD_YES;
}

// One request from its first line to its answer. It belongs to its connection and ends with the request.
//
//   receiving ──► waiting (connection suspended: handler, delay) ──► answered ──► gone
struct Exchange {
  enum class State { receiving, waiting, answered } state = State::receiving;
  ServerRequest request;
  ServerResponse response;
  bool is_too_large = false;
};

ServerRequest head_of(MHD_Connection* connection, const char* url, std::string_view method) {
  ServerRequest request;
  // The library sends the headers of a GET and leaves out the body.
  request.method = method == "HEAD" ? "GET" : method;
  request.path = url;
  MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, collect, &request.query);
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect, &request.headers);
  request.peer = peer_name(connection);
  return request;
}

bool announces_more_than(const ServerRequest& request, std::uint64_t size_max) {
  const std::string_view text = request.header("content-length");
  std::uint64_t size = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), size);
  return read.ec == std::errc::result_out_of_range || size > size_max;
}

ssize_t read_until_cut(void* exchange, std::uint64_t position, char* into, std::size_t size_max) {
  const ServerResponse& response = static_cast<Exchange*>(exchange)->response;
  const std::size_t end = std::min(response.body.size(), response.cut_after.value_or(response.body.size()));
  if (position >= end) return MHD_CONTENT_READER_END_WITH_ERROR;
  const std::size_t size = std::min(size_max, end - position);
  std::memcpy(into, response.body.data() + position, size);
  return static_cast<ssize_t>(size);
}

MHD_Result send_answer(MHD_Connection* connection, Exchange& exchange) {
  ServerResponse& answer = exchange.response;
  const bool is_cut = answer.cut_after && *answer.cut_after < answer.body.size();
  MHD_Response* response =
      is_cut ? MHD_create_response_from_callback(answer.body.size(), block_size, read_until_cut, &exchange, nullptr)
             : MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_PERSISTENT);
  if (response == nullptr) return MHD_NO;
  for (const auto& header : answer.headers)
    MHD_add_response_header(response, header.name.c_str(), header.value.c_str());
  const MHD_Result result = MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return result;
}

MHD_Result send_too_large(MHD_Connection* connection, Exchange& exchange) {
  exchange.response = {.status = 413,
                       .headers = {{"Content-Type", "text/plain"}, {"Connection", "close"}},
                       .body = "the body is larger than this server takes\n",
                       .delay = {},
                       .cut_after = {}};
  exchange.state = Exchange::State::answered;
  return send_answer(connection, exchange);
}

class Descriptor {
public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

private:
  int number_;
};

Error not_listening(const ServerOptions& options, std::string_view call, int cause) {
  return {ErrorCode::port_in_use, fmt::format("listening on {} port {}: {} answered \"{}\"", options.address,
                                              options.port, call, std::strerror(cause))};
}

// A socket of our own, because the library does not say why it could not listen.
Result<int> listen_on(const ServerOptions& options) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
      inet_pton(AF_INET, options.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(options.port);
    size = sizeof *v4;
  } else if (auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
             inet_pton(AF_INET6, options.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(options.port);
    size = sizeof *v6;
  } else {
    return Error{ErrorCode::port_in_use,
                 fmt::format("listening on \"{}\": expected an IPv4 or IPv6 address", options.address)};
  }
  Descriptor socket{::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (socket.number() < 0) return not_listening(options, "socket", errno);
  const int on = 1;
  ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.number(), reinterpret_cast<sockaddr*>(&storage), size) != 0)
    return not_listening(options, "bind", errno);
  if (::listen(socket.number(), backlog) != 0) return not_listening(options, "listen", errno);
  return socket.release();
}

std::uint16_t bound_port(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size);
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

}  // namespace

std::string_view ServerRequest::header(std::string_view name) const {
  for (const auto& header : headers)
    if (is_same_name(header.name, name)) return header.value;
  return {};
}

std::optional<std::string> ServerRequest::parameter(std::string_view name) const {
  for (const auto& pair : query)
    if (pair.name == name) return pair.value;
  return std::nullopt;
}

// One thread of the library reads and writes all connections. A complete request suspends its connection and goes to
// the threads of the queue, so neither a slow handler nor a delayed answer holds up another connection.
struct HttpServer::Impl {
  Impl(const ServerOptions& options, Handler h)
      : handler(std::move(h)), body_max(options.body_max.count), queue(std::in_place, std::max(1U, options.threads)) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      ends = true;
    }
    queue.reset();
    // The library refuses to stop while a connection is suspended; those that are woken here find `ends`.
    for (MHD_Connection* connection : suspended) MHD_resume_connection(connection);
    if (daemon != nullptr) MHD_stop_daemon(daemon);
  }

  MHD_Result receive(MHD_Connection* connection, const char* url, const char* method, const char* bytes,
                     std::size_t* size, void** slot) {
    auto* exchange = static_cast<Exchange*>(*slot);
    if (exchange == nullptr) {
      exchange = new Exchange;  // released in `complete`, which the library calls once for every request
      *slot = exchange;
      exchange->request = head_of(connection, url, method);
      return announces_more_than(exchange->request, body_max) ? send_too_large(connection, *exchange) : MHD_YES;
    }
    if (*size > 0) return take_body(*exchange, std::string_view(bytes, std::exchange(*size, 0)));
    if (exchange->state == Exchange::State::answered) return send_answer(connection, *exchange);
    if (exchange->is_too_large) return send_too_large(connection, *exchange);
    return hand_over(connection, *exchange);
  }

  MHD_Result take_body(Exchange& exchange, std::string_view bytes) const {
    std::string& body = exchange.request.body;
    if (exchange.state == Exchange::State::answered || exchange.is_too_large) return MHD_NO;
    if (body.size() + bytes.size() > body_max) {
      exchange.is_too_large = true;
      body = {};
    } else {
      body += bytes;
    }
    return MHD_YES;
  }

  MHD_Result hand_over(MHD_Connection* connection, Exchange& exchange) {
    const std::lock_guard lock(mutex);
    if (ends) return MHD_NO;
    exchange.state = Exchange::State::waiting;
    MHD_suspend_connection(connection);
    suspended.insert(connection);
    queue->push(std::chrono::steady_clock::now(), [this, connection, &exchange] { answer(connection, exchange); });
    return MHD_YES;
  }

  void answer(MHD_Connection* connection, Exchange& exchange) {
    exchange.response = handler(exchange.request);
    if (exchange.response.delay > Duration::zero()) {
      queue->push(std::chrono::steady_clock::now() + exchange.response.delay,
                  [this, connection, &exchange] { wake(connection, exchange); });
    } else {
      wake(connection, exchange);
    }
  }

  void wake(MHD_Connection* connection, Exchange& exchange) {
    const std::lock_guard lock(mutex);
    exchange.state = Exchange::State::answered;
    suspended.erase(connection);
    MHD_resume_connection(connection);
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                               const char* bytes, std::size_t* size, void** slot) {
    return static_cast<Impl*>(self)->receive(connection, url, method, bytes, size, slot);
  }

  static void complete(void*, MHD_Connection*, void** slot, MHD_RequestTerminationCode) {
    delete static_cast<Exchange*>(std::exchange(*slot, nullptr));
  }

  Handler handler;
  std::uint64_t body_max;
  std::uint16_t port = 0;
  std::mutex mutex;
  bool ends = false;
  std::set<MHD_Connection*> suspended;
  std::optional<DueQueue> queue;
  MHD_Daemon* daemon = nullptr;
};

Result<HttpServer> HttpServer::start(const ServerOptions& options, Handler handler) {
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  Descriptor socket{TRY(listen_on(options))};
  impl->port = bound_port(socket.number());
  std::vector<MHD_OptionItem> settings{
      {MHD_OPTION_LISTEN_SOCKET, socket.number(), nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, connections_max, nullptr},
      {MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds_max, nullptr},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<std::intptr_t>(head_memory), nullptr},
      {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<std::intptr_t>(&Impl::complete), nullptr},
  };
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
  const std::string key{options.private_key_pem.reveal()};
  if (!options.certificate_pem.empty()) {
    flags |= MHD_USE_TLS;
    settings.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(options.certificate_pem.c_str())});
    settings.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(key.c_str())});
    settings.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(tls_versions)});
  }
  settings.push_back({MHD_OPTION_END, 0, nullptr});
  impl->daemon = MHD_start_daemon(flags, 0, nullptr, nullptr, &Impl::on_request, impl.get(), MHD_OPTION_ARRAY,
                                  settings.data(), MHD_OPTION_END);
  if (impl->daemon == nullptr)
    return Error{ErrorCode::wrong_value,
                 fmt::format("serving on {} port {}: the HTTP library did not start{}", options.address, impl->port,
                             options.certificate_pem.empty() ? "" : "; expected a certificate and its key in PEM")};
  socket.release();  // the library closes it from here on
  return HttpServer(std::move(impl));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::HttpServer(HttpServer&&) noexcept = default;
HttpServer& HttpServer::operator=(HttpServer&&) noexcept = default;
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return impl_->port; }

}  // namespace capstan::net
