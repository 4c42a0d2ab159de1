#include "net/curl_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "curl_words.h"
#include "server_for_test.h"

namespace capstan::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

// Waits look for a stop every 50 ms; the rest is for a machine that is busy with other tests. What is stopped here
// would last far longer.
constexpr auto prompt = 1500ms;

std::string answer(int status, std::string_view body, std::string_view headers = {}) {
  return fmt::format("HTTP/1.1 {} Words\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), headers, body);
}

// 100,000 times "a" (python3: zlib.compressobj(9, wbits=31)): packed it is small, so only the unpacked size can break a
// bound.
std::string packed_text() {
  static constexpr std::string_view hex =
      "1f8b0800000000000203edc13101000000c2a0aceb5fc21a1e40010000000000000000000000000000000000000000000000"
      "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "0000000000000000000000000000000000000000000000af0687fae21ba0860100";
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

class CurlClientTest : public testing::Test {
protected:
  // Answers every request of a connection the same way and keeps the requests.
  test::Server::Serve always(std::string with) {
    return [this, with](test::Wire& wire) {
      for (std::string request = wire.read_request(); !request.empty(); request = wire.read_request()) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        wire.write(with);
      }
    };
  }
  std::string last_request() {
    const std::lock_guard lock(mutex_);
    return requests_.empty() ? "" : requests_.back();
  }
  static Request get(const std::string& url) {
    Request request;
    request.url = url;
    return request;
  }
  static std::string pem_file(const std::string& pem) {
    std::string name = "/tmp/capstan-net-XXXXXX";
    const int descriptor = ::mkstemp(name.data());
    EXPECT_EQ(::write(descriptor, pem.data(), pem.size()), static_cast<ssize_t>(pem.size()));
    ::close(descriptor);
    return name;
  }

  CurlClient client{"Capstan/test"};

private:
  std::mutex mutex_;
  std::vector<std::string> requests_;
};

TEST_F(CurlClientTest, sends_what_it_is_given_and_nothing_else) {
  test::Server server(always(answer(200, "{}", "X-One: a\r\nx-two:  b \r\n")));
  Request request;
  request.method = "POST";
  request.url = server.url("/api/v1/activities/?limit=3");
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  request.authorization = Secret("Bearer abc");
  request.body = Secret(R"({"filters":{}})");
  const auto response = client.send(request, {});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "{}");
  EXPECT_EQ(response->header("x-ONE"), "a");
  EXPECT_EQ(response->header("X-Two"), "b");
  EXPECT_EQ(response->header("x-three"), "");
  const std::string sent = last_request();
  EXPECT_THAT(sent, AllOf(HasSubstr("POST /api/v1/activities/?limit=3 HTTP/1.1\r\n"),
                          HasSubstr("Authorization: Bearer abc\r\n"), HasSubstr("User-Agent: Capstan/test\r\n"),
                          HasSubstr("Content-Type: application/json\r\n"), HasSubstr("X-Empty:"), HasSubstr("gzip"),
                          HasSubstr("\r\n\r\n{\"filters\":{}}"), Not(HasSubstr("Expect"))));
}

TEST_F(CurlClientTest, an_error_status_is_an_answer) {
  test::Server server(always(answer(429, "slow down", "Retry-After: 30\r\n")));
  const auto response = client.send(get(server.url()), {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 429);
  EXPECT_EQ(response->header("retry-after"), "30");
}

TEST_F(CurlClientTest, other_methods_and_empty_bodies) {
  test::Server server(always(answer(204, "")));
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"}) {
    Request request = get(server.url("/x"));
    request.method = method;
    ASSERT_TRUE(client.send(request, {})) << method;
    EXPECT_THAT(last_request(), testing::StartsWith(method + " /x HTTP/1.1"));
  }
  Request head = get(server.url("/x"));
  head.method = "HEAD";
  ASSERT_TRUE(client.send(head, {}));
  EXPECT_THAT(last_request(), testing::StartsWith("HEAD /x"));
}

