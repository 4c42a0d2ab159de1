// Over real sockets, on 127.0.0.1.
#include "simulator/simulator.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <filesystem>

namespace capstan::simulator {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
namespace json = boost::json;

class Socket {
public:
  explicit Socket(std::uint16_t port) : number_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(number_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(number_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Socket() { ::close(number_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int number() const { return number_; }

private:
  int number_;
};

std::string request_text(const std::string& line, const std::string& headers, const std::string& body) {
  return line + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string exchange(std::uint16_t port, const std::string& request) {
  const Socket socket(port);
  ::send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char bytes[16384];
  for (ssize_t size = 0; (size = ::recv(socket.number(), bytes, sizeof bytes, 0)) > 0;)
    answer.append(bytes, static_cast<std::size_t>(size));
  return answer;
}

std::string exchange_tls(std::uint16_t port, const std::string& ca_file, const std::string& request) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!ca_file.empty()) SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr);
  const Socket socket(port);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  SSL_set_fd(tls.get(), socket.number());
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), "127.0.0.1");
  if (SSL_connect(tls.get()) != 1) return "no handshake";
  SSL_write(tls.get(), request.data(), static_cast<int>(request.size()));
  std::string answer;
  char bytes[16384];
  for (int size = 0; (size = SSL_read(tls.get(), bytes, sizeof bytes)) > 0;)
    answer.append(bytes, static_cast<std::size_t>(size));
  return answer;
}

json::object body_of(const std::string& answer) {
  return json::parse(answer.substr(answer.find("\r\n\r\n") + 4)).as_object();
}

std::string text(const json::object& object, const char* name) { return std::string(object.at(name).as_string()); }

std::string token_request(const json::object& ready) {
  return request_text(
      "POST /" + text(ready, "tenant_id") + "/oauth2/v2.0/token", "Content-Type: application/x-www-form-urlencoded\r\n",
      "grant_type=client_credentials&client_id=" + text(ready, "client_id") +
          "&client_secret=" + text(ready, "client_secret") + "&scope=05a65629-4c1b-48c1-a78b-804c4abdd4af%2F.default");
}

TEST(Simulator, TheReadyLineIsEnoughToCollect) {
  const SystemClock clock;
  auto simulator = Simulator::start({}, {}, clock);
  ASSERT_TRUE(simulator) << simulator.error().text();
  const json::object ready = json::parse(simulator->ready_line()).as_object();
  EXPECT_EQ(text(ready, "api_url"), "http://127.0.0.1:" + std::to_string(simulator->port()));
  EXPECT_EQ(ready.at("authority"), ready.at("api_url"));
  EXPECT_FALSE(ready.contains("ca_file"));
  const std::string token = text(body_of(exchange(simulator->port(), token_request(ready))), "access_token");
  const std::string authorization = "Authorization: Bearer " + token + "\r\nContent-Type: application/json\r\n";
  const std::string scan =
      request_text("POST /api/v1/activities/", authorization, R"({"isScan":true,"sortDirection":"asc"})");
  const json::object page = body_of(exchange(simulator->port(), scan));
  EXPECT_GT(page.at("data").as_array().size(), 400U);
  EXPECT_TRUE(page.at("hasNext").as_bool());
  const std::string files =
      request_text("POST /api/v1/files/", "Authorization: Token " + text(ready, "files_token") + "\r\n", "{}");
  EXPECT_EQ(body_of(exchange(simulator->port(), files)).at("data").as_array().size(), 50U);
  const std::string truth = exchange(simulator->port(), request_text("GET /_sim/truth", "", ""));
  EXPECT_EQ(std::ranges::count(truth.substr(truth.find("\r\n\r\n") + 4), '\n'), 1210);
}

TEST(Simulator, ServesTlsToWhoTrustsItsFile) {
  const SystemClock clock;
  ListenOptions listen;
  listen.use_tls = true;
  std::string ca_file;
  {
    auto simulator = Simulator::start({}, listen, clock);
    ASSERT_TRUE(simulator) << simulator.error().text();
    const json::object ready = json::parse(simulator->ready_line()).as_object();
    EXPECT_THAT(text(ready, "api_url"), StartsWith("https://127.0.0.1:"));
    ca_file = text(ready, "ca_file");
    EXPECT_THAT(exchange_tls(simulator->port(), ca_file, token_request(ready)), HasSubstr("\"access_token\":"));
    EXPECT_EQ(exchange_tls(simulator->port(), "", token_request(ready)), "no handshake");
  }
  EXPECT_FALSE(std::filesystem::exists(ca_file)) << "its own temporary file goes with it";
}

TEST(Simulator, AFaultCutsTheConnection) {
  const SystemClock clock;
  SimulatorOptions options;
  options.faults = R"({"cut_after":1000,"path":"/api/"})";
  auto simulator = Simulator::start(options, {}, clock);
  ASSERT_TRUE(simulator);
  const std::string answer =
      exchange(simulator->port(),
               request_text("POST /api/v1/alerts/",
                            "Authorization: Token " + simulator->tenant().options().api_token + "\r\n", "{}"));
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 1000U);
}

TEST(Simulator, SaysWhatItCannotDo) {
  const SystemClock clock;
  auto first = Simulator::start({}, {}, clock);
  ASSERT_TRUE(first);
  ListenOptions taken;
  taken.port = first->port();
  const auto second = Simulator::start({}, taken, clock);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::port_in_use);
  ListenOptions unwritable;
  unwritable.use_tls = true;
  unwritable.ca_file = "/nonexistent/ca.pem";
  const auto third = Simulator::start({}, unwritable, clock);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), ErrorCode::file_not_writable);
}

}  // namespace
}  // namespace capstan::simulator
