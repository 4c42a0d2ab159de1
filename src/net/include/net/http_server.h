// A small HTTP/1.1 server (libmicrohttpd) behind one handler: for the admin API and for the embedded tenant.
// The handler is called on the server's own threads, several at once. A HEAD reaches it as GET; its body is not sent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace capstan::net {

struct ServerRequest {
  std::string method;
  std::string path;           // decoded, without the query
  std::vector<Header> query;  // decoded, in order
  std::vector<Header> headers;
  std::string body;
  std::string peer;  // "127.0.0.1"
  std::string_view header(std::string_view name) const;
  std::optional<std::string> parameter(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
  // Faults, for the embedded tenant: wait before answering; break the connection after so many bytes of the body.
  Duration delay{};
  std::optional<std::size_t> cut_after;
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6 literal
  std::uint16_t port = 0;             // 0: any
  std::string certificate_pem;        // both empty: plain HTTP
  Secret private_key_pem;
  unsigned threads = 2;
  Bytes body_max = 64_MiB;
};

class HttpServer {
public:
  using Handler = std::function<ServerResponse(const ServerRequest&)>;
  // Listens and serves until destroyed. port_in_use when the address cannot be had.
  static Result<HttpServer> start(const ServerOptions& options, Handler handler);
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;
  ~HttpServer();
  std::uint16_t port() const;

private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::net
