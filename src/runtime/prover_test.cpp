#include "runtime/prover.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "prover_equipment.h"

namespace capstan::runtime {
namespace {

using namespace std::chrono_literals;
using equipment::hour_ms;
using equipment::Made;
using equipment::Workshop;

struct Prove : testing::Test {
  Prove() { log::configure(log::Level::error, log::Format::text); }

  // One record a minute for so many hours, shown at once.
  void make_hours(int hours) {
    for (int i = 0; i < hours * 60; ++i) shop.made(i, "a" + std::to_string(i));
  }
  void expect_each_once(std::size_t count) const {
    const auto ids = shop.journaled();
    EXPECT_EQ(ids.size(), count);
    for (const auto& [id, times] : ids) EXPECT_EQ(times, 1) << id;
  }
  Timestamp hour(std::int64_t n) const { return from_epoch_ms(Workshop::start_ms + n * hour_ms); }
  std::optional<Timestamp> proved_until(std::string_view feed = "activities") const {
    for (const ProofFeedStatus& status : shop.prover->status().feeds)
      if (status.feed == feed) return status.proved_until;
    return {};
  }
  std::string why(std::string_view feed = "activities") const {
    for (const ProofFeedStatus& status : shop.prover->status().feeds)
      if (status.feed == feed) return status.why_not_later;
    return {};
  }

