// Clocks that are wrong, the service's or this machine's: nothing waits for them, nothing is skipped, and it is said.
#include <gtest/gtest.h>

#include "activities_fixture.h"
#include "mdca_server_clock.h"

namespace capstan::mdca {
namespace {

class ClocksTest : public ActivitiesFixture {
protected:
  void pass(std::chrono::milliseconds span) {
    clock.passed += span;
    clock.wall += span;
  }
};

TEST_F(ClocksTest, NoDateStopsAFeedOrMakesItSkip) {
  using std::chrono::hours;
  constexpr int year = 24 * 365;
  std::uint64_t answers = 0;
  const std::vector<std::pair<std::string, std::function<std::optional<hours>()>>> dates{
      {"an hour ahead, then right", [&] { return std::optional(hours(answers++ < 12 ? 1 : 0)); }},
      {"years ahead, then right", [&] { return std::optional(hours(answers++ < 12 ? 5 * year : 0)); }},
      {"years behind, then right", [&] { return std::optional(hours(answers++ < 12 ? -5 * year : 0)); }},
      {"right, then years ahead", [&] { return std::optional(hours(answers++ < 12 ? 0 : 5 * year)); }},
      {"right, then years behind", [&] { return std::optional(hours(answers++ < 12 ? 0 : -5 * year)); }},
      {"right, then a day ahead for a while, then right",
       [&] { return std::optional(hours(++answers > 12 && answers < 40 ? 24 : 0)); }},
      {"always years ahead", [] { return std::optional(hours(5 * year)); }},
      {"always years behind", [] { return std::optional(hours(-5 * year)); }},
      {"one machine of three years ahead", [&] { return std::optional(hours(answers++ % 3 == 1 ? 5 * year : 0)); }},
      {"one machine of three years behind", [&] { return std::optional(hours(answers++ % 3 == 0 ? -5 * year : 0)); }},
      {"every other one wrong", [&] { return std::optional(hours(answers++ % 2 == 0 ? 7 : 0)); }},
      {"jumping about", [&] { return std::optional(hours(static_cast<int>(answers++ * 7919 % 2001) - 1000)); }},
      {"at times none", [&] { return answers++ % 3 == 0 ? std::optional(hours(0)) : std::nullopt; }},
      {"none", [] { return std::optional<hours>(); }},
  };
  for (const auto& [name, ahead] : dates) {
    SCOPED_TRACE(name);
    answers = 0;
    list.clear();
    tenant.next_date_ahead = ahead;
    clock.wall = from_epoch_ms(now());
    fill(300, now() - day, 60'000);
    Collector collector(tenant, clock, only_activities);
    collector.drain();
    for (int i = 0; i < 60; ++i) {
      clock.wall += std::chrono::minutes(1);
      live(collector, 1);
      // Nothing waits for a clock.
      EXPECT_EQ(collector.ids("activities"), list.size()) << "minute " << i;
    }
    EXPECT_LE(tenant.asked.size(), 60U * 8) << "a wrong clock must not make it ask without pause";
    tenant.asked.clear();
  }
}

TEST_F(ClocksTest, WithTheWrongClockOnThisMachineTheServiceIsBelieved) {
  for (const std::int64_t wall : {1'000'000'000'000, 2'000'000'000'000}) {
    list.clear();
    clock.wall = from_epoch_ms(wall);
    fill(300, now() - day, 60'000);
    Collector collector(tenant, clock, only_activities);
    collector.drain();
    live(collector, 10);
    expect_all(collector);
  }
}

TEST_F(ClocksTest, ContradictingDatesAreSaid) {
  int answers = 0;
  fill(300, now() - hour, 1'000);
  tenant.next_date_ahead = [&] { return std::optional(std::chrono::hours(answers++ % 3 == 1 ? 1000 : 0)); };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  live(collector, 10);
  EXPECT_NE(note(collector).find("Date headers of the service contradict"), std::string::npos) << note(collector);
}

// The clock of this machine was set back, so the newest record is the middle one of the three witnesses. An answer that
// could not be stored (a full disk) is asked for again within a minute or two.
TEST_F(ClocksTest, AnAnswerThatWasNotStoredIsAskedForAgainWhateverThisMachineSays) {
  clock.wall = from_epoch_ms(now());
  fill(300, now() - 5 * hour, minute);
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  clock.wall -= std::chrono::hours(2);
  pass(std::chrono::seconds(59));
  list.push_back(activity("stored", now() - 500));
  pass(std::chrono::seconds(1));
  collector.drain();
  pass(std::chrono::seconds(58));
  list.push_back(activity("not stored", now() - 500));
  pass(std::chrono::seconds(2));
  const auto lost = collector.source().poll(collector.checkpoint, {});
  ASSERT_TRUE(lost);
  ASSERT_FALSE(lost->batch.is_empty());
  for (const auto end = clock.passed + std::chrono::minutes(2); clock.passed < end;) {
    const auto poll = collector.poll();
    ASSERT_TRUE(poll);
    pass(std::max(poll->wait, Duration(100)));
  }
  expect_all(collector);
}

TEST_F(ClocksTest, TheTimeOfTheServiceNeverStandsStill) {
  const auto record = parse_iso8601("2026-11-24T16:00:00Z");
  ASSERT_TRUE(record);
  for (const auto* date :
       {"Tue, 24 Nov 2026 13:00:00 GMT", "Tue, 24 Nov 2026 16:30:00 GMT", "Tue, 24 Nov 2026 19:00:00 GMT"})
    for (const int ahead : {-2, 0, 2}) {
      ServerClock server(clock);
      clock.wall = *record + std::chrono::hours(ahead);
      server.learn(date);
      server.learn_record(epoch_ms(*record));
      const std::int64_t before = server.now()->ms;
      pass(std::chrono::minutes(1));
      EXPECT_EQ(server.now()->ms - before, minute) << date << ", this machine " << ahead << " h ahead";
    }
}

}  // namespace
}  // namespace capstan::mdca
