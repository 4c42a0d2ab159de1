#include "guard.h"

#include <arpa/inet.h>

#include <algorithm>

#include "problem.h"

namespace capstan::api {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

// "[::1]:8790" → "::1", "localhost:8790" → "localhost"
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
  const std::size_t colon = host.find(':');
  // Two colons without brackets: a bare IPv6 literal.
  return colon == std::string_view::npos || host.find(':', colon + 1) != std::string_view::npos ? host
                                                                                                : host.substr(0, colon);
}

bool is_ip_literal(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

net::ServerResponse refused(int status, std::string why) {
  return problem(status, Error(ErrorCode::request_not_allowed, "answering a request: " + std::move(why)));
}

}  // namespace

std::optional<net::ServerResponse> Guard::refusal(const net::ServerRequest& request) const {
  const std::string_view host = request.header("Host");
  if (!host_is_known(host))
    return refused(403, "the Host header names \"" + std::string(host) + "\", which is not this API");
  const std::string_view origin = request.header("Origin");
  if (!origin.empty() && lower(origin) != "http://" + lower(host) && lower(origin) != "https://" + lower(host))
    return refused(403, "it comes from the web origin \"" + std::string(origin) + "\"");
  const std::string site = lower(request.header("Sec-Fetch-Site"));
  if (site == "cross-site" || site == "same-site") return refused(403, "it comes from another web site");
  if (request.method == "GET" || request.method == "HEAD") return {};
  if (request.method != "POST") return refused(405, "expected GET or POST, got " + request.method);
  const std::string type = lower(request.header("Content-Type"));
  if (type != "application/json" && !type.starts_with("application/json;"))
    return refused(415, "expected a body of type application/json");
  if (!token_is_right(request.header("Authorization"))) {
    auto response = refused(401, "expected the token of admin.json in the data directory as `Authorization: Bearer …`");
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
  }
  return {};
}

bool Guard::host_is_known(std::string_view host) const {
  const std::string name = lower(without_port(host));
  // A page cannot have an IP literal as its own origin's name and resolve it to somewhere else.
  return name == "localhost" || is_ip_literal(name) ||
         std::ranges::any_of(host_names_, [&](const auto& known) { return lower(known) == name; });
}

bool Guard::token_is_right(std::string_view authorization) const {
  constexpr std::string_view scheme = "Bearer ";
  if (token_.is_empty() || !authorization.starts_with(scheme)) return false;
  const std::string_view given = authorization.substr(scheme.size());
  const std::string_view wanted = token_.reveal();
  if (given.size() != wanted.size()) return false;
  // The same time for every wrong token, so that it cannot be found character by character.
  unsigned difference = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) difference |= static_cast<unsigned>(given[i] ^ wanted[i]);
  return difference == 0;
}

}  // namespace capstan::api
