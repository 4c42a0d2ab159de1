#include "net/stream.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <future>

#include "server_for_test.h"

namespace capstan::net {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

// Waits look for a stop every 50 ms; the rest is for a machine that is busy with other tests. What is stopped here
// would last far longer.
constexpr auto prompt = 1500ms;

TEST(Address, is_read_and_written) {
  for (const auto* text : {"siem.example:6514", "127.0.0.1:514", "[::1]:514", "[fe80::1%eth0]:1"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  for (const auto* text : {"", "siem", "siem:", ":514", "siem:0", "siem:65536", "siem:5x", "::1:514", "[::1]",
                           "[siem]:1", "a b:1", "http://siem:1", "siem:-1", "siem:+1"})
    EXPECT_FALSE(parse_address(text)) << text;
}

// A receiver that reads only when it is let, and ends when it is told.
class Receiver {
public:
  explicit Receiver(std::optional<test::ServerTls> tls = {}, int receive_buffer = 0)
      : server_([this](test::Wire& wire) { serve(wire); }, std::move(tls), 0, receive_buffer) {}
  ~Receiver() { end(Ending::close); }

  enum class Ending { none, close, reset };
  void let_read(bool may) {
    set([&] { may_read_ = may; });
  }
  void end(Ending ending) {
    set([&] { ending_ = ending; });
  }

  Address address() const { return {"127.0.0.1", server_.port()}; }
  std::string received() {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  bool await_received(std::size_t size) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return received_.size() >= size; });
  }
  bool await_end() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return has_ended_; });
  }
  int last_tls_error() {
    const std::lock_guard lock(mutex_);
    return last_tls_error_;
  }

private:
  template <class Change>
  void set(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  void serve(test::Wire& wire) {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return may_read_ || ending_ != Ending::none; });
        if (ending_ == Ending::reset) wire.linger_reset();
        if (ending_ != Ending::none) break;
      }
      pollfd waited{wire.descriptor(), POLLIN, 0};
      if (::poll(&waited, 1, 5) == 0 && (wire.tls() == nullptr || SSL_pending(wire.tls()) == 0)) continue;
      const std::string bytes = wire.read();
      if (bytes.empty()) break;
      set([&] { received_ += bytes; });
    }
    set([&] {
      last_tls_error_ = wire.last_tls_error();
      has_ended_ = true;
    });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool may_read_ = true;
  Ending ending_ = Ending::none;
  bool has_ended_ = false;
  int last_tls_error_ = 0;
  std::string received_;
  test::Server server_;
};

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 500; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

// --- TCP
// -------------------------------------------------------------------------------------------------------------------------------

TEST(TcpStream, everything_arrives_and_is_acknowledged) {
  Receiver receiver;
  const auto stream = connect_tcp(receiver.address(), {}).value();
  const std::string bytes(3'000'000, 'x');
  ASSERT_TRUE(stream->write(bytes, {}));
  ASSERT_TRUE(stream->wait_acknowledged({}));
  EXPECT_EQ(stream->acknowledged(), bytes.size());
  ASSERT_TRUE(receiver.await_received(bytes.size()));
  stream->close();
  EXPECT_TRUE(receiver.await_end());
}

TEST(TcpStream, what_the_peers_kernel_has_not_taken_is_not_acknowledged) {
  Receiver receiver({}, 8192);
  const auto stream = connect_tcp(receiver.address(), {}).value();
  receiver.let_read(false);
  const std::string bytes(20'000'000, 'x');
  const auto written = stream->write(bytes, {300ms, {}});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::destination_slow);
  EXPECT_LT(stream->acknowledged(), 5'000'000U);
}

