#include "simulated_network.h"

#include <fmt/format.h>

namespace capstan::voyages {

namespace {

net::ServerRequest as_server_sees(const net::Request& request) {
  net::ServerRequest seen;
  seen.method = request.method;
  const std::size_t host = request.url.find("//");
  const std::size_t path = host == std::string::npos ? std::string::npos : request.url.find('/', host + 2);
  std::string target = path == std::string::npos ? "/" : request.url.substr(path);
  if (const std::size_t query = target.find('?'); query != std::string::npos) {
    std::string_view rest = std::string_view(target).substr(query + 1);
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      const std::size_t equals = one.find('=');
      seen.query.push_back({std::string(one.substr(0, equals)),
                            equals == std::string_view::npos ? std::string{} : std::string(one.substr(equals + 1))});
    }
    target.resize(query);
  }
  seen.path = std::move(target);
  seen.headers = request.headers;
  if (!request.authorization.is_empty())
    seen.headers.push_back({"Authorization", std::string(request.authorization.reveal())});
  seen.body = request.body.reveal();
  seen.peer = "127.0.0.1";
  return seen;
}

}  // namespace

net::Response SimulatedNetwork::ask(const net::Request& request) {
  net::ServerResponse answer = tenant_.respond(as_server_sees(request));
  time_.advance(answer.delay);
  net::Response response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  response.body = std::move(answer.body);
  return response;
}

Result<net::Response> SimulatedNetwork::send(const net::Request& request, const net::Call& call) {
  ++requests_;
  if (call.stop.stop_requested()) return Error(ErrorCode::interrupted, request.method + ": stopped");
  time_.advance(std::chrono::milliseconds(dice_.between(3, 60)));
  if (unplugged_) return Error(ErrorCode::connection_failed, request.method + ": there is no network");
  if (dice_.chance(trouble_)) {
    ++troubled_;
    return trouble(request);
  }
  return ask(request);
}

Result<net::Response> SimulatedNetwork::trouble(const net::Request& request) {
  net::Response answer;
  switch (dice_.below(8)) {
    case 0:
      time_.advance(std::chrono::seconds(60));
      return Error(ErrorCode::timed_out, request.method + ": no answer within 60 s");
    case 1:  // asked and answered, and the answer lost
      ask(request);
      time_.advance(std::chrono::seconds(60));
      return Error(ErrorCode::timed_out, request.method + ": no answer within 60 s");
    case 2:
      return Error(ErrorCode::connection_failed, request.method + ": connection refused");
    case 3: {
      answer = ask(request);
      answer.body.resize(dice_.below(answer.body.size() + 1));
      return answer;
    }
    case 4:
      answer.status = 500;
      answer.body = R"({"detail":"Internal error"})";
      return answer;
    case 5:
      answer.status = 429;
      answer.headers.push_back({"Retry-After", fmt::format("{}", dice_.between(1, 90))});
      answer.body = R"({"detail":"Request was throttled."})";
      return answer;
    case 6:
      answer.body = "<!doctype html><html><body>Sign in</body></html>";
      answer.headers.push_back({"Content-Type", "text/html"});
      return answer;
    default:
      answer.status = 503;
      answer.body = "upstream connect error";
      return answer;
  }
}

}  // namespace capstan::voyages
