// The syslog sink follows names, tries all addresses, and takes IPv6.
#include <gmock/gmock.h>

#include "syslog_for_test.h"

namespace capstan::sinks {
namespace {

using namespace std::chrono_literals;
using test::TcpReceiver;
using test::UdpReceiver;

// What a name stands for at the moment.
struct Names {
  std::vector<std::string> answer;
  bool fails = false;
  int asked = 0;

  Destination::LookUp look_up() {
    return [this](const net::Address& name, const Call&) -> Result<std::vector<net::Address>> {
      ++asked;
      if (fails) return Error(ErrorCode::name_not_resolved, "resolving \"" + name.host + "\": no answer in time");
      std::vector<net::Address> found;
      for (const auto& host : answer) found.push_back({host, name.port});
      return found;
    };
  }
};

class NamedReceiver : public SyslogSinkTest {
protected:
  std::unique_ptr<SyslogSink> make_named(std::uint16_t port, SyslogOptions::Transport transport) {
    auto options = options_for(fmt::format("siem.example:{}", port));
    options.transport = transport;
    options.resolve_every = 1ms;
    return std::make_unique<SyslogSink>(options, clock, names.look_up());
  }
  static void let_time_pass() { std::this_thread::sleep_for(5ms); }
  Names names{{"127.0.0.2"}};
};

TEST_F(NamedReceiver, is_followed_over_tcp_and_nothing_is_lost_or_doubled) {
  TcpReceiver old(0, 0, "127.0.0.2");
  TcpReceiver successor(old.port(), 0, "127.0.0.3");
  const auto sink = make_named(old.port(), SyslogOptions::Transport::tcp);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  names.answer = {"127.0.0.3"};
  let_time_pass();
  const auto delivery = sink->deliver(make_payload("b", {"CEF:two"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->resent, 0U);
  EXPECT_EQ(old.await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
  EXPECT_EQ(successor.await(lines({"CEF:two"}).size()), lines({"CEF:two"}));
}

TEST_F(NamedReceiver, that_is_left_and_has_not_read_is_doubted) {
  TcpReceiver old(0, 0, "127.0.0.2");
  TcpReceiver successor(old.port(), 0, "127.0.0.3");
  const auto sink = make_named(old.port(), SyslogOptions::Transport::tcp);
  old.let_read(false);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  names.answer = {"127.0.0.3"};
  let_time_pass();
  const auto delivery = sink->deliver(make_payload("b", {"CEF:two"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->resent, 1U);
  const std::string expected = lines({"CEF:one", "CEF:two"});
  EXPECT_EQ(successor.await(expected.size()), expected);
}

TEST_F(NamedReceiver, keeps_its_address_when_the_name_is_not_known_any_more) {
  TcpReceiver old(0, 0, "127.0.0.2");
  const auto sink = make_named(old.port(), SyslogOptions::Transport::tcp);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  names.fails = true;
  let_time_pass();
  ASSERT_TRUE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  EXPECT_GE(names.asked, 2);
  EXPECT_EQ(old.await(lines({"CEF:one", "CEF:two"}).size()), lines({"CEF:one", "CEF:two"}));
  EXPECT_EQ(old.connections(), 1);
  // And when it has to be connected again.
  old.close_connections();
  ASSERT_TRUE(sink->deliver(make_payload("c", {"CEF:three"}), {}));
  const std::string last = lines({"CEF:three"});
  for (int i = 0; i < 1000 && !old.received().ends_with(last); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_THAT(old.received(), testing::EndsWith(last));
  EXPECT_GE(old.connections(), 2);
}

TEST_F(NamedReceiver, with_several_addresses_is_found_at_the_one_that_answers) {
  TcpReceiver receiver(0, 0, "127.0.0.3");
  names.answer = {"127.0.0.2", "127.0.0.3", "127.0.0.4"};
  const auto sink = make_named(receiver.port(), SyslogOptions::Transport::tcp);
  const auto delivery = sink->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(receiver.await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
}

TEST_F(NamedReceiver, whose_first_address_resets_is_found_at_the_second) {
  // It accepts and closes at once.
  TcpReceiver broken(0, 0, "127.0.0.2");
  broken.let_accept_only_to_reset();
  TcpReceiver receiver(broken.port(), 0, "127.0.0.3");
  names.answer = {"127.0.0.2", "127.0.0.3"};
  const auto sink = make_named(broken.port(), SyslogOptions::Transport::tcp);
  const auto delivery = sink->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  // The kernel of the first may have acknowledged it before the reset: then it is in doubt.
  std::this_thread::sleep_for(20ms);
  ASSERT_TRUE(sink->deliver(make_payload("", {}), {}));
  EXPECT_EQ(receiver.await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
}

TEST_F(NamedReceiver, is_followed_over_udp_though_the_old_address_stays_silent) {
  UdpReceiver old(0, "127.0.0.2");
  UdpReceiver successor(old.port(), "127.0.0.3");
  const auto sink = make_named(old.port(), SyslogOptions::Transport::udp);
  ASSERT_TRUE(sink->deliver(make_payload("a", {"CEF:one"}), {}));
  EXPECT_EQ(old.take(), "<166>Nov 24 16:08:23 collector CEF:one");
  names.answer = {"127.0.0.3"};
  let_time_pass();
  ASSERT_TRUE(sink->deliver(make_payload("b", {"CEF:two"}), {}));
  EXPECT_EQ(successor.take(), "<166>Nov 24 16:08:23 collector CEF:two");
  EXPECT_EQ(old.take(0), "");
}

TEST_F(NamedReceiver, whose_first_address_refuses_datagrams_is_found_at_the_second) {
  UdpReceiver receiver(0, "127.0.0.3");
  names.answer = {"127.0.0.2", "127.0.0.3"};
  const auto sink = make_named(receiver.port(), SyslogOptions::Transport::udp);
  const auto refused = sink->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::destination_unreachable);
  const auto delivery = sink->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->resent, 1U);
  EXPECT_EQ(receiver.take(), "<166>Nov 24 16:08:23 collector CEF:one");
}

TEST_F(SyslogSinkTest, ipv6_is_as_good) {
  TcpReceiver stream(0, 0, "::1");
  EXPECT_THAT(stream.address(), testing::StartsWith("[::1]:"));
  const auto over_tcp = make(options_for(stream.address()))->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_TRUE(over_tcp) << over_tcp.error().text();
  EXPECT_EQ(stream.await(lines({"CEF:one"}).size()), lines({"CEF:one"}));
  UdpReceiver datagrams(0, "::1");
  auto options = options_for(datagrams.address());
  options.transport = SyslogOptions::Transport::udp;
  const auto over_udp = make(options)->deliver(make_payload("a", {"CEF:one"}), {});
  ASSERT_TRUE(over_udp) << over_udp.error().text();
  EXPECT_EQ(datagrams.take(), "<166>Nov 24 16:08:23 collector CEF:one");
}

}  // namespace
}  // namespace capstan::sinks