TEST(TcpStream, waiting_for_an_acknowledgement_ends_in_time) {
  Receiver receiver({}, 4096);
  receiver.let_read(false);
  const auto stream = connect_tcp(receiver.address(), {}).value();
  ASSERT_TRUE(stream->write(std::string(1'000'000, 'x'), {}));
  const auto begin = std::chrono::steady_clock::now();
  const auto waited = stream->wait_acknowledged({200ms, {}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code(), ErrorCode::destination_slow);
}

TEST(TcpStream, a_reset_acknowledges_nothing_more) {
  Receiver receiver({}, 4096);
  receiver.let_read(false);
  const auto stream = connect_tcp(receiver.address(), {}).value();
  ASSERT_TRUE(stream->write(std::string(1'000'000, 'x'), {}));
  const auto before = stream->acknowledged();
  EXPECT_LT(before, 1'000'000U);
  receiver.end(Receiver::Ending::reset);
  ASSERT_TRUE(receiver.await_end());
  const auto waited = stream->wait_acknowledged({5s, {}});
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code(), ErrorCode::destination_closed);
  EXPECT_LT(stream->acknowledged(), 1'000'000U);
}

TEST(TcpStream, a_peer_that_closed_is_noticed_before_the_next_write) {
  Receiver receiver;
  const auto stream = connect_tcp(receiver.address(), {}).value();
  ASSERT_TRUE(stream->write("one", {}));
  ASSERT_TRUE(stream->wait_acknowledged({}));
  ASSERT_TRUE(receiver.await_received(3));
  receiver.end(Receiver::Ending::close);
  ASSERT_TRUE(receiver.await_end());
  Result<> written;
  ASSERT_TRUE(eventually([&] { return !(written = stream->write({}, {})); }));
  EXPECT_EQ(written.error().code(), ErrorCode::destination_closed);
  EXPECT_EQ(stream->acknowledged(), 3U);
  EXPECT_FALSE(stream->write("two", {}));  // dead from now on
}

TEST(TcpStream, its_end_is_a_receipt_when_the_peer_has_read_everything) {
  Receiver receiver;
  const auto stream = connect_tcp(receiver.address(), {}).value();
  const std::string bytes(300'000, 'x');
  ASSERT_TRUE(stream->write(bytes, {}));
  EXPECT_EQ(stream->written(), bytes.size());
  const auto finished = stream->finish({5s, {}});
  ASSERT_TRUE(finished) << finished.error().text();
  EXPECT_EQ(receiver.received().size(), bytes.size());
  EXPECT_FALSE(stream->was_reset());
  EXPECT_FALSE(stream->write({}, {}));  // dead from now on
}

// The kernel has acknowledged it all, and the program has not read it: it closes, or is killed.
TEST(TcpStream, its_end_is_no_receipt_when_the_peer_has_not_read_everything) {
  for (const auto ending : {Receiver::Ending::close, Receiver::Ending::reset}) {
    Receiver receiver;
    receiver.let_read(false);
    const auto stream = connect_tcp(receiver.address(), {}).value();
    ASSERT_TRUE(stream->write("unread", {}));
    ASSERT_TRUE(stream->wait_acknowledged({}));
    auto finished = std::async(std::launch::async, [&] { return stream->finish({5s, {}}); });
    std::this_thread::sleep_for(50ms);
    receiver.end(ending);
    const auto result = finished.get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::destination_closed) << result.error().text();
    EXPECT_TRUE(stream->was_reset());
  }
}

TEST(TcpStream, its_end_is_waited_for_in_time_and_until_a_stop) {
  Receiver receiver;
  receiver.let_read(false);
  const auto slow = connect_tcp(receiver.address(), {}).value()->finish({100ms, {}});
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code(), ErrorCode::destination_slow);
  std::stop_source stop;
  auto finished = std::async(
      std::launch::async, [&] { return connect_tcp(receiver.address(), {}).value()->finish({30s, stop.get_token()}); });
  std::this_thread::sleep_for(50ms);
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(finished.get().error().code(), ErrorCode::interrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
}

