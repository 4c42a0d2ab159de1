#include "api/server.h"

#include <fmt/format.h>

#include "admin_file.h"
#include "base/log.h"
#include "net/stream.h"
#include "router.h"

namespace capstan::api {

namespace {

// Two may be busy with explain; the rest answers /metrics and /healthz at once.
constexpr unsigned threads = 4;
// Questions are small; nothing else is uploaded.
constexpr Bytes body_max = 64_KiB;

bool is_loopback(std::string_view host) { return host.starts_with("127.") || host == "::1" || host == "localhost"; }

// Port 0 (any) is none that one could connect to, so parse_address does not take it.
std::optional<net::Address> parse_listen(const std::string& text) {
  if (!text.ends_with(":0")) return net::parse_address(text);
  auto address = net::parse_address(text.substr(0, text.size() - 1) + "1");
  if (address) address->port = 0;
  return address;
}

// What a client on this machine connects to.
std::string reachable(const net::Address& listen) {
  const std::string host = listen.host == "0.0.0.0" ? "127.0.0.1" : listen.host == "::" ? "::1" : listen.host;
  return "http://" + net::to_string({host, listen.port});
}

}  // namespace

struct Server::Impl {
  Router router;
  std::string address;
  std::optional<net::HttpServer> http;
  std::optional<WrittenAdminFile> admin_file;
};

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Services services, const Clock& clock) {
  auto listen = parse_listen(options.listen);
  if (!listen)
    return Error(ErrorCode::wrong_value, fmt::format("starting the admin API: expected an address such as "
                                                     "127.0.0.1:9477, got \"{}\"",
                                                     options.listen));
  if (listen->host == "localhost") listen->host = "127.0.0.1";
  Secret token = TRY(make_token());
  std::unique_ptr<Impl> impl(
      new Impl{Router(options.version, Guard(options.host_names, token), std::move(services), clock), {}, {}, {}});
  net::ServerOptions http;
  http.address = listen->host;
  http.port = listen->port;
  http.threads = threads;
  http.body_max = body_max;
  impl->http = TRY(net::HttpServer::start(http, [router = &impl->router](const net::ServerRequest& request) {
                     return router->answer(request);
                   }).during("starting the admin API on " + options.listen));
  listen->port = impl->http->port();
  impl->address = reachable(*listen);
  if (!options.data_dir.empty())
    impl->admin_file.emplace(TRY(WrittenAdminFile::write(options.data_dir, impl->address, token)));
  if (!is_loopback(listen->host))
    log::warning("the admin API listens beyond this machine: whoever reaches it can read metrics and status",
                 {{"listen", options.listen}});
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->router.stop();
  impl_->admin_file.reset();
  impl_->http.reset();  // before the router that it calls
}

std::uint16_t Server::port() const { return impl_->http->port(); }
std::string Server::address() const { return impl_->address; }

}  // namespace capstan::api