  Workshop shop;
};

TEST_F(Prove, what_appears_hours_and_weeks_late_arrives_without_a_person) {
  shop.is_collecting = true;
  for (int i = 0; i < 40 * 24; ++i) shop.made(i * 60 + 7, "a" + std::to_string(i));
  const std::vector<Duration> lateness{3h, 6h, 8h, 12h, 24h, 47h, 5 * 24h, 20 * 24h, 29 * 24h};
  for (std::size_t i = 0; i < lateness.size(); ++i)
    for (int n = 0; n < 5; ++n)
      shop.made(100 + n * 1000, "late" + std::to_string(i) + "/" + std::to_string(n), lateness[i]);
  shop.pass(36 * 24h, 1h);
  const auto ids = shop.journaled();
  for (std::size_t i = 0; i < lateness.size(); ++i)
    for (int n = 0; n < 5; ++n) {
      const std::string id = "late" + std::to_string(i) + "/" + std::to_string(n);
      EXPECT_TRUE(ids.contains(id)) << id << " appeared " << capstan::to_string(lateness[i]) << " late";
    }
  for (const auto& [id, times] : ids) EXPECT_EQ(times, 1) << id;
  EXPECT_EQ(shop.prover->status().repaired, lateness.size() * 5);
  EXPECT_EQ(proved_until(), hour(36 * 24 - 1) - 0h);
  EXPECT_LT(shop.tenant.questions, 36U * 90);
}

TEST_F(Prove, an_hour_is_proved_an_hour_after_it_ended_and_says_what_comes_next) {
  make_hours(6);
  shop.is_collecting = true;
  shop.pass(90min);
  EXPECT_EQ(proved_until(), std::nullopt);
  shop.pass(45min);
  EXPECT_EQ(proved_until(), hour(1));
  EXPECT_EQ(
      why(), "the next hour is compared at " + [&] {
        std::string text = to_iso8601(hour(3)).substr(0, 16);
        text[10] = ' ';
        return text;
      }());
  shop.pass(2h);
  EXPECT_EQ(proved_until(), hour(3));
  EXPECT_EQ(shop.prover->status().repaired, 0U);
}

TEST_F(Prove, begins_with_a_journal_that_is_there_already) {
  make_hours(30);
  shop.is_proving = false;
  shop.close();
  shop.open();
  for (const auto& shown : shop.tenant.records) shop.submit(shown.made);
  shop.committer->step();
  shop.clock.passed += 32h;
  shop.make_prover();
  shop.settle();
  EXPECT_EQ(proved_until(), hour(31));
  EXPECT_EQ(shop.prover->status().repaired, 0U);
  EXPECT_LE(shop.tenant.questions, 4U);
  expect_each_once(1800);
}

TEST_F(Prove, what_was_saved_before_collecting_began_is_left_alone) {
  for (int i = -600; i < 600; ++i) {
    const Made m = shop.made(i, "a" + std::to_string(i));
    if (i >= 0) shop.collect(m);
  }
  shop.pass(30h, 1h);
  expect_each_once(600);
}

// A source that cannot say since when it collects: the oldest record tells.
TEST_F(Prove, the_oldest_record_tells_since_when_a_source_collects) {
  shop.tenant.since.reset();
  shop.pass(1h);
  EXPECT_EQ(why(), "nothing of this feed has been collected yet");
  for (int i = -600; i < 600; ++i) {
    const Made m = shop.made(i, "a" + std::to_string(i));
    if (i >= 0) shop.collect(m);
  }
  shop.pass(30h, 1h);
  expect_each_once(600);
  EXPECT_EQ(proved_until(), hour(30));
}

TEST_F(Prove, damage_under_a_backlog_heals_at_once_and_costs_few_questions) {
  make_hours(10);
  shop.is_collecting = true;
  shop.pass(10h);
  const std::uint64_t before = shop.tenant.questions;
  shop.damage("a300");
  shop.journaled();  // a route reads there
  shop.pass(10s, 5s);
  expect_each_once(600);
  EXPECT_LE(shop.tenant.questions - before, 2U);
  EXPECT_EQ(shop.prover->status().healed_places, 1U);
  EXPECT_EQ(shop.prover->status().damaged_places, 0U);
  EXPECT_FALSE(shop.prover->is_healing());
  // It is not asked for again, not even by a process that starts anew.
  shop.close();
  shop.open();
  shop.journaled();
  const std::uint64_t after = shop.tenant.questions;
  shop.settle();
  EXPECT_EQ(shop.tenant.questions, after);
  expect_each_once(600);
}

TEST_F(Prove, damage_at_the_head_and_at_the_tail_heals) {
  make_hours(10);
  shop.is_collecting = true;
  shop.pass(10h);
  shop.damage("a0");
  shop.damage("a599");
  shop.journaled();
  shop.pass(10s, 5s);
  expect_each_once(600);
  EXPECT_EQ(shop.prover->status().healed_places, 2U);
}

// Saved times say nothing about where a record stands: what was late stands far away from its neighbours.
TEST_F(Prove, damage_that_took_what_its_neighbours_do_not_tell_of_heals) {
  shop.tenant.traits.push_back({"alerts", Repetition::by_content, 24h});
  shop.close();
  shop.open();
  shop.is_collecting = true;
  make_hours(10);
  shop.pass(10h);
  Made alert;
  alert.feed = "alerts";
  alert.id = "old alert";
  alert.saved_ms = Workshop::start_ms + 5 * 60'000;
  shop.tenant.records.push_back({alert, 0});
  shop.collect(alert);
  shop.collect(shop.made(601, "after"));
  shop.damage("old alert");
  shop.journaled();
  shop.pass(10s, 5s);
  EXPECT_EQ(shop.journaled()["old alert"], 1);
}

TEST_F(Prove, damage_that_an_earlier_process_met_is_looked_for) {
  make_hours(10);
  shop.is_collecting = true;
  shop.pass(10h);
  shop.kill();
  shop.open();
  shop.damage("a300");
  shop.lost_to_damage = 1;  // a route's cursor remembers it
  shop.settle();
  expect_each_once(600);
}

TEST_F(Prove, a_power_cut_between_damage_and_healing_loses_nothing) {
  make_hours(10);
  shop.is_collecting = true;
  shop.pass(10h);
  shop.damage("a300");
  shop.journaled();
  shop.tenant.trouble = Error(ErrorCode::connection_failed, "connecting: refused");
  shop.prover->step({});
  shop.kill();
  shop.tenant.trouble.reset();
  shop.open();
  shop.settle();
  expect_each_once(600);
}

// The collector brings the same record while the prover has found it missing.
TEST_F(Prove, a_race_with_the_collector_doubles_nothing) {
  const Made m = shop.made(10, "raced");
  shop.clock.passed += 3h;
  for (int i = 0; i < 20 && !shop.prover->submission(); ++i) shop.prover->step({});
  ASSERT_TRUE(shop.prover->submission());
  shop.submit(m);  // behind it
  shop.committer->step();
  shop.settle();
  expect_each_once(1);

  const Made other = shop.made(70, "raced the other way");
  for (int i = 0; i < 20 && !shop.prover->submission(); ++i) {
    shop.clock.passed += 1h;
    shop.submit(other);  // taken up in the same step of the committer, and before it
    shop.prover->step({});
  }
  shop.committer->step();
  shop.settle();
  expect_each_once(2);
}

TEST_F(Prove, survives_restarts_and_asks_nothing_twice) {
  make_hours(48);
  shop.is_collecting = true;
  shop.pass(20h);
  shop.close();
  const store::ProofLedger ledger = shop.written_ledger();
  ASSERT_EQ(ledger.feeds.size(), 1U);
  EXPECT_EQ(ledger.feeds[0].proved_until(), hour(19));
  shop.open();
  const std::uint64_t before = shop.tenant.questions;
  shop.settle();
  EXPECT_EQ(shop.tenant.questions, before);
  EXPECT_EQ(proved_until(), hour(19));
  shop.pass(20h);
  EXPECT_EQ(proved_until(), hour(39));
}

TEST_F(Prove, a_damaged_ledger_is_filled_again) {
  make_hours(20);
  shop.is_collecting = true;
  shop.pass(10h);
  shop.close();
  std::ofstream(shop.directory + "/proof") << "rubbish";
  shop.open();
  shop.settle();
  EXPECT_EQ(proved_until(), hour(9));
}

TEST_F(Prove, a_tenant_that_does_not_answer_is_left_alone_and_asked_again) {
  make_hours(30);
  shop.is_collecting = true;
  shop.pass(4h);
  shop.tenant.trouble = Error(ErrorCode::permission_missing, "polling activities: 403");
  const std::uint64_t before = shop.tenant.polls;
  shop.pass(6h);
  EXPECT_LT(shop.tenant.polls - before, 40U);
  EXPECT_EQ(proved_until(), hour(3));
  EXPECT_EQ(why(), "no answer: polling activities: 403 [E2002]");
  shop.tenant.trouble.reset();
  shop.pass(2h);
  EXPECT_EQ(proved_until(), hour(11));
  EXPECT_EQ(shop.prover->status().error, "");
}

// What held one record back held back others: they need not wait until their own hour is old enough.
TEST_F(Prove, one_find_makes_all_younger_hours_be_looked_at_again) {
  make_hours(40);
  shop.is_collecting = true;
  shop.pass(14h);
  for (int i = 0; i < 12 * 60; i += 60) shop.made(i, "backlog" + std::to_string(i), 14h - i * 1min);
  shop.pass(3h);
  const auto ids = shop.journaled();
  for (int i = 0; i < 12 * 60; i += 60) EXPECT_TRUE(ids.contains("backlog" + std::to_string(i))) << i;
}

TEST_F(Prove, a_service_whose_clock_runs_faster_is_followed) {
  shop.service_speed = 60;
  make_hours(48);
  for (int n = 0; n < 7; ++n) shop.made(n * 120, "late" + std::to_string(n), 12h + n * 2h);
  for (int i = 0; i < 60 * 60; ++i) {
    shop.clock.passed += 1s;
    shop.collect_shown();
    shop.settle();
  }
  const auto ids = shop.journaled();
  for (int n = 0; n < 7; ++n) EXPECT_TRUE(ids.contains("late" + std::to_string(n))) << n;
  EXPECT_GE(proved_until(), hour(57));
}

TEST_F(Prove, alerts_that_changed_and_inventories_are_compared_too) {
  shop.tenant.traits.push_back({"alerts", Repetition::by_content, 366 * 24h});
  shop.tenant.traits.push_back({"entities", Repetition::by_content, {}});
  shop.close();
  shop.open();
  Made alert;
  alert.feed = "alerts";
  alert.id = "alert";
  alert.saved_ms = Workshop::start_ms + 60'000;
  alert.raw = R"({"status":0})";
  shop.collect(alert);
  alert.raw = R"({"status":1})";
  shop.tenant.records.push_back({alert, 0});
  Made entity = alert;
  entity.feed = "entities";
  entity.id = "entity";
  shop.tenant.records.push_back({entity, 0});
  shop.pass(4h);
  EXPECT_EQ(shop.journaled()["alert"], 2);  // and its update
  EXPECT_EQ(shop.journaled()["entity"], 1);
  EXPECT_EQ(proved_until("alerts"), hour(3));
  EXPECT_TRUE(proved_until("entities").has_value());
  const std::uint64_t before = shop.tenant.questions;
  shop.pass(30h, 1h);
  EXPECT_EQ(shop.journaled()["alert"], 2);
  EXPECT_LT(shop.tenant.questions - before, 200U);
}

TEST_F(Prove, a_busy_hour_is_cut_until_it_fits) {
  shop.entries_max = 100;
  shop.close();
  shop.open();
  shop.tenant.page = 1000;
  for (int i = 0; i < 24 * 60; ++i) {
    const Made m = shop.made(i, "a" + std::to_string(i));
    if (i % 97 != 3) shop.submit(m);
  }
  shop.committer->step();
  shop.clock.passed += 26h;
  shop.settle();
  expect_each_once(24 * 60);
  EXPECT_EQ(proved_until(), hour(25));
}

TEST_F(Prove, many_missing_records_are_appended_in_bounded_batches) {
  shop.tenant.page = 5000;
  for (int i = 0; i < 20'000; ++i) {
    Made m;
    m.id = "m" + std::to_string(i);
    m.saved_ms = Workshop::start_ms + i * 100;
    m.raw = R"({"text":")" + std::string(400, 'x') + R"("})";
    shop.tenant.records.push_back({m, 0});
  }
  shop.clock.passed += 3h;
  shop.settle();
  expect_each_once(20'000);
  EXPECT_EQ(shop.prover->status().repaired, 20'000U);
}

TEST_F(Prove, after_a_fence_nothing_is_appended_and_nothing_written) {
  shop.made(10, "missing");
  shop.clock.passed += 3h;
  shop.prover->fence();
  for (int i = 0; i < 20; ++i) shop.prover->step({});
  shop.committer->step();
  EXPECT_TRUE(shop.journaled().empty());
  EXPECT_FALSE(std::filesystem::exists(shop.directory + "/proof"));
}

TEST_F(Prove, the_ledger_is_written_now_and_then_and_not_all_the_time) {
  make_hours(30);
  shop.is_collecting = true;
  shop.pass(3h, 1min);
  const auto first = std::filesystem::last_write_time(shop.directory + "/proof");
  shop.settle();
  EXPECT_EQ(std::filesystem::last_write_time(shop.directory + "/proof"), first);
  EXPECT_LT(std::filesystem::file_size(shop.directory + "/proof"), 2000U);
}

TEST_F(Prove, a_route_has_what_its_cursor_has_passed) {
  make_hours(6);
  shop.is_collecting = true;
  shop.pass(6h);
  const auto ledger = shop.prover->ledger();
  const ProofStatus status = shop.prover->status();
  const auto all = route_proof(*ledger, status, {}, {~0ULL, 0});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].proved_until, status.feeds[0].proved_until);
  const auto some = route_proof(*ledger, status, {}, shop.position_of("a150"));
  EXPECT_EQ(some[0].proved_until, hour(2));
  EXPECT_NE(some[0].why_not_later.find("the route has not delivered all of "), std::string::npos);
  EXPECT_TRUE(route_proof(*ledger, status, {"alerts"}, {}).empty());
}

}  // namespace
}  // namespace capstan::runtime
