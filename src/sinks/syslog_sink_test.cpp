#include <gmock/gmock.h>

#include <future>

#include "syslog_for_test.h"

namespace capstan::sinks {
namespace {

using namespace std::chrono_literals;
using test::TcpReceiver;
using test::UdpReceiver;

TEST_F(SyslogSinkTest, delivers_over_tcp) {
  TcpReceiver receiver;
  const auto sink = make(options_for(receiver.address()));
  ASSERT_TRUE(sink->resume(""));
  const auto delivery = sink->deliver(make_payload("a", {"CEF:one", "CEF:two"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->accepted, 2U);
  EXPECT_EQ(delivery->resent, 0U);
  EXPECT_EQ(delivery->cut, 0U);
  const std::string expected = lines({"CEF:one", "CEF:two"});
  EXPECT_EQ(receiver.await(expected.size()), expected);
  ASSERT_TRUE(sink->deliver(make_payload("b", {"CEF:three"}), {}));
  EXPECT_EQ(receiver.connections(), 1);
}

TEST_F(SyslogSinkTest, octet_counting_is_the_way_of_tls_and_can_be_asked_for) {
  TcpReceiver receiver;
  auto options = options_for(receiver.address());
  options.framing = SyslogOptions::Framing::octet_counting;
  ASSERT_TRUE(make(options)->deliver(make_payload("a", {"CEF:one"}), {}));
  const std::string expected = "38 <166>Nov 24 16:08:23 collector CEF:one";
  EXPECT_EQ(receiver.await(expected.size()), expected);
}

TEST_F(SyslogSinkTest, counts_what_it_cuts) {
  TcpReceiver receiver;
  auto options = options_for(receiver.address());
  options.max_message_bytes = 1_KiB;
  const auto delivery = make(options)->deliver(make_payload("a", {"CEF:" + std::string(2000, 'x'), "CEF:two"}), {});
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->accepted, 2U);
  EXPECT_EQ(delivery->cut, 1U);
}

TEST_F(SyslogSinkTest, nobody_listens_then_somebody_does) {
  std::uint16_t port = 0;
  {
    port = TcpReceiver().port();
  }
  const auto sink = make(options_for(fmt::format("127.0.0.1:{}", port)));
  const auto refused = sink->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::destination_unreachable);
  TcpReceiver receiver(port);
  const auto delivery = sink->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->resent, 0U);  // nothing of it could have arrived before
}

TEST_F(SyslogSinkTest, a_receiver_that_closed_while_idle_is_connected_again_in_the_same_attempt) {
  TcpReceiver receiver;
  auto options = options_for(receiver.address());
  options.resend_window = 0_B;
  const auto sink = make(options);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  receiver.await(lines({"CEF:one"}).size());
  receiver.close_connections();
  const auto delivery = sink->deliver(make_payload("b", {"CEF:two"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->resent, 0U);
  const std::string expected = lines({"CEF:one", "CEF:two"});
  EXPECT_EQ(receiver.await(expected.size()), expected);
  EXPECT_EQ(receiver.connections(), 2);
}

// The kernel of a receiver acknowledges what the receiver never reads: it dies with the messages in its socket.
TEST_F(SyslogSinkTest, what_a_dying_receiver_had_not_read_is_sent_again) {
  auto receiver = std::make_unique<TcpReceiver>();
  const std::uint16_t port = receiver->port();
  const auto sink = make(options_for(receiver->address()));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  ASSERT_EQ(receiver->await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
  receiver->let_read(false);
  ASSERT_TRUE(sink->deliver(make_payload("b", {"CEF:two", "CEF:three"}), {}));
  EXPECT_EQ(receiver->received(), lines({"CEF:one"}));
  receiver.reset();

  TcpReceiver successor(port);
  const auto delivery = sink->deliver(make_payload("c", {"CEF:four"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->accepted, 1U);
  EXPECT_EQ(delivery->resent, 3U);  // one, two and three
  const std::string expected = lines({"CEF:one", "CEF:two", "CEF:three", "CEF:four"});
  EXPECT_EQ(successor.await(expected.size()), expected);
}

TEST_F(SyslogSinkTest, a_payload_without_messages_looks_after_the_connection) {
  auto receiver = std::make_unique<TcpReceiver>();
  const std::uint16_t port = receiver->port();
  const auto sink = make(options_for(receiver->address()));
  receiver->let_read(false);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  ASSERT_TRUE(sink->deliver(make_payload("", {}), {}));
  receiver.reset();
  EXPECT_FALSE(sink->deliver(make_payload("", {}), {}));
  TcpReceiver successor(port);
  const auto delivery = sink->deliver(make_payload("", {}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->accepted, 0U);
  EXPECT_EQ(delivery->resent, 1U);
  EXPECT_EQ(successor.await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
}

TEST_F(SyslogSinkTest, a_window_that_could_not_be_sent_again_waits_for_the_next_connection) {
  auto receiver = std::make_unique<TcpReceiver>();
  const std::uint16_t port = receiver->port();
  const auto sink = make(options_for(receiver->address()));
  receiver->let_read(false);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  receiver.reset();
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  TcpReceiver successor(port);
  ASSERT_TRUE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  const std::string expected = lines({"CEF:one", "CEF:two"});
  EXPECT_EQ(successor.await(expected.size()), expected);
}

TEST_F(SyslogSinkTest, a_stalled_receiver_fails_the_payload_whole_and_it_comes_again) {
  auto receiver = std::make_unique<TcpReceiver>(std::uint16_t{0}, 4096);
  const std::uint16_t port = receiver->port();
  auto options = options_for(receiver->address());
  options.max_message_bytes = 16_MiB;
  const auto sink = make(options);
  receiver->let_read(false);
  const auto payload = make_payload("a", {"CEF:" + std::string(8'000'000, 'x'), "CEF:two"});
  const auto begin = std::chrono::steady_clock::now();
  const auto slow = sink->deliver(payload, {300ms, {}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code(), ErrorCode::destination_slow);
  receiver.reset();

  TcpReceiver successor(port);
  const auto delivery = sink->deliver(payload, {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->resent, 1U);  // nothing of the second one had gone out
  const std::string expected = lines({"CEF:" + std::string(8'000'000, 'x'), "CEF:two"});
  EXPECT_EQ(successor.await(expected.size()), expected);
}

TEST_F(SyslogSinkTest, a_stop_is_seen_at_once) {
  TcpReceiver receiver(0, 4096);
  receiver.let_read(false);
  auto options = options_for(receiver.address());
  options.max_message_bytes = 16_MiB;
  const auto sink = make(options);
  std::stop_source stop;
  auto delivered = std::async(std::launch::async, [&] {
    return sink->deliver(make_payload("a", {"CEF:" + std::string(12'000'000, 'x')}), {30s, stop.get_token()});
  });
  std::this_thread::sleep_for(150ms);
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  const auto result = delivered.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::interrupted);
}

TEST_F(SyslogSinkTest, probe_connects_and_sends_nothing) {
  TcpReceiver receiver;
  const auto sink = make(options_for(receiver.address()));
  ASSERT_TRUE(sink->probe({}));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  const std::string expected = lines({"CEF:one"});
  EXPECT_EQ(receiver.await(expected.size()), expected);
  EXPECT_FALSE(make(options_for("127.0.0.1:1"))->probe({}));
}

TEST_F(SyslogSinkTest, one_message_one_datagram) {
  UdpReceiver receiver;
  auto options = options_for(receiver.address());
  options.transport = SyslogOptions::Transport::udp;
  const auto sink = make(options);
  ASSERT_TRUE(sink->probe({}));
  const auto delivery = sink->deliver(make_payload("a", {"CEF:one", "CEF:" + std::string(70'000, 'x')}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->accepted, 2U);
  EXPECT_EQ(delivery->cut, 1U);
  EXPECT_EQ(receiver.take(), "<166>Nov 24 16:08:23 collector CEF:one");
  const std::string cut = receiver.take();
  EXPECT_LE(cut.size(), 65'507U);
  EXPECT_THAT(cut, testing::EndsWith(" length=70004]"));
}

TEST_F(SyslogSinkTest, a_udp_receiver_that_is_not_there_is_noticed) {
  std::string address;
  {
    address = UdpReceiver().address();
  }
  auto options = options_for(address);
  options.transport = SyslogOptions::Transport::udp;
  const auto sink = make(options);
  std::vector<std::string> messages(200, "CEF:one");
  const auto delivery = sink->deliver(make_payload("a", messages), {});
  ASSERT_FALSE(delivery);
  EXPECT_EQ(delivery.error().code(), ErrorCode::destination_unreachable);
}

// --- receivers that misbehave (more of them: tests/receivers/closing_receivers_test.cpp)

// Its kernel acknowledges before it resets: the first payload counts as delivered and stays in doubt, the next is held.
TEST_F(SyslogSinkTest, one_that_resets_after_the_handshake_holds_delivery_and_loses_nothing) {
  TcpReceiver receiver;
  receiver.let_accept_only_to_reset();
  const auto sink = make(options_for(receiver.address()));
  std::vector<std::string> delivered;
  for (int i = 0; i < 5; ++i) {
    const std::string message = fmt::format("CEF:{}", i);
    const auto begin = std::chrono::steady_clock::now();
    if (sink->deliver(make_payload(message, {message}), {5s, {}})) delivered.push_back(message);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s + prompt);
    std::this_thread::sleep_for(20ms);  // until it has reset
  }
  EXPECT_LE(delivered.size(), 1U);
  EXPECT_LT(receiver.connections(), 40);  // it is not hammered
  receiver.let_accept_only_to_reset(false);
  const auto delivery = sink->deliver(make_payload("z", {"CEF:last"}), {5s, {}});
  ASSERT_TRUE(delivery) << delivery.error().text();
  delivered.push_back("CEF:last");
  EXPECT_EQ(receiver.await(lines(delivered).size()), lines(delivered));
}

TEST_F(SyslogSinkTest, one_that_does_not_close_after_us_is_delivered_to_over_a_lasting_connection) {
  TcpReceiver receiver;
  receiver.let_close(false);
  const auto sink = make(options_for(receiver.address()));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  receiver.await(lines({"CEF:one"}).size());
  receiver.reset_connections();
  std::uint64_t resent = 0;
  for (int i = 0; i < 5; ++i) {
    const auto delivery = sink->deliver(make_payload("b", {"CEF:two"}), {300ms, {}});
    if (!delivery) {
      EXPECT_EQ(delivery.error().code(), ErrorCode::destination_slow);
      continue;
    }
    resent += delivery->resent;
    ASSERT_EQ(i, 1);
    break;
  }
  EXPECT_EQ(resent, 3U);  // one and two once for the proof that failed, and one once more
  ASSERT_TRUE(sink->deliver(make_payload("c", {"CEF:three"}), {}));
}

// It had read everything to the end of connections that ended in order, and dies while nothing is to be sent.
TEST_F(SyslogSinkTest, what_a_receiver_had_read_before_it_died_is_sent_again) {
  auto receiver = std::make_unique<TcpReceiver>();
  const std::uint16_t port = receiver->port();
  const auto sink = make(options_for(receiver->address()));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  receiver->await(lines({"CEF:one"}).size());
  receiver->reset_connections();
  ASSERT_TRUE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  ASSERT_EQ(receiver->await(lines({"CEF:one", "CEF:one", "CEF:two"}).size()), lines({"CEF:one", "CEF:one", "CEF:two"}));
  for (int death = 1; death <= 2; ++death) {
    receiver.reset();
    receiver = std::make_unique<TcpReceiver>(port);
    const auto delivery = sink->deliver(make_payload("", {}), {});
    ASSERT_TRUE(delivery) << delivery.error().text();
    EXPECT_EQ(delivery->resent, 2U);
    EXPECT_EQ(receiver->await(lines({"CEF:one", "CEF:two"}).size()), lines({"CEF:one", "CEF:two"}));
  }
}

TEST_F(SyslogSinkTest, a_clean_end_sends_again_what_was_not_read) {
  TcpReceiver receiver;
  receiver.let_read(false);
  const auto sink = make(options_for(receiver.address()));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  std::jthread dying([&] {
    std::this_thread::sleep_for(100ms);
    receiver.close_connections();  // with the message in its socket
    receiver.let_read(true);
  });
  std::uint64_t told = 0;
  sink->before_resend([&](std::uint64_t messages) -> Result<> {
    told += messages;
    return {};
  });
  const auto settled = sink->settle({5s, {}});
  ASSERT_TRUE(settled) << settled.error().text();
  EXPECT_EQ(told, 1U);
  EXPECT_EQ(receiver.await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
}

}  // namespace
}  // namespace capstan::sinks