TEST(TcpStream, a_peer_that_closes_by_itself_has_read_what_its_kernel_held) {
  Receiver receiver;
  const auto stream = connect_tcp(receiver.address(), {}).value();
  ASSERT_TRUE(stream->write("one", {}));
  EXPECT_FALSE(stream->await_end({50ms, {}}).value());
  ASSERT_TRUE(receiver.await_received(3));
  receiver.end(Receiver::Ending::close);
  EXPECT_TRUE(stream->await_end({5s, {}}).value());
}

TEST(TcpStream, a_stop_is_seen_at_once) {
  Receiver receiver({}, 4096);
  receiver.let_read(false);
  const auto stream = connect_tcp(receiver.address(), {}).value();
  std::stop_source stop;
  auto written = std::async(std::launch::async,
                            [&] { return stream->write(std::string(50'000'000, 'x'), {30s, stop.get_token()}); });
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  const auto result = written.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::interrupted);
}

TEST(TcpStream, says_what_stands_against_a_connection) {
  std::uint16_t closed_port = 0;
  {
    closed_port = test::Server([](test::Wire&) {}).port();
  }
  const auto refused = connect_tcp({"127.0.0.1", closed_port}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::destination_unreachable);
  EXPECT_THAT(refused.error().text(),
              AllOf(HasSubstr(fmt::format("connecting to 127.0.0.1:{}", closed_port)), HasSubstr("refused")));
  const auto unknown = connect_tcp({"no-such-host.invalid", 514}, {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::name_not_resolved);
}

TEST(TcpStream, a_name_with_two_addresses_reaches_the_one_that_answers) {
  Receiver receiver;  // on 127.0.0.1 only; localhost may be ::1 first
  EXPECT_TRUE(connect_tcp({"localhost", receiver.address().port}, {}));
}

// --- TLS
// -------------------------------------------------------------------------------------------------------------------------------

class TlsStreamTest : public testing::Test {
protected:
  TlsStreamTest() {
    const int descriptor = ::mkstemp(ca_file.data());
    const std::string pem = authority.certificate_pem();
    EXPECT_EQ(::write(descriptor, pem.data(), pem.size()), static_cast<ssize_t>(pem.size()));
    ::close(descriptor);
  }
  ~TlsStreamTest() override { ::unlink(ca_file.c_str()); }

  test::Identity good(const std::string& names = "IP:127.0.0.1,DNS:localhost") {
    return test::make_identity({.alternative_names = names}, &authority);
  }
  struct Client {
    std::string server_name = {};
    bool verify = true;
    Secret certificate_pem = {};
    Duration patience = 5s;
  };
  Result<std::unique_ptr<Stream>> connect(const Receiver& receiver, const Client& client) {
    const TlsOptions options{ca_file, client.server_name, client.verify, client.certificate_pem};
    return connect_tls(receiver.address(), options, {client.patience, {}});
  }
  Result<std::unique_ptr<Stream>> connect(const Receiver& receiver) { return connect(receiver, Client{}); }
  void expect_refused(const test::Identity& identity, const std::string& words) {
    Receiver receiver(test::ServerTls{.identity = identity});
    const auto stream = connect(receiver);
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code(), ErrorCode::destination_tls_failed);
    EXPECT_THAT(stream.error().text(), HasSubstr(words));
  }
  static Secret pem(const test::Identity& identity) { return Secret(identity.certificate_pem() + identity.key_pem()); }

  test::Identity authority = test::make_identity({.common_name = "authority", .is_authority = true});
  std::string ca_file = "/tmp/capstan-net-XXXXXX";
};

