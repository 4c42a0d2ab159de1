// Whatever a receiver does with its connections, something gets through on every one of them, nothing is lost that the
// window covers, and each double was counted. The oracle is the receiver: it knows what it has read and how often.
//
// By command: CAPSTAN_CLOSERS=2000 build/release/tests/receivers/receivers_test --gtest_filter='ClosingReceivers.*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "closing_receiver.h"
#include "payload_for_test.h"
#include "syslog_sink.h"

namespace capstan::receivers {
namespace {

using namespace std::chrono_literals;
using sinks::SyslogOptions;

constexpr std::size_t message_size_max = 700;
// Header, frame, and one byte: a receiver of less than one message can be given nothing.
constexpr std::size_t more_than_a_message = message_size_max + 100;

// One tenant's events, numbered, and the tries that they cost.
class Road {
public:
  Road(const SyslogOptions& options, std::uint64_t seed) : sink_(options, clock_), random_(seed) {
    sink_.before_resend([this](std::uint64_t messages) -> Result<> {
      counted += messages;
      return {};
    });
  }

  // Delivers so many messages as a route does: a payload comes again until it is delivered, halved when it is to be.
  // False when there is no progress in so many attempts.
  bool deliver(std::size_t messages) {
    std::size_t limit = 64;
    for (std::size_t sent = 0; sent < messages;) {
      const std::size_t size = std::min({messages - sent, limit, 1 + random_() % 64});
      std::size_t cut = size;
      int attempts = 0;
      for (;;) {
        const Payload payload = make(number_, cut);
        const std::size_t first = sink_.has_delivered(payload);
        const auto delivery = sink_.deliver(payload, {2s, {}});
        count(first, delivery ? cut : sink_.may_have_arrived());
        if (delivery) {
          resent += delivery->resent;
          break;
        }
        last_error = delivery.error().text();
        if (delivery.error().error_class() == ErrorClass::split && cut > 1)
          cut /= 2;
        else if (++attempts > attempts_max)
          return false;
        else if (delivery.error().code() == ErrorCode::destination_unreachable)
          std::this_thread::sleep_for(1ms);  // nobody listens; a route waits longer
      }
      number_ += cut;
      sent += cut;
      limit = 64;
    }
    return true;
  }
  std::size_t delivered() const { return number_; }
  std::string message(std::size_t number) const {
    std::mt19937_64 own(number);
    return fmt::format("CEF:0|{}|", number) +
           std::string(1 + own() % (message_size_max - 20), static_cast<char>('a' + number % 26));
  }
  void close() {
    for (int i = 0; i < 50; ++i) {
      if (sink_.settle({2s, {}})) break;
    }
    sink_.close();
  }

  std::uint64_t resent = 0;   // as the sink tells it with each delivery
  std::uint64_t counted = 0;  // as a route counts it, before anything goes out
  std::string last_error;

private:
  static constexpr int attempts_max = 400;

  // What a route does with an attempt that may have brought the messages [first, arrived) of the payload.
  void count(std::size_t first, std::size_t arrived) {
    for (std::size_t i = first; i < arrived; ++i) counted += sent_.insert(number_ + i).second ? 0 : 1;
  }

  Payload make(std::size_t first, std::size_t count) const {
    Payload payload;
    for (std::size_t i = 0; i < count; ++i) {
      payload.bytes += message(first + i);
      payload.messages.push_back({payload.bytes.size(), from_epoch_ms(1'764'000'503'045), i});
    }
    return payload;
  }

  SystemClock clock_;
  sinks::SyslogSink sink_;
  std::mt19937_64 random_;
  std::size_t number_ = 0;
  std::set<std::size_t> sent_;
};

struct Case {
  Framing framing = Framing::lf;
  bool is_tls = false;
  Bytes window = 4_MiB;
};

class ClosingReceivers : public testing::Test {
protected:
  ClosingReceivers() {
    const std::string pem = authority.certificate_pem();
    ca_file = directory.path() + "/ca.pem";
    std::FILE* file = std::fopen(ca_file.c_str(), "w");
    std::fwrite(pem.data(), 1, pem.size(), file);
    std::fclose(file);
  }

  SyslogOptions options_for(const ClosingReceiver& receiver, const Case& one) const {
    SyslogOptions options;
    options.address = receiver.address();
    options.host = "collector";
    options.time_zone = sinks::SyslogZone::utc;
    options.framing = one.framing == Framing::lf ? SyslogOptions::Framing::lf : SyslogOptions::Framing::octet_counting;
    options.resend_window = one.window;
    if (one.is_tls) {
      options.transport = SyslogOptions::Transport::tls;
      options.tls.ca_file = ca_file;
    }
    return options;
  }

