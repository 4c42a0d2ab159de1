#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>

#include "certificates_for_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace capstan::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A client of the tests' own: it sends bytes and reads until the peer closes, an answer is whole, or five seconds.
class Client {
public:
  explicit Client(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~Client() { ::close(descriptor_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool is_connected() const { return is_connected_; }
  int descriptor() const { return descriptor_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  // Everything until the end of the connection, or `enough` says that it is enough.
  template <class Enough>
  std::string read_until(Enough enough) const {
    std::string text;
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!enough(text) && std::chrono::steady_clock::now() < end) {
      pollfd wait{descriptor_, POLLIN, 0};
      if (::poll(&wait, 1, 200) <= 0) continue;
      char bytes[4096];
      const auto size = ::recv(descriptor_, bytes, sizeof bytes, 0);
      if (size <= 0) break;
      text.append(bytes, static_cast<std::size_t>(size));
    }
    return text;
  }
  std::string read_answer(std::string_view last = "END") const {
    return read_until([last](const std::string& text) { return text.ends_with(last); });
  }
  std::string read_all() const {
    return read_until([](const std::string&) { return false; });
  }

private:
  int descriptor_;
  bool is_connected_ = false;
};

ServerResponse say(std::string body) {
  return {.status = 200, .headers = {}, .body = std::move(body), .delay = {}, .cut_after = {}};
}

HttpServer start(HttpServer::Handler handler, ServerOptions options = {}) {
  auto server = HttpServer::start(options, std::move(handler));
  if (!server) throw std::runtime_error(server.error().text());
  return std::move(*server);
}

TEST(HttpServer, GivesTheWholeRequestToTheHandler) {
  ServerRequest seen;
  HttpServer server = start([&](const ServerRequest& request) {
    seen = request;
    return ServerResponse{201, {{"X-Mark", "seven"}}, "doneEND", {}, {}};
  });
  const Client client(server.port());
  client.send(
      "POST /a%20b/?x=1&y=two%3Dthree+four HTTP/1.1\r\nHost: h\r\nX-Thing: value\r\nContent-Length: 5\r\n\r\nhello");
  const std::string answer = client.read_answer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 201"));
  EXPECT_THAT(answer, HasSubstr("X-Mark: seven\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/a b/");
  EXPECT_EQ(seen.parameter("x"), "1");
  EXPECT_EQ(seen.parameter("y"), "two=three four");
  EXPECT_EQ(seen.parameter("z"), std::nullopt);
  EXPECT_EQ(seen.header("x-thing"), "value");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_EQ(seen.peer, "127.0.0.1");
}

TEST(HttpServer, KeepsTheConnectionForTheNextRequest) {
  HttpServer server = start([](const ServerRequest& request) { return say(request.path + "END"); });
  const Client client(server.port());
  client.send("GET /one HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.read_answer(), HasSubstr("/oneEND"));
  client.send("GET /two HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.read_answer(), HasSubstr("/twoEND"));
}

TEST(HttpServer, AnswersHeadWithoutTheBody) {
  HttpServer server = start([](const ServerRequest& request) { return say(request.method + "-body"); });
  const Client client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("-body")));
}

TEST(HttpServer, ALargeBodyArrivesWholeAndATooLargeOneIsRefused) {
  ServerOptions options;
  options.body_max = 1_MiB;
  std::atomic<int> calls = 0;
  HttpServer server = start(
      [&](const ServerRequest& request) {
        ++calls;
        return say(std::to_string(request.body.size()) + "END");
      },
      options);
  const std::string mebibyte(1U << 20, 'x');
  const Client fits(server.port());
  fits.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n" + mebibyte);
  EXPECT_THAT(fits.read_answer(), HasSubstr("1048576END"));

  const Client announces(server.port());
  announces.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_THAT(announces.read_until([](const std::string& text) { return text.contains("\r\n\r\n"); }),
              StartsWith("HTTP/1.1 413"));

  const Client does_not_announce(server.port());
  does_not_announce.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n" + mebibyte +
                         "x\r\n0\r\n\r\n");
  EXPECT_THAT(does_not_announce.read_until([](const std::string& text) { return text.contains("\r\n\r\n"); }),
              StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(calls, 1);
}

TEST(HttpServer, DelayedAnswersHoldUpNobody) {
  HttpServer server = start([](const ServerRequest& request) {
    ServerResponse response = say("END");
    if (request.path == "/late") response.delay = 700ms;
    return response;
  });
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<Client>> late;
  for (int i = 0; i < 20; ++i) {
    late.push_back(std::make_unique<Client>(server.port()));
    late.back()->send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  const Client quick(server.port());
  quick.send("GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(quick.read_answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
  for (const auto& client : late) EXPECT_THAT(client->read_answer(), StartsWith("HTTP/1.1 200"));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 700ms);
  EXPECT_LT(took, 3s) << "the delays ran one after another";
}

TEST(HttpServer, BreaksTheConnectionWhereItIsToldTo) {
  HttpServer server = start([](const ServerRequest&) {
    ServerResponse response = say(std::string(100'000, 'x'));
    response.cut_after = 70'000;
    return response;
  });
  const Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_EQ(answer.size() - (answer.find("\r\n\r\n") + 4), 70'000U);
}

TEST(HttpServer, ThreeHundredHalfOpenConnectionsDoNotStopIt) {
  HttpServer server = start([](const ServerRequest&) { return say("END"); });
  std::vector<std::unique_ptr<Client>> half_open;
  for (int i = 0; i < 300; ++i) {
    half_open.push_back(std::make_unique<Client>(server.port()));
    ASSERT_TRUE(half_open.back()->is_connected()) << i;
    if (i % 3 == 1) half_open.back()->send("GET / HT");
    if (i % 3 == 2) half_open.back()->send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
  }
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    const Client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  half_open[2]->send("-there");
  EXPECT_THAT(half_open[2]->read_answer(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, StopsAtOnceWithRequestsUnderWay) {
  std::optional<HttpServer> server = start([](const ServerRequest&) {
    ServerResponse response = say("END");
    response.delay = 1h;
    return response;
  });
  const Client client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  EXPECT_EQ(client.read_all(), "");
}

TEST(HttpServer, SaysWhyItCannotListen) {
  HttpServer server = start([](const ServerRequest&) { return say(""); });
  ServerOptions taken;
  taken.port = server.port();
  const auto second = HttpServer::start(taken, [](const ServerRequest&) { return say(""); });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::port_in_use);
  EXPECT_THAT(second.error().text(), HasSubstr("Address already in use"));

  ServerOptions name;
  name.address = "localhost";
  const auto third = HttpServer::start(name, [](const ServerRequest&) { return say(""); });
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().text(), HasSubstr("\"localhost\": expected an IPv4 or IPv6 address"));
}

TEST(HttpServer, ServesTlsToAClientThatTrustsIt) {
  const test::Identity identity = test::make_identity({.common_name = "server", .alternative_names = "IP:127.0.0.1"});
  ServerOptions options;
  options.certificate_pem = identity.certificate_pem();
  options.private_key_pem = Secret(identity.key_pem());
  HttpServer server = start([](const ServerRequest& request) { return say(request.path + "END"); }, options);

  const Client client(server.port());
  const timeval patience{5, 0};
  ::setsockopt(client.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), identity.certificate.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  SSL_set_fd(tls.get(), client.descriptor());
  ASSERT_EQ(SSL_connect(tls.get()), 1);
  EXPECT_GE(SSL_version(tls.get()), TLS1_2_VERSION);
  const std::string request = "GET /inside HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_GT(SSL_write(tls.get(), request.data(), static_cast<int>(request.size())), 0);
  std::string answer;
  while (!answer.ends_with("END")) {
    char bytes[4096];
    const int size = SSL_read(tls.get(), bytes, sizeof bytes);
    if (size <= 0) break;
    answer.append(bytes, static_cast<std::size_t>(size));
  }
  EXPECT_THAT(answer, HasSubstr("/insideEND"));
}

TEST(HttpServer, ListensOnIpv6Too) {
  ServerOptions options;
  options.address = "::1";
  const auto server = HttpServer::start(options, [](const ServerRequest&) { return say(""); });
  if (!server) GTEST_SKIP() << server.error().text();
  EXPECT_NE(server->port(), 0);
}

}  // namespace
}  // namespace capstan::net
