// The syslog sink against real receivers: every message arrives unchanged, and a receiver that is restarted or killed
// in the middle loses none. UDP promises nothing: what arrives of it is printed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "peer.h"
#include "syslog_sink.h"

namespace capstan::receivers {
namespace {

using namespace std::chrono_literals;
using sinks::SyslogOptions;

struct Setting {
  Program program;
  Transport transport;
};

SyslogOptions options_for(const Peer& peer, Transport transport) {
  SyslogOptions options;
  options.address = peer.address();
  options.host = "collector";
  options.timestamp = sinks::SyslogTime::iso8601;
  options.max_message_bytes = 256_KiB;
  switch (transport) {
    case Transport::tcp_lf:
      break;
    case Transport::tcp_octet_counting:
      options.framing = SyslogOptions::Framing::octet_counting;
      break;
    case Transport::tls:
      options.transport = SyslogOptions::Transport::tls;
      options.tls.ca_file = peer.ca_file();
      options.tls.certificate = Secret(peer.client_pem());
      break;
    case Transport::udp:
      options.transport = SyslogOptions::Transport::udp;
      break;
  }
  return options;
}

constexpr std::string_view header = "<166>2025-11-24T16:08:23.045Z collector ";

// What receivers stumble over: escapes, other scripts, a leading digit, quotes, percent signs, octet counts inside, a
// long message.
std::vector<std::string> awkward_messages(std::size_t long_size) {
  return {
      R"(CEF:0|MCAS|SIEM_Agent|0.298|EVENT_CATEGORY_LOGIN|Log on|0|externalId=1 msg=a\=b C:\\new\\report)",
      R"(CEF:0|MCAS|SIEM_Agent|0.298|X|Пользователь 漢字 🙂|3|externalId=2 suser=josé@contoso.example)",
      R"({"_id":"3","description":"17 <34>1 quoted \"words\" %s %n 100%","nested":{"a":[1,2,3]}})",
      "12 looks like an octet count",
      "<13>looks like a priority",
      "CEF:0|MCAS|x|1|LONG|" + std::string(long_size, 'L') + "|0|externalId=5",
      "x",
  };
}

// Where two long texts part, with a little of both; empty when they are equal.
std::string first_difference(std::string_view received, std::string_view expected) {
  if (received == expected) return {};
  const auto shared = std::min(received.size(), expected.size());
  const auto at = static_cast<std::size_t>(
      std::mismatch(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(shared), expected.begin()).first -
      received.begin());
  return fmt::format("at byte {} of {} (expected {}): \"{}\" instead of \"{}\"", at, received.size(), expected.size(),
                     received.substr(at, 80), expected.substr(at, 80));
}

std::string header_of(std::string_view message) {
  return std::string(header) + (message.starts_with("CEF:") ? "" : "capstan: ");
}

std::string await(const Peer& peer, const std::function<bool(const std::string&)>& is_complete) {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text = peer.received();
    if (is_complete(text)) break;
    std::this_thread::sleep_for(20ms);
  }
  return text;
}

class ReceiverTest : public testing::TestWithParam<Setting> {
protected:
  void SetUp() override {
    if (auto why = Peer::missing(GetParam().program, GetParam().transport)) GTEST_SKIP() << *why;
  }
  SystemClock clock;
};

std::string name_of(const testing::TestParamInfo<Setting>& info) {
  return to_string(info.param.program) + "_" + to_string(info.param.transport);
}

TEST_P(ReceiverTest, every_message_arrives_unchanged) {
  Peer peer(GetParam().program, GetParam().transport);
  peer.start();
  const bool is_udp = GetParam().transport == Transport::udp;
  const auto messages = awkward_messages(is_udp ? 7'000 : 100'000);
  sinks::SyslogSink sink(options_for(peer, GetParam().transport), clock);
  const auto probed = sink.probe({});
  ASSERT_TRUE(probed) << probed.error().text();
  const auto delivery = sink.deliver(sinks::make_payload("a", messages), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->accepted, messages.size());

  std::string expected;
  for (const auto& message : messages) expected += header_of(message) + message + "\n";
  const std::string received = await(peer, [&](const std::string& text) { return text.size() >= expected.size(); });
  EXPECT_EQ(first_difference(received, expected), "");
  sink.close();
  peer.stop(SIGTERM);
  EXPECT_EQ(first_difference(peer.received(), expected), "") << "closing brought or took something";
}

// Numbered messages; the receiver may have torn its own last line when it was killed, so numbers are looked for, not
// lines.
struct Tally {
  std::size_t missing = 0;
  std::size_t doubles = 0;
};

std::string numbered(int number) {
  return fmt::format("CEF:0|MCAS|x|1|E|n|0|externalId=[{}] msg={}", number, std::string(300, 'm'));
}

Tally tally(const std::string& text, int made) {
  std::vector<std::size_t> seen(static_cast<std::size_t>(made));
  for (std::size_t at = text.find("externalId=["); at != std::string::npos; at = text.find("externalId=[", at + 1)) {
    const std::size_t begin = at + std::string_view("externalId=[").size();
    const std::size_t end = text.find(']', begin);
    if (end == std::string::npos || end - begin > 9) continue;
    ++seen.at(std::stoul(text.substr(begin, end - begin)));
  }
  Tally result;
  for (const std::size_t times : seen) {
    if (times == 0) ++result.missing;
    if (times > 1) result.doubles += times - 1;
  }
  return result;
}