  // `habits` choose each connection. `may_lose`: the window is smaller than what a receiver may throw away.
  void run(const Case& one, const ClosingReceiver::Choose& habits, std::uint64_t seed, std::size_t messages,
           bool may_lose = false) {
    ClosingReceiver receiver(one.framing, one.is_tls ? &authority : nullptr, habits, seed);
    Road road(options_for(receiver, one), seed);
    EXPECT_TRUE(road.deliver(messages)) << "no progress behind message " << road.delivered() << ": " << road.last_error;
    receiver.behave([](std::mt19937_64&) { return Habit{}; });
    road.close();

    const auto received = await(receiver, messages);
    std::size_t lost = 0;
    std::uint64_t doubles = 0;
    for (std::size_t i = 0; i < messages; ++i) {
      const auto found = received.find("<166>Nov 24 16:08:23 collector " + road.message(i));
      if (found == received.end())
        ++lost;
      else
        doubles += static_cast<std::uint64_t>(found->second - 1);
    }
    if (!may_lose) {
      EXPECT_EQ(lost, 0U);
    }
    EXPECT_LE(doubles, road.counted);
    EXPECT_LE(road.resent, road.counted);
    EXPECT_LE(received.size(), messages);  // nothing that was never sent, such as half a message joined to another
    totals.messages += messages;
    totals.connections += static_cast<std::uint64_t>(receiver.connections());
    totals.doubles += doubles;
    totals.resent += road.resent;
    totals.counted += road.counted;
    totals.lost += lost;
  }

  // What has come when all has, or when nothing more comes.
  static std::map<std::string, int> await(ClosingReceiver& receiver, std::size_t messages) {
    std::map<std::string, int> received;
    for (int unchanged = 0; unchanged < 10 && received.size() < messages; ++unchanged) {
      std::this_thread::sleep_for(20ms);
      auto now = receiver.received();
      if (now != received) unchanged = 0;
      received = std::move(now);
    }
    return received;
  }

  struct Totals {
    std::uint64_t messages = 0, connections = 0, doubles = 0, resent = 0, counted = 0, lost = 0;
  };
  void print(const char* what) const {
    fmt::print("{}: {} messages over {} connections, {} doubles, {} sent again, {} counted, {} lost\n", what,
               totals.messages, totals.connections, totals.doubles, totals.resent, totals.counted, totals.lost);
  }

