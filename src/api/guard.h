// Who may ask the admin API what. A web page that a person has open on this machine must not reach it:
//   - a page's own host name that resolves to 127.0.0.1 (DNS rebinding) shows in the Host header: refused;
//   - a form or script of another origin shows in Origin or Sec-Fetch-Site: refused;
//   - a POST needs the token of admin.json, which no page can read, and a JSON body, which no form can send.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "net/http_server.h"

namespace capstan::api {

class Guard {
public:
  // `host_names`: by which the API may be called besides "localhost" and IP literals, without port.
  Guard(std::vector<std::string> host_names, Secret token)
      : host_names_(std::move(host_names)), token_(std::move(token)) {}

  // Nothing: the request may pass. Else the answer.
  std::optional<net::ServerResponse> refusal(const net::ServerRequest& request) const;

private:
  bool host_is_known(std::string_view host) const;
  bool token_is_right(std::string_view authorization) const;

  std::vector<std::string> host_names_;
  Secret token_;
};

}  // namespace capstan::api