class RestartTest : public ReceiverTest {
protected:
  static constexpr int payload_size = 100;
  static constexpr int payloads = 60;
  static constexpr int restart_every = 15;

  // Delivers as the runtime does: again until it is taken. Gives how many messages may be double.
  std::uint64_t deliver(sinks::SyslogSink& sink, int number) {
    std::vector<std::string> messages;
    for (int i = 0; i < payload_size; ++i) messages.push_back(numbered(number * payload_size + i));
    const auto payload = sinks::make_payload(std::to_string(number), messages);
    for (int attempt = 0; attempt < 500; ++attempt) {
      const auto delivery = sink.deliver(payload, {2s, {}});
      if (delivery) return delivery->resent;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "payload " << number << " was never taken";
    return 0;
  }

  void run(int signal) {
    Peer peer(GetParam().program, GetParam().transport);
    peer.start();
    sinks::SyslogSink sink(options_for(peer, GetParam().transport), clock);
    std::uint64_t resent = 0;
    int restarts = 0;
    for (int i = 0; i < payloads; ++i) {
      resent += deliver(sink, i);
      if (i % restart_every != restart_every - 1 || i == payloads - 1) continue;
      // Half of the restarts happen while payloads are under way, half between two of them.
      std::jthread restarting;
      const auto restart = [&] {
        peer.stop(signal);
        peer.start();
      };
      if (++restarts % 2 == 1)
        restart();
      else
        restarting = std::jthread(restart);
      for (int more = 0; more < 3 && i + 1 < payloads - 1; ++more) resent += deliver(sink, ++i);
    }
    constexpr int made = payloads * payload_size;
    const auto result =
        tally(await(peer, [&](const std::string& text) { return tally(text, made).missing == 0; }), made);
    fmt::print("{} {} restarted {} times with signal {}: {} made, {} missing, {} double, {} counted as resent\n",
               to_string(GetParam().program), to_string(GetParam().transport), restarts, signal, made, result.missing,
               result.doubles, resent);
    EXPECT_EQ(result.missing, 0U);
    EXPECT_LE(result.doubles, resent);
    EXPECT_GT(resent, 0U) << "no restart met the sink; the test shows nothing";
  }
};

TEST_P(RestartTest, a_receiver_that_is_restarted_loses_nothing) { run(SIGTERM); }
TEST_P(RestartTest, a_receiver_that_is_killed_loses_nothing) { run(SIGKILL); }

class UdpTest : public ReceiverTest {};

TEST_P(UdpTest, what_arrives_is_measured) {
  Peer peer(GetParam().program, GetParam().transport);
  peer.start();
  sinks::SyslogSink sink(options_for(peer, GetParam().transport), clock);
  constexpr int made = 2'000;
  std::vector<std::string> messages;
  for (int i = 0; i < made; ++i) messages.push_back(numbered(i));
  const auto delivery = sink.deliver(sinks::make_payload("a", messages), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  std::this_thread::sleep_for(500ms);
  const auto result = tally(peer.received(), made);
  fmt::print("{} udp, one burst: {} made, {} arrived\n", to_string(GetParam().program), made,
             made - static_cast<int>(result.missing));
  EXPECT_LT(result.missing, static_cast<std::size_t>(made));
  EXPECT_EQ(result.doubles, 0U);
}

constexpr Setting rsyslog_lf{Program::rsyslog, Transport::tcp_lf};
constexpr Setting rsyslog_octets{Program::rsyslog, Transport::tcp_octet_counting};
constexpr Setting rsyslog_tls{Program::rsyslog, Transport::tls};
constexpr Setting rsyslog_udp{Program::rsyslog, Transport::udp};
constexpr Setting syslog_ng_lf{Program::syslog_ng, Transport::tcp_lf};
constexpr Setting syslog_ng_octets{Program::syslog_ng, Transport::tcp_octet_counting};
constexpr Setting syslog_ng_tls{Program::syslog_ng, Transport::tls};
constexpr Setting syslog_ng_udp{Program::syslog_ng, Transport::udp};

INSTANTIATE_TEST_SUITE_P(real, ReceiverTest,
                         testing::Values(rsyslog_lf, rsyslog_octets, rsyslog_tls, rsyslog_udp, syslog_ng_lf,
                                         syslog_ng_octets, syslog_ng_tls, syslog_ng_udp),
                         name_of);
INSTANTIATE_TEST_SUITE_P(real, RestartTest,
                         testing::Values(rsyslog_lf, rsyslog_octets, rsyslog_tls, syslog_ng_lf, syslog_ng_octets,
                                         syslog_ng_tls),
                         name_of);
INSTANTIATE_TEST_SUITE_P(real, UdpTest, testing::Values(rsyslog_udp, syslog_ng_udp), name_of);

}  // namespace
}  // namespace capstan::receivers
