#include "proof_schedule.h"

#include <gtest/gtest.h>

#include <random>

namespace capstan::runtime {
namespace {

using store::Proof;
using store::ProofFeed;
using store::ProofWindow;
using namespace std::chrono_literals;

const std::vector<Duration> ages{1h, 6h, 12h, 24h, 72h, 168h, 720h};
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t first_hour = 490'000;

Timestamp at(double hours) { return from_epoch_ms(first_hour * hour_ms + static_cast<std::int64_t>(hours * hour_ms)); }

// Compares whatever is due at `now`; gives the windows that were compared.
std::vector<ProofSchedule::Due> compare_all(const ProofSchedule& schedule, ProofFeed& feed, Timestamp now,
                                            std::uint64_t records = 0) {
  std::vector<ProofSchedule::Due> compared;
  while (const auto due = schedule.due(feed, now)) {
    compared.push_back(*due);
    std::vector<ProofWindow> found;
    for (Timestamp from = due->from; from < due->to;) {
      ProofWindow window;
      window.from = from;
      window.to = std::min<Timestamp>(due->to, std::chrono::floor<std::chrono::hours>(from) + 1h);
      window.outcome = Proof::proved;
      window.shown = window.journaled = records;
      window.ages_passed = schedule.ages_passed(window.to, now);
      window.checked_at = now;
      found.push_back(window);
      from = found.back().to;
    }
    put_windows(feed, due->from, due->to, std::move(found));
    merge_quiet_windows(feed);
    if (compared.size() > 1000) {
      ADD_FAILURE() << "it never ends";
      break;
    }
  }
  return compared;
}

TEST(ProofSchedule, an_hour_is_compared_when_it_is_as_old_as_the_first_age) {
  const ProofSchedule schedule(ages);
  ProofFeed feed;
  feed.since = at(0);
  EXPECT_FALSE(schedule.due(feed, at(1.99)).has_value());
  EXPECT_EQ(schedule.next_at(feed, at(1.5)), at(2));
  const auto compared = compare_all(schedule, feed, at(2));
  ASSERT_EQ(compared.size(), 1U);
  EXPECT_EQ(compared[0].from, at(0));
  EXPECT_EQ(compared[0].to, at(1));
  EXPECT_EQ(schedule.next_at(feed, at(2)), at(3));
}

TEST(ProofSchedule, a_feed_that_begins_within_an_hour_is_compared_from_there) {
  const ProofSchedule schedule(ages);
  ProofFeed feed;
  feed.since = at(0.5);
  const auto compared = compare_all(schedule, feed, at(3));
  ASSERT_EQ(compared.size(), 1U);
  EXPECT_EQ(compared[0].from, at(0.5));
  EXPECT_EQ(compared[0].to, at(2));
  EXPECT_EQ(feed.proved_until(), at(2));
}

// Whatever hour a record was saved in: it is asked for at every age, never more than a quarter of it (at least an hour)
// and the hour itself late.
TEST(ProofSchedule, every_hour_is_compared_at_every_age) {
  const ProofSchedule schedule(ages);
  ProofFeed feed;
  feed.since = at(0);
  std::vector<std::vector<Timestamp>> compared_at(100);
  for (double now = 0; now < 1000; now += 0.25)
    for (const auto& due : compare_all(schedule, feed, at(now), 1))
      for (std::size_t hour = 0; hour < compared_at.size(); ++hour)
        if (due.from <= at(static_cast<double>(hour)) && at(static_cast<double>(hour) + 1) <= due.to)
          compared_at[hour].push_back(at(now));
  for (std::size_t hour = 0; hour < compared_at.size(); ++hour) {
    const Timestamp end = at(static_cast<double>(hour) + 1);
    for (const Duration age : ages) {
      const Duration allowed = std::max<Duration>(age / 2, 2h);  // of a stretched age
      EXPECT_TRUE(std::ranges::any_of(compared_at[hour],
                                      [&](Timestamp t) { return t >= end + age && t <= end + age + allowed; }))
          << "hour " << hour << ", age " << to_string(age);
    }
    EXPECT_EQ(compared_at[hour].size(), ages.size()) << hour;
  }
}

TEST(ProofSchedule, a_quiet_feed_asks_little_and_has_a_small_ledger) {
  const ProofSchedule schedule(ages);
  ProofFeed feed;
  feed.since = at(0);
  std::size_t before = 0;
  std::size_t questions = 0;
  for (double now = 0; now < 40 * 24; now += 0.25) {
    if (now == 39 * 24) before = questions;
    questions += compare_all(schedule, feed, at(now)).size();
    forget_windows_before(feed, at(now) - 32 * 24h);
  }
  EXPECT_LE(questions - before, 60U);
  EXPECT_LE(feed.windows.size(), 12U);
  EXPECT_GT(feed.since, at(0));
  EXPECT_EQ(feed.proved_until(), at(40 * 24 - 2));
}

TEST(ProofSchedule, after_a_long_pause_a_day_is_compared_at_once_and_has_all_its_ages) {
  const ProofSchedule schedule(ages);
  ProofFeed feed;
  feed.since = at(0);
  const auto compared = compare_all(schedule, feed, at(24 * 10), 3);
  EXPECT_LE(compared.size(), 11U);
  for (const auto& due : compared) EXPECT_LE(due.to - due.from, Duration(24h));
  EXPECT_EQ(feed.windows.front().ages_passed, 6U);
  EXPECT_FALSE(schedule.due(feed, at(24 * 10)).has_value());
}

// What was found at an age keeps its blocks short; one that finds nothing is stretched, and still compared.
TEST(ProofSchedule, an_age_that_never_finds_anything_is_stretched) {
  const ProofSchedule schedule(ages);
  std::size_t questions[2] = {};
  for (const std::uint32_t found_at_age : {0U, 7U}) {
    ProofFeed feed;
    feed.since = at(0);
    for (double now = 0; now < 45 * 24; now += 0.5) {
      questions[found_at_age == 0 ? 0 : 1] += compare_all(schedule, feed, at(now), 1).size();
      for (ProofWindow& window : feed.windows) window.found_at_age = found_at_age;
    }
  }
  EXPECT_LT(questions[0], questions[1]);
}

TEST(ProofSchedule, windows_are_replaced_cut_and_merged_without_holes) {
  std::mt19937_64 random(7);
  ProofFeed feed;
  feed.since = at(0);
  for (int hour = 0; hour < 48; ++hour) {
    ProofWindow window;
    window.from = at(hour);
    window.to = at(hour + 1);
    window.outcome = Proof::proved;
    window.ages_passed = 1;
    window.repaired = hour == 20 ? 5 : 0;
    feed.windows.push_back(window);
  }
  merge_quiet_windows(feed);
  EXPECT_EQ(feed.windows.size(), 3U);
  for (int i = 0; i < 300; ++i) {
    const auto from = static_cast<int>(random() % 47);
    const auto to = from + 1 + static_cast<int>(random() % static_cast<unsigned>(48 - from));
    std::vector<ProofWindow> found;
    for (int hour = from; hour < to; ++hour) {
      ProofWindow window;
      window.from = at(hour);
      window.to = at(hour + 1);
      window.outcome = Proof::proved;
      window.shown = random() % 3 == 0 ? 1 : 0;
      window.ages_passed = static_cast<std::uint32_t>(random() % 4 + 1);
      found.push_back(window);
    }
    put_windows(feed, at(from), at(to), std::move(found));
    merge_quiet_windows(feed);
    std::uint64_t repaired = 0;
    Timestamp expected = at(0);
    for (const ProofWindow& window : feed.windows) {
      EXPECT_EQ(window.from, expected);
      EXPECT_LT(window.from, window.to);
      expected = window.to;
      repaired += window.repaired;
    }
    EXPECT_EQ(expected, at(48));
    EXPECT_EQ(repaired, 5U);
  }
}

}  // namespace
}  // namespace capstan::runtime