TEST_F(TlsStreamTest, everything_arrives_and_the_end_is_said) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Receiver receiver(test::ServerTls{.identity = good(), .version_max = version});
    const auto stream = connect(receiver);
    ASSERT_TRUE(stream) << stream.error().text();
    const std::string bytes(2'000'000, 'x');
    ASSERT_TRUE((*stream)->write(bytes, {}));
    EXPECT_EQ((*stream)->acknowledged(), 0U);
    ASSERT_TRUE((*stream)->wait_acknowledged({}));
    EXPECT_EQ((*stream)->acknowledged(), bytes.size());
    ASSERT_TRUE(receiver.await_received(bytes.size()));
    (*stream)->close();
    ASSERT_TRUE(receiver.await_end());
    EXPECT_EQ(receiver.last_tls_error(), SSL_ERROR_ZERO_RETURN);  // close_notify came
  }
}

TEST_F(TlsStreamTest, says_what_is_wrong_with_a_certificate) {
  expect_refused(good("DNS:localhost"), "not made out to \"127.0.0.1\"");
  expect_refused(test::make_identity({.alternative_names = "IP:127.0.0.1", .valid_from_s = -7200, .valid_to_s = -3600},
                                     &authority),
                 "has expired");
  expect_refused(
      test::make_identity({.alternative_names = "IP:127.0.0.1", .valid_from_s = 3600, .valid_to_s = 7200}, &authority),
      "not valid yet");
  expect_refused(test::make_identity({.alternative_names = "IP:127.0.0.1"}), "self-signed");
  const auto stranger = test::make_identity({.common_name = "stranger", .is_authority = true});
  expect_refused(test::make_identity({.alternative_names = "IP:127.0.0.1"}, &stranger), "issuer is not trusted");
}

TEST_F(TlsStreamTest, the_name_can_be_given_and_the_check_left_out) {
  {
    Receiver receiver(test::ServerTls{.identity = good("DNS:siem.example")});
    EXPECT_FALSE(connect(receiver));
    EXPECT_TRUE(connect(receiver, {.server_name = "siem.example"}));
    EXPECT_FALSE(connect(receiver, {.server_name = "other.example"}));
  }
  Receiver receiver(test::ServerTls{.identity = test::make_identity({})});
  EXPECT_FALSE(connect(receiver));
  EXPECT_TRUE(connect(receiver, {.verify = false}));
}

TEST_F(TlsStreamTest, old_versions_are_refused) {
  Receiver receiver(test::ServerTls{.identity = good(), .version_max = TLS1_1_VERSION});
  EXPECT_FALSE(connect(receiver));
}

TEST_F(TlsStreamTest, a_client_certificate_is_shown_when_asked_for) {
  const auto client = test::make_identity({.common_name = "client"}, &authority);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Receiver receiver(test::ServerTls{.identity = good(), .client_authority = &authority, .version_max = version});
    const auto stream = connect(receiver, {.certificate_pem = pem(client)});
    ASSERT_TRUE(stream) << stream.error().text();
    ASSERT_TRUE((*stream)->write("hello", {}));
    ASSERT_TRUE((*stream)->wait_acknowledged({}));
    ASSERT_TRUE(receiver.await_received(5));
  }
}

// In TLS 1.3 the handshake is over for the client before the server has looked at its certificate: without waiting for
// the verdict the first payload would be acknowledged by the kernel of a receiver that throws it away.
TEST_F(TlsStreamTest, a_client_certificate_that_is_refused_is_known_before_anything_is_written) {
  const auto stranger = test::make_identity({.common_name = "stranger"});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Receiver receiver(test::ServerTls{.identity = good(), .client_authority = &authority, .version_max = version});
    const auto without = connect(receiver);
    ASSERT_FALSE(without) << version;
    EXPECT_EQ(without.error().code(), ErrorCode::destination_tls_failed) << without.error().text();
    const auto wrong = connect(receiver, {.certificate_pem = pem(stranger)});
    ASSERT_FALSE(wrong) << version;
    EXPECT_EQ(wrong.error().code(), ErrorCode::destination_tls_failed) << wrong.error().text();
  }
}

