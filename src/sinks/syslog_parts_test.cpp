// The parts of the syslog sink one by one: which address, how fast, what of a payload is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "destination.h"
#include "frames.h"
#include "payload_for_test.h"
#include "payload_progress.h"
#include "token_bucket.h"

namespace capstan::sinks {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// --- Frames

Frames frames_of(const std::vector<std::string>& messages) {
  Frames frames;
  for (const auto& message : messages) {
    frames.bytes += message;
    frames.ends.push_back(frames.bytes.size());
  }
  return frames;
}

TEST(Frames, a_frame_has_begun_with_its_first_byte) {
  const Frames frames = frames_of({"aaa", "bb", "c"});
  EXPECT_EQ(frames.begun(0, 0), 0U);
  EXPECT_EQ(frames.begun(0, 1), 1U);
  EXPECT_EQ(frames.begun(0, 3), 1U);
  EXPECT_EQ(frames.begun(0, 4), 2U);
  EXPECT_EQ(frames.begun(0, 5), 2U);
  EXPECT_EQ(frames.begun(0, 6), 3U);
  EXPECT_EQ(frames.begun(1, 2), 1U);
  EXPECT_EQ(frames.begun(1, 3), 2U);
  EXPECT_EQ(frames.begun(3, 0), 0U);
  EXPECT_EQ(frames.between(1, 3), "bbc");
  EXPECT_EQ(frames.between(0, 0), "");
}

// --- Destination

struct Names {
  std::vector<net::Address> answer;
  bool fails = false;
  int asked = 0;

  Destination::LookUp look_up() {
    return [this](const net::Address& name, const Call&) -> Result<std::vector<net::Address>> {
      ++asked;
      if (fails) return Error(ErrorCode::name_not_resolved, "resolving \"" + name.host + "\": no answer in time");
      return answer;
    };
  }
};

class DestinationTest : public testing::Test {
protected:
  const net::Address a{"192.0.2.1", 514};
  const net::Address b{"192.0.2.2", 514};
  const net::Address c{"192.0.2.3", 514};
  Names names{{a, b}};
  StandingClock clock;
  Destination destination{{"siem.example", 514}, 30s, clock, names.look_up()};
};

TEST_F(DestinationTest, all_addresses_are_tried_in_the_systems_order) {
  EXPECT_THAT(destination.candidates({}).value(), ElementsAre(a, b));
}

TEST_F(DestinationTest, after_a_failure_the_next_address_comes_first) {
  ASSERT_TRUE(destination.candidates({}));
  destination.note_failure(a);
  EXPECT_THAT(destination.candidates({}).value(), ElementsAre(b, a));
  destination.note_failure(b);
  EXPECT_THAT(destination.candidates({}).value(), ElementsAre(a, b));
}

TEST_F(DestinationTest, a_name_is_looked_up_again_while_all_is_well) {
  ASSERT_TRUE(destination.candidates({}));
  names.answer = {c};
  clock.advance(29s);
  EXPECT_FALSE(destination.has_left(a, {}));
  EXPECT_EQ(names.asked, 1);
  clock.advance(1s);
  EXPECT_TRUE(destination.has_left(a, {}));
  EXPECT_EQ(names.asked, 2);
  EXPECT_THAT(destination.candidates({}).value(), ElementsAre(c));
}

TEST_F(DestinationTest, an_address_is_kept_as_long_as_the_name_stands_for_it) {
  ASSERT_TRUE(destination.candidates({}));
  names.answer = {b, a};  // as name servers turn them round
  clock.advance(30s);
  EXPECT_FALSE(destination.has_left(a, {}));
}

TEST_F(DestinationTest, an_address_is_kept_when_nobody_knows_the_name) {
  ASSERT_TRUE(destination.candidates({}));
  names.fails = true;
  clock.advance(30s);
  EXPECT_FALSE(destination.has_left(a, {}));
  EXPECT_THAT(destination.candidates({}).value(), ElementsAre(a, b));
  names.fails = false;
  names.answer = {c};
  clock.advance(30s);
  EXPECT_TRUE(destination.has_left(a, {}));
}

TEST_F(DestinationTest, a_failure_makes_it_look_up_again_but_not_without_end) {
  ASSERT_TRUE(destination.candidates({}));
  clock.advance(2s);
  for (int i = 0; i < 10; ++i) {
    destination.note_failure(a);
    ASSERT_TRUE(destination.candidates({}));
  }
  EXPECT_EQ(names.asked, 2);
}

TEST_F(DestinationTest, a_name_that_was_never_known_is_an_error) {
  names.fails = true;
  const auto candidates = destination.candidates({});
  ASSERT_FALSE(candidates);
  EXPECT_EQ(candidates.error().code(), ErrorCode::name_not_resolved);
}

// --- TokenBucket

TEST(TokenBucket, lets_a_burst_through_and_then_the_rate) {
  TokenBucket bucket(100, 3);
  MonotonicTime now = MonotonicTime(1h);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(bucket.wait(1, now), 0ns);
    bucket.take(1);
  }
  EXPECT_EQ(std::chrono::round<std::chrono::milliseconds>(bucket.wait(1, now)), 10ms);
  now += 10ms;
  EXPECT_LE(bucket.wait(1, now), 1us);
  now += 1h;  // a pause saves up the burst and no more
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(bucket.wait(1, now), 0ns);
    bucket.take(1);
  }
  EXPECT_GT(bucket.wait(1, now), 9ms);
}

