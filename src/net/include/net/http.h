// HTTP as everyone here sees it: one blocking call, a Result. The real client is net/curl_client.h; tests have their
// own. An answer of any status is a value; an Error means that no answer came (name_not_resolved, connection_failed,
// tls_failed, proxy_refused, timed_out, interrupted, unexpected_answer when it is larger than size_max).
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace capstan::net {

// Every blocking call is bounded by a time and can be stopped.
struct Call {
  Duration timeout = std::chrono::seconds(60);
  std::stop_token stop;
};

struct Header {
  std::string name;
  std::string value;
};

// How a connection leaves the machine.
struct Egress {
  std::string proxy;      // "http://user:password@host:port" or empty: no proxy (the environment is not asked)
  Secret proxy_password;  // where it is not in the URL
  std::string ca_file;    // PEM bundle instead of the system's; empty: the system's
  bool operator==(const Egress& other) const {
    return proxy == other.proxy && proxy_password.reveal() == other.proxy_password.reveal() && ca_file == other.ca_file;
  }
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers;
  Secret authorization;  // the whole value of the Authorization header; never logged
  Secret body;           // may hold a client secret; never logged
  Egress egress;
  Bytes size_max = 256_MiB;  // of the answer's body, unpacked
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;  // unpacked (gzip, deflate, br, zstd)
  // The first header of that name, compared without case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

class HttpClient {
public:
  virtual ~HttpClient() = default;
  virtual Result<Response> send(const Request& request, const Call& call) = 0;
};

}  // namespace capstan::net
