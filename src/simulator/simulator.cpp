#include "simulator/simulator.h"

#include <boost/json.hpp>

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "certificate.h"

namespace capstan::simulator {
namespace {

constexpr unsigned handler_threads = 2;

// A file of its own where none is named.
Result<std::string> write_ca_file(std::string path, const std::string& pem) {
  if (path.empty()) {
    path = "/tmp/capstan-simulate-XXXXXX";
    const int descriptor = ::mkstemp(path.data());
    if (descriptor < 0)
      return Error{ErrorCode::file_not_writable,
                   fmt::format("making {}: mkstemp answered \"{}\"", path, std::strerror(errno))};
    ::close(descriptor);
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!(file << pem) || !file.flush())
    return Error{ErrorCode::file_not_writable,
                 fmt::format("writing the certificate to {}: it could not be written", path)};
  return path;
}

}  // namespace

struct Simulator::Impl {
  explicit Impl(TenantModel made) : tenant(std::move(made)) {}
  ~Impl() {
    server.reset();
    if (removes_ca_file) ::unlink(ca_file.c_str());
  }

  TenantModel tenant;
  std::string url;
  std::string ca_file;
  bool removes_ca_file = false;
  std::optional<net::HttpServer> server;
};

Result<Simulator> Simulator::start(SimulatorOptions options, const ListenOptions& listen, const Clock& clock) {
  auto impl = std::make_unique<Impl>(TRY(TenantModel::create(std::move(options), clock)));
  net::ServerOptions serving;
  serving.address = listen.address;
  serving.port = listen.port;
  serving.threads = handler_threads;
  if (listen.use_tls) {
    SelfSigned made = TRY(make_self_signed(listen.address));
    impl->ca_file = TRY(write_ca_file(listen.ca_file, made.certificate_pem));
    impl->removes_ca_file = listen.ca_file.empty();
    serving.certificate_pem = std::move(made.certificate_pem);
    serving.private_key_pem = Secret(std::move(made.private_key_pem));
  }
  TenantModel& tenant = impl->tenant;
  impl->server = TRY(net::HttpServer::start(
      serving, [&tenant](const net::ServerRequest& request) { return tenant.respond(request); }));
  const bool is_ipv6 = listen.address.contains(':');
  impl->url = fmt::format("{}://{}{}{}:{}", listen.use_tls ? "https" : "http", is_ipv6 ? "[" : "", listen.address,
                          is_ipv6 ? "]" : "", impl->server->port());
  return Simulator(std::move(impl));
}

std::string Simulator::ready_line() const {
  const SimulatorOptions& options = impl_->tenant.options();
  boost::json::object line{{"api_url", impl_->url},
                           {"authority", impl_->url},
                           {"tenant_id", options.tenant_id},
                           {"client_id", options.client_id},
                           {"client_secret", impl_->tenant.client_secret()},
                           {"api_token", options.api_token},
                           {"files_token", options.files_token}};
  if (!impl_->ca_file.empty()) line["ca_file"] = impl_->ca_file;
  return boost::json::serialize(line);
}

std::uint16_t Simulator::port() const { return impl_->server->port(); }
const std::string& Simulator::url() const { return impl_->url; }
const std::string& Simulator::ca_file() const { return impl_->ca_file; }
TenantModel& Simulator::tenant() { return impl_->tenant; }

Simulator::Simulator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Simulator::Simulator(Simulator&&) noexcept = default;
Simulator& Simulator::operator=(Simulator&&) noexcept = default;
Simulator::~Simulator() = default;

}  // namespace capstan::simulator
