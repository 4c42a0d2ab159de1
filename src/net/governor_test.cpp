#include "net/governor.h"

#include <gtest/gtest.h>

#include <vector>

namespace capstan::net {
namespace {

class HandClock final : public Clock {
public:
  Timestamp now() const override { return {}; }
  MonotonicTime monotonic() const override { return MonotonicTime{std::chrono::hours(5) + passed}; }
  std::chrono::milliseconds passed{0};
};

class GovernorTest : public testing::Test {
protected:
  HandClock clock;
};

TEST_F(GovernorTest, NeverGrantsMoreThanTheBudgetInAnySixtySeconds) {
  Governor governor(clock, 25);
  std::vector<std::chrono::milliseconds> granted;
  std::uint64_t state = 1;
  while (granted.size() < 500) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    clock.passed += std::chrono::milliseconds((state >> 33) % 5000);
    if (governor.acquire(Urgency::activities) == Duration::zero()) granted.push_back(clock.passed);
    EXPECT_LE(governor.recent(), 25U);
  }
  for (std::size_t i = 25; i < granted.size(); ++i) EXPECT_GE(granted[i] - granted[i - 25], std::chrono::seconds(60));
}

TEST_F(GovernorTest, ASuccessorCountsWhatItsPredecessorGranted) {
  Governor before(clock, 2);
  EXPECT_EQ(before.acquire(Urgency::activities), Duration::zero());
  clock.passed += std::chrono::seconds(10);
  EXPECT_EQ(before.acquire(Urgency::activities), Duration::zero());
  Governor after(clock, 2);
  after.go_on_from(before);
  EXPECT_EQ(after.recent(), 2U);
  EXPECT_EQ(after.acquire(Urgency::activities), Duration(std::chrono::seconds(50)));
  before.pause(std::chrono::minutes(5));
  after.go_on_from(before);
  EXPECT_EQ(after.acquire(Urgency::activities), Duration(std::chrono::minutes(5)));
}

TEST_F(GovernorTest, TheWaitItNamesIsExact) {
  Governor governor(clock, 2);
  EXPECT_EQ(governor.acquire(Urgency::activities), Duration::zero());
  clock.passed += std::chrono::seconds(10);
  EXPECT_EQ(governor.acquire(Urgency::activities), Duration::zero());
  const Duration wait = governor.acquire(Urgency::activities);
  EXPECT_EQ(wait, std::chrono::seconds(50));
  clock.passed += wait - Duration(1);
  EXPECT_GT(governor.acquire(Urgency::activities), Duration::zero());
  clock.passed += Duration(1);
  EXPECT_EQ(governor.acquire(Urgency::activities), Duration::zero());
}

TEST_F(GovernorTest, WhoeverIsMoreUrgentComesFirst) {
  Governor governor(clock, 1);
  EXPECT_EQ(governor.acquire(Urgency::sweep), Duration::zero());
  EXPECT_GT(governor.acquire(Urgency::alerts), Duration::zero());
  clock.passed += std::chrono::seconds(59);
  EXPECT_GT(governor.acquire(Urgency::alerts), Duration::zero());
  clock.passed += std::chrono::seconds(2);
  EXPECT_GT(governor.acquire(Urgency::activities), Duration::zero()) << "alerts were told to wait";
  EXPECT_EQ(governor.acquire(Urgency::alerts), Duration::zero());
}

unsigned granted(Governor& governor, Urgency urgency, int tries = 100) {
  unsigned count = 0;
  for (int i = 0; i < tries; ++i) count += governor.acquire(urgency) == Duration::zero() ? 1 : 0;
  return count;
}

TEST_F(GovernorTest, ProofLeavesAQuarterOfTheMinuteUntouched) {
  Governor governor(clock, 24);
  EXPECT_EQ(granted(governor, Urgency::proof), 18U);
  // Whoever is more urgent finds the quarter, at once.
  EXPECT_EQ(granted(governor, Urgency::activities, 6), 6U);
  clock.passed += std::chrono::seconds(60);
  // What others ask for leaves less to it.
  EXPECT_EQ(granted(governor, Urgency::activities, 15), 15U);
  EXPECT_EQ(granted(governor, Urgency::proof), 3U);
  clock.passed += std::chrono::seconds(60);
  EXPECT_EQ(granted(governor, Urgency::activities, 18), 18U);
  EXPECT_EQ(granted(governor, Urgency::proof), 0U);
  // And the wait that it is told is exact.
  EXPECT_EQ(governor.acquire(Urgency::proof), std::chrono::seconds(60));
}

TEST_F(GovernorTest, ProofWaitsWhileAnybodyElseHasToWait) {
  Governor governor(clock, 2);
  EXPECT_EQ(granted(governor, Urgency::activities, 3), 2U);  // the third was told to wait
  clock.passed += std::chrono::seconds(59);
  EXPECT_EQ(granted(governor, Urgency::proof), 0U);
  clock.passed += std::chrono::seconds(1);
  EXPECT_EQ(governor.acquire(Urgency::activities), Duration::zero());
}

TEST_F(GovernorTest, SweepsAndInventoriesCannotStarveAlertsAndActivities) {
  Governor governor(clock, 24);
  for (int minute = 0; minute < 10; ++minute) {
    const unsigned inventory = granted(governor, Urgency::inventory);
    const unsigned sweep = granted(governor, Urgency::sweep);
    EXPECT_EQ(inventory + sweep, 18U);
    // Others that wait do not keep the more urgent ones from their quarter.
    EXPECT_EQ(granted(governor, Urgency::activities, 6), 6U);
    clock.passed += std::chrono::seconds(60);
  }
  // Activities that use all of it do not count against them, but come first.
  EXPECT_EQ(granted(governor, Urgency::activities, 20), 20U);
  EXPECT_EQ(granted(governor, Urgency::inventory), 4U);
}

TEST_F(GovernorTest, EveryUrgencyGetsSomethingOfTheSmallestBudget) {
  for (const auto urgency : {Urgency::alerts, Urgency::inventory, Urgency::sweep, Urgency::proof}) {
    Governor governor(clock, 1);
    EXPECT_EQ(granted(governor, urgency), 1U);
  }
}

TEST_F(GovernorTest, WhoDoesNotComeBackIsForgottenAfterAMinute) {
  Governor governor(clock, 1);
  EXPECT_EQ(governor.acquire(Urgency::activities), Duration::zero());
  EXPECT_GT(governor.acquire(Urgency::alerts), Duration::zero());
  clock.passed += std::chrono::seconds(60);
  EXPECT_EQ(governor.acquire(Urgency::activities), Duration::zero());
}

TEST_F(GovernorTest, APauseHoldsEveryoneAndTheLongestWins) {
  Governor governor(clock, 25);
  governor.pause(std::chrono::seconds(40));
  governor.pause(std::chrono::seconds(5));
  EXPECT_EQ(governor.acquire(Urgency::alerts), std::chrono::seconds(40));
  EXPECT_EQ(governor.pauses(), 2U);
  clock.passed += std::chrono::seconds(40);
  EXPECT_EQ(governor.acquire(Urgency::alerts), Duration::zero());
}

}  // namespace
}  // namespace capstan::net
