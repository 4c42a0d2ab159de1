// Every sink ends its attempts in time whatever the other side does, and takes whatever receipt it is given.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "contract.h"

namespace capstan::contract {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// A port on 127.0.0.1: one that listens and never reads, or one where nobody listens any more.
class Port {
public:
  explicit Port(bool listens) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int small = 4096;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    // A port that is bound and does not listen refuses, and nobody else can take it meanwhile.
    if (listens) {
      EXPECT_EQ(::listen(fd_, 16), 0);
    }
    number_ = ntohs(address.sin_port);
  }
  ~Port() { ::close(fd_); }
  Port(const Port&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(number_); }

private:
  int fd_ = -1;
  std::uint16_t number_ = 0;
};

// More than the buffers of a connection that nobody reads can hold.
Payload large_payload() {
  Payload payload;
  payload.id = "large";
  const std::string line(60'000, 'x');
  for (std::size_t i = 0; i < 400; ++i) {
    payload.bytes += "CEF:0|a|b|c|d|e|1|msg=" + line;
    payload.messages.push_back({payload.bytes.size(), from_epoch_ms(1'764'000'000'000), i});
  }
  return payload;
}

struct Made {
  std::string about;
  std::unique_ptr<Sink> sink;
};

// Only what travels differently is tried: each attempt costs its time.
bool travels_differently(const Variation& variation) {
  return variation.name == "example" || variation.name.starts_with("transport") ||
         variation.name.starts_with("framing") || variation.name.starts_with("compression");
}

template <class Use>
void for_every_sink_with(const std::string& option, const std::string& value, FileSystem& files, Use use) {
  for (const auto& kind : app::builtin_components().sinks.all()) {
    if (std::ranges::find(kind.options, option, &config::OptionDescription::name) == kind.options.end()) continue;
    std::size_t made = 0;
    for (auto& variation : variations(kind)) {
      if (!travels_differently(variation)) continue;
      set(variation.options, option, value);
      std::erase_if(variation.options.members, [](const auto& member) { return member.key == "tls"; });
      Workshop workshop(files);
      auto sink = workshop.make(kind, variation.options);
      if (sink == nullptr) continue;
      ++made;
      use(kind.name + ", " + variation.name, *sink);
      sink->close();
    }
    EXPECT_GE(made, 1U) << kind.name;
  }
}

struct SinksAt : testing::Test {
  // How long `attempt` takes.
  template <class Attempt>
  static Duration time(Attempt attempt) {
    const auto begin = SteadyClock::now();
    attempt();
    return std::chrono::duration_cast<Duration>(SteadyClock::now() - begin);
  }
  // The promise is two seconds; sanitizers and two busy cores need more.
  static constexpr Duration in_time = 4s;
  PosixFileSystem files;
  const Payload payload = large_payload();
};

TEST_F(SinksAt, a_dead_address_end_in_time_with_an_error_that_is_tried_again) {
  const Port port(false);
  for_every_sink_with("address", port.address(), files, [&](const std::string& about, Sink& sink) {
    ASSERT_TRUE(sink.resume("").has_value()) << about;
    const Duration took = time([&] {
      const auto delivered = sink.deliver(payload, {.timeout = 1s, .stop = {}});
      if (delivered || about.contains("udp")) return;  // datagrams promise nothing
      EXPECT_EQ(delivered.error().error_class(), ErrorClass::retry) << about << ": " << delivered.error().text();
      EXPECT_NE(delivered.error().text().find(port.address()), std::string::npos) << delivered.error().text();
    });
    EXPECT_LT(took, in_time) << about;
  });
}

TEST_F(SinksAt, a_silent_address_end_when_the_time_is_up) {
  const Port port(true);
  for_every_sink_with("address", port.address(), files, [&](const std::string& about, Sink& sink) {
    ASSERT_TRUE(sink.resume("").has_value()) << about;
    const Duration took = time([&] {
      const auto delivered = sink.deliver(payload, {.timeout = 500ms, .stop = {}});
      if (!about.contains("udp")) {
        EXPECT_FALSE(delivered.has_value()) << about << ": nobody has read this";
      }
    });
    EXPECT_LT(took, in_time) << about;
    EXPECT_LT(time([&] { (void)sink.probe({.timeout = 500ms, .stop = {}}); }), in_time) << about;
  });
}

TEST_F(SinksAt, a_silent_address_end_when_they_are_stopped) {
  const Port port(true);
  for_every_sink_with("address", port.address(), files, [&](const std::string& about, Sink& sink) {
    ASSERT_TRUE(sink.resume("").has_value()) << about;
    std::stop_source stop;
    const std::jthread stopper([&] {
      std::this_thread::sleep_for(200ms);
      stop.request_stop();
    });
    EXPECT_LT(time([&] { (void)sink.deliver(payload, {.timeout = 60s, .stop = stop.get_token()}); }), in_time) << about;
  });
}

TEST_F(SinksAt, any_receipt_work_or_say_why_not) {
  const std::string directory = testing::TempDir() + "capstan_contract_" + std::to_string(::getpid());
  std::filesystem::create_directories(directory);
  for (const auto& kind : app::builtin_components().sinks.all()) {
    for (const std::string receipt : {"", "not a receipt", "{", "{\"file\":-1}", "99999999999999999999 \xff"}) {
      SCOPED_TRACE(kind.name + ": " + receipt);
      Workshop workshop(files);
      auto options = variations(kind).front().options;
      if (options.find("path") != nullptr) set(options, "path", directory + "/out");
      const auto sink = workshop.make(kind, options);
      ASSERT_NE(sink, nullptr) << text(workshop.findings);
      const auto resumed = sink->resume(receipt);
      if (receipt.empty()) {
        EXPECT_TRUE(resumed.has_value()) << resumed.error().text();
      }
      if (!resumed) {
        EXPECT_NE(resumed.error().code(), ErrorCode::internal);
        EXPECT_GE(resumed.error().sentence().size(), 10U);
      }
      sink->close();
      sink->close();  // again is harmless
    }
  }
  std::filesystem::remove_all(directory);
}

TEST_F(SinksAt, a_path_deliver_all_and_give_a_receipt_to_go_on_from) {
  const std::string directory = testing::TempDir() + "capstan_contract_path_" + std::to_string(::getpid());
  std::filesystem::create_directories(directory);
  for_every_sink_with("path", directory + "/out", files, [&](const std::string& about, Sink& sink) {
    ASSERT_TRUE(sink.resume("").has_value()) << about;
    const auto delivered = sink.deliver(payload, {.timeout = 20s, .stop = {}});
    ASSERT_TRUE(delivered.has_value()) << about << ": " << delivered.error().text();
    EXPECT_EQ(delivered->accepted + delivered->rejected.size(), payload.messages.size()) << about;
    EXPECT_LE(delivered->cut + delivered->resent, 2 * delivered->accepted) << about;
  });
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace capstan::contract