TEST_F(TlsStreamTest, a_client_certificate_that_cannot_be_used_is_named) {
  Receiver receiver(test::ServerTls{.identity = good()});
  const auto other = test::make_identity({});
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"nonsense", "found no certificate"},
           {other.certificate_pem(), "found no private key"},
           {other.certificate_pem() + authority.key_pem(), "does not belong"}}) {
    const auto stream = connect(receiver, {.certificate_pem = Secret(text)});
    ASSERT_FALSE(stream) << words;
    EXPECT_THAT(stream.error().text(), HasSubstr(words));
  }
}

TEST_F(TlsStreamTest, a_peer_that_closed_or_reset_is_noticed) {
  for (const auto ending : {Receiver::Ending::close, Receiver::Ending::reset}) {
    Receiver receiver(test::ServerTls{.identity = good()});
    const auto stream = connect(receiver).value();
    ASSERT_TRUE(stream->write("one", {}));
    ASSERT_TRUE(receiver.await_received(3));
    receiver.end(ending);
    ASSERT_TRUE(receiver.await_end());
    Result<> written;
    ASSERT_TRUE(eventually([&] { return !(written = stream->write({}, {})); }));
    EXPECT_EQ(written.error().code(), ErrorCode::destination_closed) << written.error().text();
  }
}

TEST_F(TlsStreamTest, its_end_is_a_receipt_when_the_peer_has_read_everything) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Receiver receiver(test::ServerTls{.identity = good(), .version_max = version});
    const auto stream = connect(receiver).value();
    const std::string bytes(300'000, 'x');
    ASSERT_TRUE(stream->write(bytes, {}));
    const auto finished = stream->finish({5s, {}});
    ASSERT_TRUE(finished) << finished.error().text();
    EXPECT_EQ(receiver.received().size(), bytes.size());
  }
}

// It closes with a close_notify, or just so, in the middle of what it is sent.
TEST_F(TlsStreamTest, its_end_is_no_receipt_when_the_peer_closes_in_the_middle) {
  for (const bool says_so : {true, false}) {
    std::atomic<std::size_t> read = 0;
    const test::Server server(
        [&](test::Wire& wire) {
          while (read < 50'000) read += wire.read().size();
          if (says_so) SSL_shutdown(wire.tls());
        },
        test::ServerTls{.identity = good()});
    const auto stream = connect_tls({"127.0.0.1", server.port()}, {ca_file, {}, true, {}}, {5s, {}}).value();
    auto result = stream->write(std::string(300'000, 'x'), {5s, {}});
    if (result) result = stream->finish({5s, {}});
    ASSERT_FALSE(result) << says_so;
    EXPECT_EQ(result.error().code(), ErrorCode::destination_closed) << result.error().text();
  }
}

TEST_F(TlsStreamTest, a_port_that_does_not_speak_tls_is_an_error_in_words) {
  Receiver receiver;
  receiver.end(Receiver::Ending::close);
  const auto stream = connect(receiver);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code(), ErrorCode::destination_tls_failed);
}

TEST_F(TlsStreamTest, a_silent_port_ends_in_time) {
  Receiver receiver;
  const auto begin = std::chrono::steady_clock::now();
  const auto stream = connect(receiver, {.patience = 200ms});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().code(), ErrorCode::destination_slow);
}

TEST_F(TlsStreamTest, a_stalled_receiver_slows_and_its_reset_raises_no_signal) {
  Receiver receiver(test::ServerTls{.identity = good()}, 4096);
  const auto stream = connect(receiver).value();
  receiver.let_read(false);
  auto written = std::async(std::launch::async, [&] { return stream->write(std::string(50'000'000, 'x'), {5s, {}}); });
  std::this_thread::sleep_for(100ms);
  receiver.end(Receiver::Ending::reset);
  const auto result = written.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::destination_closed) << result.error().text();
  EXPECT_EQ(stream->acknowledged(), 0U);
}

}  // namespace
}  // namespace capstan::net