TEST(TokenBucket, what_costs_more_than_the_burst_leaves_a_debt) {
  TokenBucket bucket(100, 2);
  const MonotonicTime now = MonotonicTime(1h);
  ASSERT_EQ(bucket.wait(30, now), 0ns);
  bucket.take(30);
  EXPECT_EQ(std::chrono::round<std::chrono::milliseconds>(bucket.wait(1, now)), 290ms);
}

TEST(TokenBucket, without_a_rate_nothing_waits) {
  TokenBucket bucket(0, 1);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(bucket.wait(10, MonotonicTime{}), 0ns);
    bucket.take(10);
  }
}

TEST(TokenBucket, never_exceeds_burst_and_rate_together) {
  TokenBucket bucket(500, 32);
  MonotonicTime now = MonotonicTime(1h);
  const MonotonicTime begin = now;
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto wait = bucket.wait(1, now);
    now += wait;
    if (wait > 0ns) continue;
    bucket.take(1);
    ++taken;
    ASSERT_LE(taken, 32 + 500 * std::chrono::duration<double>(now - begin).count() + 1);
  }
  EXPECT_GT(taken, 5000);
}

// --- PayloadProgress

TEST(PayloadProgress, knows_what_is_done_and_counts_what_goes_out_again) {
  PayloadProgress progress;
  const Payload payload = make_payload("p", {"one", "two", "three", "four"});
  progress.begin(payload);
  EXPECT_EQ(progress.done_of(payload), 0U);
  EXPECT_EQ(progress.note_sent(payload, 0, 3), 0U);
  progress.note_done(0, 2);
  progress.begin(payload);
  EXPECT_EQ(progress.done_of(payload), 2U);
  EXPECT_EQ(progress.done(), 2U);
  EXPECT_EQ(progress.sent_in_attempt(), 0U);
  EXPECT_EQ(progress.note_sent(payload, 2, 4), 1U);
  EXPECT_EQ(progress.sent_in_attempt(), 4U);
  EXPECT_EQ(progress.sent_before(2, 4), 2U);
  progress.finish(payload);
  progress.begin(payload);
  EXPECT_EQ(progress.done_of(payload), 0U);
  EXPECT_EQ(progress.sent_before(0, 4), 0U);
}

TEST(PayloadProgress, holds_for_a_payload_that_is_cut_shorter_and_for_the_rest) {
  PayloadProgress progress;
  const Payload whole = make_payload("p", {"one", "two", "three", "four"});
  progress.begin(whole);
  progress.note_sent(whole, 0, 4);
  progress.note_done(0, 3);
  const Payload first = make_payload("q", {"one", "two"});
  progress.begin(first);
  EXPECT_EQ(progress.done_of(first), 2U);
  progress.finish(first);
  const Payload second = make_payload("r", {"three", "four", "five"});
  progress.begin(second);
  EXPECT_EQ(progress.done_of(second), 1U);
  EXPECT_EQ(progress.sent_before(1, 3), 1U);
}

TEST(PayloadProgress, does_not_hold_for_another_payload) {
  PayloadProgress progress;
  const Payload payload = make_payload("p", {"one", "two", "three"});
  progress.begin(payload);
  progress.note_sent(payload, 0, 3);
  progress.note_done(0, 3);
  const Payload other = make_payload("p", {"one", "2", "three"});
  progress.begin(other);
  EXPECT_EQ(progress.done_of(other), 1U);
  EXPECT_EQ(progress.sent_before(0, 3), 1U);
  const Payload later = make_payload("p", {"one"}, from_epoch_ms(1));
  progress.begin(later);
  EXPECT_EQ(progress.done_of(later), 0U);
}

TEST(PayloadProgress, what_has_not_arrived_after_all_is_not_done) {
  PayloadProgress progress;
  const Payload payload = make_payload("p", {"one", "two"});
  progress.begin(payload);
  progress.note_sent(payload, 0, 2);
  progress.note_done(0, 2);
  progress.doubt_all();
  progress.begin(payload);
  EXPECT_EQ(progress.done_of(payload), 0U);
  EXPECT_EQ(progress.note_sent(payload, 0, 2), 2U);
}

}  // namespace
}  // namespace capstan::sinks