  const sinks::OwnDirectory directory;
  const net::test::Identity authority = net::test::make_identity({.common_name = "authority", .is_authority = true});
  std::string ca_file;
  Totals totals;
};

// Messages for some thirty connections.
std::size_t enough(std::size_t messages_a_connection) {
  return std::clamp<std::size_t>(30 * messages_a_connection, 30, 250);
}

std::vector<Case> every_case() {
  std::vector<Case> all;
  for (const Framing framing : {Framing::lf, Framing::octet_counting})
    for (const bool is_tls : {false, true})
      for (const Bytes window : {4_MiB, 8_KiB, 0_B}) all.push_back({framing, is_tls, window});
  return all;
}

TEST_F(ClosingReceivers, that_read_so_many_bytes_get_everything) {
  std::uint64_t seed = 1;
  for (const Case& one : every_case())
    for (const std::size_t bytes : {more_than_a_message, std::size_t{3000}, std::size_t{50'000}}) {
      SCOPED_TRACE(fmt::format("{} bytes, {}, {}, window {}", bytes, one.is_tls ? "tls" : "tcp",
                               one.framing == Framing::lf ? "lf" : "octet counting", to_string(one.window)));
      run(
          one, [bytes](std::mt19937_64&) { return Habit{.bytes_max = bytes}; }, ++seed, enough(bytes / 400),
          one.window < 4_MiB);
    }
  print("bytes");
}

TEST_F(ClosingReceivers, that_read_so_many_messages_get_everything) {
  std::uint64_t seed = 100;
  for (const Case& one : every_case())
    for (const std::size_t messages : {1UL, 2UL, 7UL, 100UL}) {
      SCOPED_TRACE(
          fmt::format("{} messages, {}, window {}", messages, one.is_tls ? "tls" : "tcp", to_string(one.window)));
      // As a program does that takes what there is and counts afterwards.
      run(
          one, [messages](std::mt19937_64&) { return Habit{.messages_max = messages, .read_size = 1500}; }, ++seed,
          enough(messages), one.window < 4_MiB);
    }
  print("messages");
}

TEST_F(ClosingReceivers, that_close_after_a_time_get_everything) {
  std::uint64_t seed = 200;
  for (const Case& one : every_case()) {
    SCOPED_TRACE(fmt::format("{}, window {}", one.is_tls ? "tls" : "tcp", to_string(one.window)));
    run(
        one, [](std::mt19937_64& random) { return Habit{.milliseconds_max = 10 + static_cast<int>(random() % 30)}; },
        ++seed, 250, one.window < 4_MiB);
  }
  print("time");
}

Habit any_habit(std::mt19937_64& random) {
  Habit habit;
  habit.read_size = random() % 2 == 0 ? 65'536 : 1 + random() % 4096;
  switch (random() % 8) {
    case 0:
      break;
    case 1:
      habit.messages_max = 1 + random() % 20;
      break;
    case 2:
      habit.milliseconds_max = 1 + static_cast<int>(random() % 20);
      break;
    case 3:
      habit.reads = false;
      habit.milliseconds_max = 1 + static_cast<int>(random() % 20);
      break;
    case 4:
      habit.resets = true;
      habit.bytes_max = 1 + random() % 20'000;
      break;
    default:
      habit.bytes_max = 1 + random() % (random() % 2 == 0 ? 3000 : 60'000);
      break;
  }
  return habit;
}

TEST_F(ClosingReceivers, of_every_kind_get_everything) {
  const char* asked = std::getenv("CAPSTAN_CLOSERS");
  const std::uint64_t runs = asked == nullptr ? 12 : std::strtoull(asked, nullptr, 10);
  const auto cases = every_case();
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const Case& one = cases[seed % cases.size()];
    SCOPED_TRACE(fmt::format("seed {}, {}, window {}", seed, one.is_tls ? "tls" : "tcp", to_string(one.window)));
    run(one, any_habit, seed, 150, one.window < 4_MiB);
    if (HasFailure()) break;
  }
  print("every kind");
}

TEST_F(ClosingReceivers, that_read_a_megabyte_or_less_get_everything) {
  std::uint64_t seed = 300;
  for (const Bytes window : {4_MiB, 0_B})
    for (const std::size_t bytes : {std::size_t{64} << 10, std::size_t{1} << 20}) {
      SCOPED_TRACE(fmt::format("{} bytes, window {}", bytes, to_string(window)));
      run(
          {.window = window}, [bytes](std::mt19937_64&) { return Habit{.bytes_max = bytes}; }, ++seed, bytes / 50,
          window < 4_MiB);
    }
  print("a megabyte or less");
}

// Read and not stored: a receiver that is killed takes with it what it had read, however properly the connections
// ended. Here it stores nothing in all its lives but the last.
TEST_F(ClosingReceivers, that_die_with_all_that_they_have_read_get_everything_again) {
  std::uint64_t seed = 400;
  for (const bool is_tls : {false, true})
    for (const bool dies_between_payloads : {true, false})
      for (const bool closes_first : {true, false}) {
        SCOPED_TRACE(fmt::format("{}, {}, {}", is_tls ? "tls" : "tcp",
                                 dies_between_payloads ? "between payloads" : "at any time",
                                 closes_first ? "proving" : "lasting"));
        const auto habit = [](std::mt19937_64&) { return Habit{}; };
        ClosingReceiver receiver(Framing::octet_counting, is_tls ? &authority : nullptr, habit, ++seed);
        Road road(options_for(receiver, {Framing::octet_counting, is_tls, 4_MiB}), seed);
        if (closes_first) {
          receiver.behave([](std::mt19937_64&) { return Habit{.bytes_max = 1500}; });
          ASSERT_TRUE(road.deliver(20)) << road.last_error;
          receiver.behave(habit);
        }
        const std::size_t first = road.delivered();  // what came before was repeated already
        std::mt19937_64 random(seed);
        for (std::uint32_t life = 0; life < sinks::ResendWindow::repeats_max; ++life) {
          std::jthread dying;
          if (!dies_between_payloads)
            dying = std::jthread([&receiver, after = random() % 10] {
              std::this_thread::sleep_for(std::chrono::milliseconds(after));
              receiver.die();
            });
          ASSERT_TRUE(road.deliver(1 + random() % 200)) << road.last_error;
          if (dies_between_payloads) receiver.die();
        }
        ASSERT_TRUE(road.deliver(1)) << road.last_error;
        road.close();
        const auto received = await(receiver, road.delivered());
        std::size_t lost = 0;
        for (std::size_t i = first; i < road.delivered(); ++i)
          lost += received.contains("<166>Nov 24 16:08:23 collector " + road.message(i)) ? 0 : 1;
        EXPECT_EQ(lost, 0U) << "of " << road.delivered();
      }
}

// A proxy whose receiver behind it is down accepts, reads nothing and closes.
TEST_F(ClosingReceivers, that_never_read_get_nothing_new_and_lose_nothing) {
  ClosingReceiver receiver(Framing::lf, nullptr, [](std::mt19937_64&) { return Habit{}; }, 1);
  Road road(options_for(receiver, {}), 1);
  ASSERT_TRUE(road.deliver(50));
  receiver.behave([](std::mt19937_64&) { return Habit{.milliseconds_max = 5, .reads = false}; });
  receiver.die();  // with the connection that it still read from
  EXPECT_FALSE(road.deliver(1000));
  // What a first connection could take before its reset was seen, and nothing afterwards.
  EXPECT_LT(road.delivered(), 200U);
  receiver.behave([](std::mt19937_64&) { return Habit{}; });
  ASSERT_TRUE(road.deliver(100));
  road.close();
  const std::size_t all = road.delivered();
  const auto received = await(receiver, all);
  for (std::size_t i = 0; i < all; ++i)
    EXPECT_TRUE(received.contains("<166>Nov 24 16:08:23 collector " + road.message(i))) << i;
}

}  // namespace
}  // namespace capstan::receivers
