// The real HttpClient: one libcurl multi handle on one thread (so connections, TLS sessions and HTTP/2 streams are
// shared) behind a blocking send that any number of threads may call. TLS 1.2 or newer, certificates and names always
// verified.
#pragma once

#include <memory>

#include "net/http.h"

namespace capstan::net {

class CurlClient final : public HttpClient {
public:
  explicit CurlClient(std::string user_agent);
  ~CurlClient() override;
  Result<Response> send(const Request& request, const Call& call) override;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::net