TEST_F(CurlClientTest, connections_are_kept) {
  test::Server server(always(answer(200, "{}")));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send(get(server.url()), {}));
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(CurlClientTest, redirects_are_not_followed) {
  test::Server server(always(answer(302, "", "Location: http://localhost:1/\r\n")));
  const auto response = client.send(get(server.url()), {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
}

TEST_F(CurlClientTest, unpacks_and_bounds_what_it_unpacks) {
  const std::string text(100'000, 'a');
  test::Server server(always(answer(200, packed_text(), "Content-Encoding: gzip\r\n")));
  auto request = get(server.url());
  const auto response = client.send(request, {});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, text);

  request.size_max = Bytes{99'999};
  const auto refused = client.send(request, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::unexpected_answer);
  EXPECT_THAT(refused.error().text(), HasSubstr("larger than 99999B"));
}

TEST_F(CurlClientTest, interim_answers_are_not_the_answer) {
  test::Server server(
      always("HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n" + answer(200, "{}", "X-Late: yes\r\n")));
  const auto response = client.send(get(server.url()), {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->header("x-early"), "");
  EXPECT_EQ(response->header("x-late"), "yes");
}

TEST_F(CurlClientTest, a_stop_is_seen_at_once) {
  test::Server server([](test::Wire& wire) {
    wire.read_request();
    while (!wire.server_ends()) std::this_thread::sleep_for(5ms);
  });
  std::stop_source stop;
  auto sent = std::async(std::launch::async, [&] { return client.send(get(server.url()), {30s, stop.get_token()}); });
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  const auto response = sent.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::interrupted);
}

TEST_F(CurlClientTest, a_time_out_is_kept) {
  test::Server server([](test::Wire& wire) {
    wire.read_request();
    while (!wire.server_ends()) std::this_thread::sleep_for(5ms);
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto response = client.send(get(server.url()), {200ms, {}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::timed_out);
}

TEST_F(CurlClientTest, many_threads_at_once) {
  test::Server server([](test::Wire& wire) {
    for (std::string request = wire.read_request(); !request.empty(); request = wire.read_request())
      wire.write(answer(200, request.substr(0, request.find(" HTTP"))));
  });
  std::vector<std::future<int>> threads;
  for (int t = 0; t < 8; ++t)
    threads.push_back(std::async(std::launch::async, [&, t] {
      int right = 0;
      for (int i = 0; i < 25; ++i) {
        const auto response = client.send(get(server.url(fmt::format("/{}-{}", t, i))), {});
        if (response && response->body == fmt::format("GET /{}-{}", t, i)) ++right;
      }
      return right;
    }));
  for (auto& thread : threads) EXPECT_EQ(thread.get(), 25);
}

TEST_F(CurlClientTest, a_client_that_goes_ends_its_calls) {
  test::Server server([](test::Wire& wire) {
    wire.read_request();
    while (!wire.server_ends()) std::this_thread::sleep_for(5ms);
  });
  auto brief = std::make_unique<CurlClient>("Capstan/test");
  auto sent =
      std::async(std::launch::async, [&, raw = brief.get()] { return raw->send(get(server.url()), {30s, {}}); });
  std::this_thread::sleep_for(100ms);
  brief.reset();
  const auto response = sent.get();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::interrupted);
}

TEST_F(CurlClientTest, says_where_no_connection_could_be_made) {
  std::uint16_t closed_port = 0;
  {
    closed_port = test::Server([](test::Wire&) {}).port();
  }
  const auto refused = client.send(get(fmt::format("http://user:pass@127.0.0.1:{}/a?token=s3cret#f", closed_port)), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::connection_failed);
  EXPECT_THAT(refused.error().text(), AllOf(HasSubstr(fmt::format("GET http://127.0.0.1:{}/a: ", closed_port)),
                                            Not(HasSubstr("s3cret")), Not(HasSubstr("pass"))));

  const auto unknown = client.send(get("http://no-such-host.invalid/"), {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::name_not_resolved);
  EXPECT_THAT(unknown.error().text(), HasSubstr("no-such-host.invalid"));

  for (const auto* wrong : {"", "nonsense://x/", "file:///etc/passwd"}) {
    const auto not_http = client.send(get(wrong), {});
    ASSERT_FALSE(not_http) << wrong;
  }
}

TEST_F(CurlClientTest, a_header_with_a_line_break_is_refused) {
  test::Server server(always(answer(200, "{}")));
  auto request = get(server.url());
  request.authorization = Secret("Token s3cret\r\nX-Evil: 1");
  const auto refused = client.send(request, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::request_refused);
  EXPECT_THAT(refused.error().text(), Not(HasSubstr("s3cret")));
}

TEST_F(CurlClientTest, a_cut_answer_is_no_answer) {
  test::Server server([](test::Wire& wire) {
    wire.read_request();
    wire.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  const auto response = client.send(get(server.url()), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::connection_failed);
}

// --- TLS
// -------------------------------------------------------------------------------------------------------------------------------

class CurlTlsTest : public CurlClientTest {
protected:
  ~CurlTlsTest() override { ::unlink(ca_file.c_str()); }

  Result<Response> ask(const test::Identity& identity, int version_max = TLS1_3_VERSION) {
    test::Server server(always(answer(200, "{}")), test::ServerTls{.identity = identity, .version_max = version_max});
    auto request = get(server.url());
    request.egress.ca_file = ca_file;
    return client.send(request, {});
  }
  void expect_refused(const Result<Response>& response, const std::string& words) {
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), ErrorCode::tls_failed);
    EXPECT_THAT(response.error().text(), AllOf(HasSubstr("localhost"), HasSubstr(words)));
  }

  test::Identity authority = test::make_identity({.common_name = "authority", .is_authority = true});
  std::string ca_file = pem_file(authority.certificate_pem());
};

TEST_F(CurlTlsTest, a_certificate_of_the_authority_is_accepted) {
  const auto response = ask(test::make_identity({.alternative_names = "DNS:localhost"}, &authority));
  ASSERT_TRUE(response) << response.error().text();
}

TEST_F(CurlTlsTest, says_what_is_wrong_with_a_certificate) {
  expect_refused(ask(test::make_identity({.alternative_names = "DNS:elsewhere.example"}, &authority)),
                 "not made out to this name");
  expect_refused(ask(test::make_identity(
                     {.alternative_names = "DNS:localhost", .valid_from_s = -7200, .valid_to_s = -3600}, &authority)),
                 "has expired");
  expect_refused(ask(test::make_identity(
                     {.alternative_names = "DNS:localhost", .valid_from_s = 3600, .valid_to_s = 7200}, &authority)),
                 "not valid yet");
  expect_refused(ask(test::make_identity({.alternative_names = "DNS:localhost"})), "self-signed");
  const auto stranger = test::make_identity({.common_name = "stranger", .is_authority = true});
  expect_refused(ask(test::make_identity({.alternative_names = "DNS:localhost"}, &stranger)),
                 "issued by somebody unknown");
}

TEST_F(CurlTlsTest, old_versions_are_refused) {
  expect_refused(ask(test::make_identity({.alternative_names = "DNS:localhost"}, &authority), TLS1_1_VERSION), "TLS");
}

TEST_F(CurlTlsTest, a_missing_ca_file_is_named) {
  test::Server server(always(answer(200, "{}")), test::ServerTls{.identity = authority});
  auto request = get(server.url());
  request.egress.ca_file = "/nowhere/ca.pem";
  const auto response = client.send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::tls_failed);
  EXPECT_THAT(response.error().text(), HasSubstr("/nowhere/ca.pem"));
}

TEST_F(CurlTlsTest, plain_http_behind_https_is_a_tls_error) {
  test::Server server([](test::Wire& wire) {
    wire.read();
    wire.write(answer(400, "this is not HTTP"));
  });
  const auto response = client.send(get(fmt::format("https://localhost:{}/", server.port())), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::tls_failed);
}

// --- proxies
// ---------------------------------------------------------------------------------------------------------------------------

class CurlProxyTest : public CurlTlsTest {
protected:
  // A CONNECT proxy with Basic authentication ("user:pa ss" as base64) that answers what it is told, or tunnels.
  static void tunnel(test::Wire& wire, int status_wanted) {
    const std::string request = wire.read_request();
    if (request.empty()) return;
    if (!request.starts_with("CONNECT localhost:")) {
      wire.write(answer(407, "", "Proxy-Authenticate: Basic realm=\"x\"\r\n"));
      return;
    }
    if (status_wanted != 200) {
      wire.write(answer(status_wanted, "no"));
      return;
    }
    if (request.find("Proxy-Authorization: Basic dXNlcjpwYSBzcw==\r\n") == std::string::npos) {
      wire.write(answer(407, "", "Proxy-Authenticate: Basic realm=\"x\"\r\n"));
      return;
    }
    const int port = std::stoi(request.substr(std::string("CONNECT localhost:").size()));
    const int onward = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ASSERT_EQ(::connect(onward, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    wire.write("HTTP/1.1 200 Connection established\r\n\r\n");
    pump(wire, onward);
    ::close(onward);
  }
  static void pump(test::Wire& wire, int onward) {
    std::string bytes(16U << 10, '\0');
    while (!wire.server_ends()) {
      std::array<pollfd, 2> both{{{wire.descriptor(), POLLIN, 0}, {onward, POLLIN, 0}}};
      if (::poll(both.data(), both.size(), 20) <= 0) continue;
      for (std::size_t i = 0; i < both.size(); ++i) {
        if (both[i].revents == 0) continue;
        const ssize_t size = ::recv(both[i].fd, bytes.data(), bytes.size(), 0);
        if (size <= 0) return;
        if (::send(both[1 - i].fd, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) return;
      }
    }
  }

  Result<Response> ask_through(const std::string& credentials, int status = 200, Secret password = {}) {
    test::Server host(
        always(answer(200, "through")),
        test::ServerTls{.identity = test::make_identity({.alternative_names = "DNS:localhost"}, &authority)});
    test::Server proxy([status](test::Wire& wire) { tunnel(wire, status); });
    auto request = get(host.url("/?token=s3cret"));
    request.egress = {.proxy = fmt::format("http://{}127.0.0.1:{}", credentials, proxy.port()),
                      .proxy_password = std::move(password),
                      .ca_file = ca_file};
    CurlClient fresh("Capstan/test");
    return fresh.send(request, {});
  }
  static void expect_refused_by_proxy(const Result<Response>& response, ErrorCode code, const std::string& words) {
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), code);
    EXPECT_THAT(response.error().text(),
                AllOf(HasSubstr("proxy http://127.0.0.1:"), HasSubstr(words), Not(HasSubstr("s3cret")),
                      Not(HasSubstr("user:")), Not(HasSubstr("pa%20ss")), Not(HasSubstr("pa ss"))));
  }
};

TEST_F(CurlProxyTest, goes_through_with_credentials_from_the_url_or_beside_it) {
  const auto from_url = ask_through("user:pa%20ss@");
  ASSERT_TRUE(from_url) << from_url.error().text();
  EXPECT_EQ(from_url->body, "through");
  EXPECT_EQ(from_url->header("content-length"), "7");
  const auto beside = ask_through("user@", 200, Secret("pa ss"));
  ASSERT_TRUE(beside) << beside.error().text();
}

TEST_F(CurlProxyTest, says_that_the_proxy_refused) {
  expect_refused_by_proxy(ask_through(""), ErrorCode::proxy_refused, "407");
  expect_refused_by_proxy(ask_through("user:wrong@"), ErrorCode::proxy_refused, "407");
  expect_refused_by_proxy(ask_through("user:pa%20ss@", 403), ErrorCode::proxy_refused, "does not allow localhost");
  expect_refused_by_proxy(ask_through("user:pa%20ss@", 502), ErrorCode::connection_failed, "could not reach localhost");
}

TEST_F(CurlProxyTest, a_407_for_plain_http_is_the_proxy_too) {
  test::Server proxy([](test::Wire& wire) { tunnel(wire, 200); });
  auto request = get("http://localhost:1/");
  request.egress.proxy = fmt::format("http://127.0.0.1:{}", proxy.port());
  expect_refused_by_proxy(client.send(request, {}), ErrorCode::proxy_refused, "407");
}

TEST_F(CurlProxyTest, the_environment_is_not_asked) {
  for (const auto* name : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"})
    ::setenv(name, "http://127.0.0.1:1", 1);
  test::Server server(always(answer(200, "{}")));
  const auto response = client.send(get(server.url()), {});
  for (const auto* name : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"}) ::unsetenv(name);
  EXPECT_TRUE(response) << response.error().text();
}

TEST_F(CurlProxyTest, a_proxy_that_is_no_url_is_refused_without_showing_it) {
  auto request = get("http://localhost:1/");
  request.egress.proxy = "user:s3cret@proxy";
  const auto response = client.send(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::proxy_refused);
  EXPECT_THAT(response.error().text(), Not(HasSubstr("s3cret")));
}

TEST(CurlWords, a_url_is_shown_without_secrets) {
  EXPECT_EQ(public_url("https://u:p@host.example:8443/a/b?sig=1#x"), "https://host.example:8443/a/b");
  EXPECT_EQ(public_url("::::"), "a URL that is not one");
}

}  // namespace
}  // namespace capstan::net
