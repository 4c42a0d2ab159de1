// The pace at which the syslog sink sends datagrams.
#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "syslog_for_test.h"

namespace capstan::sinks {
namespace {

using namespace std::chrono_literals;
using test::UdpReceiver;

class PacedSink : public SyslogSinkTest {
protected:
  std::unique_ptr<SyslogSink> make_paced(const std::string& address, std::uint32_t max_rate, std::uint32_t burst) {
    auto options = options_for(address);
    options.transport = SyslogOptions::Transport::udp;
    options.max_rate = max_rate;
    options.burst = burst;
    return make(options);
  }
  static std::vector<std::string> numbered(std::size_t count, std::size_t size = 0) {
    std::vector<std::string> messages;
    for (std::size_t i = 0; i < count; ++i) messages.push_back(fmt::format("CEF:{}|", i) + std::string(size, 'x'));
    return messages;
  }
};

TEST_F(PacedSink, sends_a_burst_at_once_and_the_rest_at_its_rate) {
  UdpReceiver receiver;
  const auto sink = make_paced(receiver.address(), 200, 20);
  const auto timed = [&](std::size_t messages) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(sink->deliver(make_payload("a", numbered(messages)), {}));
    return std::chrono::steady_clock::now() - begin;
  };
  EXPECT_LT(timed(20), 500ms);
  EXPECT_GE(timed(60), 250ms);  // 300 ms, less what was saved up since
}

TEST_F(PacedSink, counts_long_messages_by_what_they_take_of_a_receivers_buffer) {
  UdpReceiver receiver;
  const auto sink = make_paced(receiver.address(), 200, 1);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(sink->deliver(make_payload("a", numbered(3, 40'000)), {}));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 180ms);  // two debts of 27 tokens
}

TEST_F(PacedSink, waiting_for_its_turn_sees_a_stop_at_once) {
  UdpReceiver receiver;
  const auto sink = make_paced(receiver.address(), 1, 1);
  std::stop_source stop;
  auto delivered = std::async(std::launch::async,
                              [&] { return sink->deliver(make_payload("a", numbered(20)), {30s, stop.get_token()}); });
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  const auto result = delivered.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::interrupted);
}

// As a route does it: the payload comes again, cut in half when the error says so.
TEST_F(PacedSink, a_payload_that_takes_longer_than_its_time_is_cut_and_no_message_goes_out_twice) {
  UdpReceiver receiver;
  const auto sink = make_paced(receiver.address(), 100, 1);
  const auto all = numbered(40);
  std::size_t sent = 0;
  std::size_t limit = all.size();
  std::uint64_t resent = 0;
  for (int i = 0; i < 100 && sent < all.size(); ++i) {
    const std::size_t size = std::min(limit, all.size() - sent);
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(sent);
    const auto delivery =
        sink->deliver(make_payload("a", {from, from + static_cast<std::ptrdiff_t>(size)}), {100ms, {}});
    if (delivery) {
      sent += size;
      resent += delivery->resent;
      continue;
    }
    ASSERT_EQ(delivery.error().code(), size > 1 ? ErrorCode::payload_unfinished : ErrorCode::destination_slow);
    limit = std::max<std::size_t>(size / 2, 1);
  }
  EXPECT_EQ(sent, all.size());
  EXPECT_EQ(resent, 0U);
  for (const auto& message : all) EXPECT_EQ(receiver.take(), "<166>Nov 24 16:08:23 collector " + message);
  EXPECT_EQ(receiver.take(0), "");
}

// A receiver with the buffer that Linux gives it, which takes a while for each message: what an unpaced sender does to
// it is the counter-check.
TEST_F(PacedSink, loses_nothing_at_a_receiver_with_the_default_buffer) {
  for (const std::uint32_t max_rate : {SyslogOptions{}.max_rate, 0U}) {
    UdpReceiver receiver;
    std::jthread reading;
    std::atomic<std::size_t> received = 0;
    std::atomic<std::chrono::nanoseconds> longest_absence{};
    const auto sink = make_paced(receiver.address(), max_rate, SyslogOptions{}.burst);
    reading = std::jthread([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (receiver.take(100).empty()) continue;
        ++received;
        const auto begin = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(200us);
        longest_absence = std::max<std::chrono::nanoseconds>(longest_absence, std::chrono::steady_clock::now() - begin);
      }
    });
    constexpr std::size_t count = 1500;
    const auto messages = numbered(count, 900);
    for (std::size_t at = 0; at < count; at += 500) {
      const auto from = messages.begin() + static_cast<std::ptrdiff_t>(at);
      ASSERT_TRUE(sink->deliver(make_payload("a", {from, from + 500}), {}));
    }
    for (int i = 0; i < 100 && received < count; ++i) std::this_thread::sleep_for(10ms);
    if (max_rate == 0)
      EXPECT_LT(received, count);
    else if (received < count && longest_absence.load() > 100ms)
      GTEST_SKIP() << "this machine is too busy: the receiver had no turn for a tenth of a second";
    else
      EXPECT_EQ(received, count);
  }
}

TEST_F(PacedSink, what_a_receiver_refuses_comes_again) {
  auto receiver = std::make_unique<UdpReceiver>();
  const std::uint16_t port = receiver->port();
  const auto sink = make_paced(receiver->address(), 0, 1);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  receiver.reset();
  // A single message: the refusal comes behind it.
  ASSERT_FALSE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  ASSERT_FALSE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  UdpReceiver successor(port);
  const auto delivery = sink->deliver(make_payload("b", {"CEF:two"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->resent, 2U);
  EXPECT_EQ(successor.take(), "<166>Nov 24 16:08:23 collector CEF:two");
}

}  // namespace
}  // namespace capstan::sinks
