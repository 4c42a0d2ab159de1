#include "stdout_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <future>

#include "payload_for_test.h"

namespace capstan::sinks {
namespace {

using namespace std::chrono_literals;

// Waits look for a stop every 50 ms; the rest is for a machine that is busy with other tests. What is stopped here
// would last far longer.
constexpr auto prompt = 1500ms;

class StdoutSinkTest : public testing::Test {
protected:
  StdoutSinkTest() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
  ~StdoutSinkTest() override {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t count = ::read(ends[0], bytes.data() + got, size - got);
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
  }
  void stop_reading() { ::close(std::exchange(ends[0], -1)); }

  std::array<int, 2> ends{-1, -1};
  std::shared_ptr<StdoutTurn> turn = std::make_shared<StdoutTurn>();
};

TEST_F(StdoutSinkTest, writes_one_message_a_line) {
  StdoutSink sink(ends[1], turn);
  ASSERT_TRUE(sink.resume(""));
  ASSERT_TRUE(sink.probe({}));
  const auto delivery = sink.deliver(make_payload("a", {"one", "two\nlines"}), {});
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->accepted, 2U);
  EXPECT_EQ(read(14), "one\ntwo lines\n");
}

TEST_F(StdoutSinkTest, a_reader_that_went_away_holds_the_route_and_raises_no_signal) {
  stop_reading();
  StdoutSink sink(ends[1], turn);
  ASSERT_FALSE(sink.probe({}));
  const auto delivery = sink.deliver(make_payload("a", {"one"}), {});
  ASSERT_FALSE(delivery);
  EXPECT_EQ(delivery.error().code(), ErrorCode::output_closed);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST_F(StdoutSinkTest, a_delivery_that_was_broken_off_goes_on_where_it_stopped) {
  StdoutSink sink(ends[1], turn);
  const auto payload = make_payload("a", {std::string(100'000, 'x'), "end"});  // more than a pipe takes
  const auto begin = std::chrono::steady_clock::now();
  const auto slow = sink.deliver(payload, {100ms, {}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(slow);
  EXPECT_EQ(slow.error().code(), ErrorCode::destination_slow);
  auto all = std::async(std::launch::async, [&] { return read(100'005); });
  ASSERT_TRUE(sink.deliver(payload, {}));
  EXPECT_EQ(all.get(), std::string(100'000, 'x') + "\nend\n");
}

TEST_F(StdoutSinkTest, a_stop_is_seen_at_once) {
  StdoutSink sink(ends[1], turn);
  std::stop_source stop;
  auto delivered = std::async(std::launch::async, [&] {
    return sink.deliver(make_payload("a", {std::string(100'000, 'x')}), {30s, stop.get_token()});
  });
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  stop.request_stop();
  const auto result = delivered.get();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, prompt);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::interrupted);
}

TEST_F(StdoutSinkTest, two_routes_do_not_tear_each_others_lines) {
  const auto deliver = [&](char letter) {
    StdoutSink sink(ends[1], turn);
    for (int i = 0; i < 20; ++i)
      if (!sink.deliver(make_payload(std::to_string(i), {std::string(20'000, letter)}), {})) return false;
    return true;
  };
  auto one = std::async(std::launch::async, deliver, '1');
  auto other = std::async(std::launch::async, deliver, '2');
  for (int i = 0; i < 40; ++i) {
    const std::string line = read(20'001);
    ASSERT_EQ(line, std::string(20'000, line[0]) + "\n");
  }
  EXPECT_TRUE(one.get());
  EXPECT_TRUE(other.get());
}

TEST_F(StdoutSinkTest, a_line_that_was_broken_off_is_ended_before_another_route_writes) {
  StdoutSink other(ends[1], turn);
  std::size_t taken = 0;
  {
    StdoutSink sink(ends[1], turn);
    ASSERT_FALSE(sink.deliver(make_payload("a", {std::string(100'000, 'x')}), {100ms, {}}));
    const auto refused = other.deliver(make_payload("b", {"two"}), {100ms, {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::destination_slow);
    int size = 0;
    ASSERT_EQ(::ioctl(ends[0], FIONREAD, &size), 0);
    taken = static_cast<std::size_t>(size);
  }
  EXPECT_EQ(read(taken), std::string(taken, 'x'));
  ASSERT_TRUE(other.deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(read(5), "\ntwo\n");
}

// As prepare_process() leaves a standard output that was closed.
TEST_F(StdoutSinkTest, a_closed_output_holds_the_route) {
  const int closed = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  StdoutSink sink(closed, turn);
  const auto delivery = sink.deliver(make_payload("a", {"one"}), {});
  ASSERT_FALSE(delivery);
  EXPECT_EQ(delivery.error().code(), ErrorCode::output_closed);
  EXPECT_FALSE(sink.probe({}));
  ::close(closed);
}

}  // namespace
}  // namespace capstan::sinks
