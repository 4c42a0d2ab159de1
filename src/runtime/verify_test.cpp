#include "runtime/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "verify_equipment.h"

namespace capstan::runtime {
namespace {

using equipment::Made;
using equipment::MemoryJournal;
using equipment::MemoryTenant;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t start_ms = 1'760'000'400'000 / hour_ms * hour_ms;  // a full hour

struct Verify : testing::Test {
  Verify() { clock.wall = from_epoch_ms(start_ms + 48 * hour_ms); }

  // A record of the i-th minute after the start.
  static Made made(std::int64_t minute, const std::string& id) {
    Made m;
    m.id = id;
    m.saved_ms = start_ms + minute * 60'000;
    return m;
  }
  void both(const Made& m) {
    tenant.shown.push_back(m);
    journal.put(m);
  }
  // One record a minute for so many hours, shown and journaled.
  void hours_of_peace(int hours) {
    for (int i = 0; i < hours * 60; ++i) both(made(i, "a" + std::to_string(i)));
  }
  VerifyWorld world() {
    return {.clock = &clock,
            .wait =
                [this](Duration d, const std::stop_token& token) {
                  waited.push_back(d);
                  clock.passed += d;
                  return !token.stop_requested();
                },
            .stop = stop.get_token(),
            .progress = {}};
  }
  VerifySource source() {
    VerifySource s;
    s.name = "mdca";
    s.tenant = "contoso";
    s.source = &tenant;
    s.journal = &journal;
    s.routes = routes;
    return s;
  }
  VerifySource repairable() {
    VerifySource s = source();
    s.append = [this](const Batch& batch) { return journal.append(batch, {}); };
    return s;
  }
  VerifyReport run(VerifySource s) {
    auto report = verify(options, {std::move(s)}, world());
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().text());
    return report ? std::move(*report) : VerifyReport{};
  }
  VerifyReport run() { return run(source()); }
  static const VerifyRow* row(const VerifyReport& report, int hour) {
    for (const auto& r : report.rows)
      if (r.hour == from_epoch_ms(start_ms + hour * hour_ms)) return &r;
    return nullptr;
  }

  equipment::StepClock clock;
  MemoryJournal journal;
  MemoryTenant tenant;
  std::vector<VerifyRoute> routes;
  VerifyOptions options;
  std::vector<Duration> waited;
  std::stop_source stop;
};

TEST_F(Verify, whole_is_proved_with_a_row_an_hour) {
  hours_of_peace(5);
  const VerifyReport report = run();
  EXPECT_TRUE(report.is_proved());
  EXPECT_EQ(report.totals.shown, 300U);
  EXPECT_EQ(report.totals.journaled, 300U);
  EXPECT_EQ(report.totals.missing, 0U);
  EXPECT_EQ(report.totals.doubled, 0U);
  EXPECT_EQ(report.totals.late, 0U);
  ASSERT_EQ(report.rows.size(), 5U);
  for (const auto& r : report.rows) EXPECT_EQ(r.figures.shown, 60U);
  EXPECT_FALSE(report.rows[1].is_open);
  EXPECT_TRUE(report.rows[2].is_open);
}

TEST_F(Verify, names_what_is_missing_in_its_hour) {
  hours_of_peace(5);
  tenant.shown.push_back(made(70, "lost"));
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.totals.missing, 1U);
  ASSERT_NE(row(report, 1), nullptr);
  EXPECT_EQ(row(report, 1)->figures.missing, 1U);
  ASSERT_EQ(report.named.size(), 1U);
  EXPECT_EQ(report.named[0].id, "lost");
  EXPECT_EQ(report.named[0].kind, VerifyNamed::Kind::missing);
}

TEST_F(Verify, what_is_younger_than_the_overlap_waits_and_is_not_missing) {
  hours_of_peace(5);
  tenant.shown.push_back(made(5 * 60 - 30, "late but within the overlap"));
  tenant.shown.push_back(made(5 * 60 + 10, "after the question"));
  const VerifyReport report = run();
  EXPECT_TRUE(report.is_proved());
  EXPECT_EQ(report.totals.missing, 0U);
  EXPECT_EQ(report.totals.waiting, 2U);
}

TEST_F(Verify, a_feed_that_was_never_journaled_is_missing_not_waiting) {
  for (int i = 0; i < 10; ++i) tenant.shown.push_back(made(i, "a" + std::to_string(i)));
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.missing, 10U);
  EXPECT_FALSE(report.is_proved());
}

TEST_F(Verify, a_damaged_frame_is_a_hole_until_it_is_repaired) {
  hours_of_peace(5);
  journal.damage(17);
  journal.damage(170);
  EXPECT_EQ(run().totals.missing, 2U);
  options.repair = true;
  const VerifyReport repaired = run(repairable());
  EXPECT_EQ(repaired.totals.missing, 2U);
  EXPECT_EQ(repaired.repaired, 2U);
  EXPECT_TRUE(repaired.is_proved());
  options.repair = false;
  const VerifyReport after = run();
  EXPECT_EQ(after.totals.missing, 0U);
  EXPECT_EQ(after.totals.journaled, 300U);
  EXPECT_EQ(after.totals.doubled, 0U);
  EXPECT_EQ(after.totals.late, 2U);  // the repair brought them behind the newest
}

TEST_F(Verify, a_damaged_journal_is_settled_up_to_its_newest_record) {
  hours_of_peace(3);
  journal.damage(175);
  tenant.shown.push_back(made(200, "after the newest"));
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.missing, 1U);
  EXPECT_EQ(report.totals.waiting, 1U);
  EXPECT_EQ(report.damaged_frames, 1U);
}

TEST_F(Verify, repair_leaves_what_the_collector_brought_meanwhile) {
  hours_of_peace(5);
  tenant.shown.push_back(made(70, "brought meanwhile"));
  tenant.wait = std::chrono::milliseconds(1);
  options.repair = true;
  VerifyWorld w = world();
  w.wait = [&](Duration d, const std::stop_token&) {
    if (clock.passed == Duration{}) journal.put(made(70, "brought meanwhile"));
    clock.passed += d;
    return true;
  };
  auto report = verify(options, {repairable()}, w);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->repaired, 0U);
  EXPECT_EQ(run().totals.doubled, 0U);
}

TEST_F(Verify, a_source_that_cannot_be_repaired_says_so) {
  hours_of_peace(3);
  tenant.shown.push_back(made(10, "lost"));
  options.repair = true;
  const VerifyReport report = run();
  EXPECT_EQ(report.not_repaired, 1U);
  EXPECT_FALSE(report.is_proved());
}

TEST_F(Verify, late_and_double_are_counted_and_named) {
  hours_of_peace(5);
  both(made(60, "late one"));
  both(made(200, "within the overlap"));
  journal.put(made(90, "a90"));
  Made changed = made(30, "a30");
  changed.kind = RecordKind::updated;  // an update is as old as what it updates, and not late
  journal.put(changed);
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.late, 2U);  // the late one, and the double of an old one
  EXPECT_EQ(report.totals.doubled, 1U);
  EXPECT_EQ(row(report, 1)->figures.doubled, 1U);
  ASSERT_EQ(report.named.size(), 1U);
  EXPECT_EQ(report.named[0].kind, VerifyNamed::Kind::doubled);
  EXPECT_EQ(report.named[0].id, "a90");
  EXPECT_TRUE(report.is_proved());
}

TEST_F(Verify, small_stretches_give_the_same_figures) {
  hours_of_peace(5);
  tenant.shown.push_back(made(70, "lost"));
  both(made(60, "late one"));
  const VerifyReport whole = run();
  const std::size_t windows_before = tenant.windows.size();
  options.entries_max = 7;
  const VerifyReport cut = run();
  EXPECT_GT(tenant.windows.size(), windows_before + 40);
  EXPECT_EQ(cut.totals.shown, whole.totals.shown);
  EXPECT_EQ(cut.totals.journaled, whole.totals.journaled);
  EXPECT_EQ(cut.totals.missing, 1U);
  EXPECT_EQ(cut.totals.late, whole.totals.late);
  EXPECT_EQ(cut.totals.unshown, 0U);
}

TEST_F(Verify, routes_are_counted_by_cursor_dead_letter_and_rule) {
  hours_of_peace(2);
  VerifyRoute route;
  route.name = "siem";
  route.cursor.position = MemoryJournal::position(100);
  route.cursor.resent = 4;
  route.proof = Sink::Proof::not_provable;
  route.dead_letters = {MemoryJournal::position(50), MemoryJournal::position(3)};
  route.drops = [](const store::Slice::Item& item) { return item.record.id == "a5"; };
  VerifyRoute other;
  other.name = "alerts only";
  other.feeds = {"alerts"};
  routes = {route, other};
  const VerifyReport report = run();
  ASSERT_EQ(report.routes.size(), 1U);
  EXPECT_EQ(report.routes[0].delivered, 97U);
  EXPECT_EQ(report.routes[0].dropped, 1U);
  EXPECT_EQ(report.routes[0].dead_lettered, 2U);
  EXPECT_EQ(report.routes[0].waiting, 20U);
  EXPECT_EQ(report.routes[0].resent, 4U);
  EXPECT_EQ(report.named.size(), 2U);
  EXPECT_EQ(report.routes[0].proof, Sink::Proof::not_provable);
}

TEST_F(Verify, what_cannot_be_proved_is_called_sent_and_not_delivered) {
  VerifyReport report;
  report.routes = {{.route = "siem", .delivered = 97}};
  EXPECT_THAT(to_text(report), testing::Not(testing::HasSubstr("provable")));
  report.routes.push_back({.route = "old", .delivered = 45, .proof = Sink::Proof::not_provable});
  report.rows.push_back({"mdca", "alerts", std::nullopt, false, {}, report.routes});
  EXPECT_THAT(to_text(report), testing::HasSubstr("sent to old"));
  EXPECT_THAT(to_text(report), testing::ContainsRegex("route +delivered +sent, not provable +dropped"));
  EXPECT_THAT(to_text(report), testing::ContainsRegex("siem +97 +- "));
  EXPECT_THAT(to_text(report), testing::ContainsRegex("old +45 +- "));
  EXPECT_THAT(to_json(report), testing::HasSubstr(R"("proof":"not_provable")"));
}

TEST_F(Verify, a_changed_alert_is_outdated_not_missing) {
  tenant.traits = {{"alerts", Repetition::by_content, std::chrono::hours(24)}};
  Made alert = made(5, "alert");
  alert.feed = "alerts";
  alert.raw = R"({"status":0})";
  journal.put(alert);
  alert.raw = R"({"status":1})";
  tenant.shown = {alert};
  EXPECT_EQ(run().totals.outdated, 1U);
  alert.kind = RecordKind::updated;
  journal.put(alert);
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.outdated, 0U);
  EXPECT_EQ(report.totals.updates, 1U);
  EXPECT_EQ(report.totals.doubled, 0U);
  EXPECT_EQ(report.totals.journaled, 1U);
}

TEST_F(Verify, an_inventory_is_compared_whole_whatever_its_times) {
  tenant.traits = {{"entities", Repetition::by_content, {}}};
  for (int i = 0; i < 9; ++i) {
    Made item = made(-100'000 * i, "e" + std::to_string(i));
    item.feed = "entities";
    tenant.shown.push_back(item);
    if (i != 4) journal.put(item);
  }
  const VerifyReport report = run();
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_FALSE(report.rows[0].hour.has_value());
  EXPECT_EQ(report.totals.shown, 9U);
  EXPECT_EQ(report.totals.missing, 1U);
}

TEST_F(Verify, what_retention_removed_is_not_missing) {
  hours_of_peace(10);
  journal.lose_first(120);
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.missing, 0U);
  EXPECT_GT(report.feeds.at(0).since, report.since);
  tenant.shown.push_back(made(300, "lost"));
  EXPECT_EQ(run().totals.missing, 1U);
}

TEST_F(Verify, what_was_never_to_be_collected_is_not_missing) {
  hours_of_peace(5);
  tenant.shown.push_back(made(-60, "before the backfill"));
  EXPECT_EQ(run().totals.missing, 0U);  // outside of the default two days
  clock.wall -= std::chrono::hours(5);
  EXPECT_EQ(run().totals.missing, 0U);  // inside, but nothing so old was ever collected
  options.since = from_epoch_ms(start_ms - 2 * hour_ms);
  EXPECT_EQ(run().totals.missing, 1U);
  VerifySource s = source();
  s.begins = from_epoch_ms(start_ms);
  EXPECT_EQ(run(std::move(s)).totals.missing, 0U);
}

TEST_F(Verify, a_journal_that_lost_its_beginning_is_still_asked_for_it) {
  hours_of_peace(5);
  for (std::size_t i = 0; i < 20; ++i) journal.damage(i);
  EXPECT_EQ(run().totals.missing, 20U);
}

TEST_F(Verify, a_held_feed_is_not_proved_and_its_neighbour_is_still_asked) {
  tenant.traits.push_back({"alerts", Repetition::by_content, std::chrono::hours(1)});
  hours_of_peace(3);
  tenant.trouble.emplace("alerts", Error(ErrorCode::permission_missing, "polling alerts: 403"));
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.totals.shown, 180U);
  EXPECT_EQ(report.totals.unshown, 0U);
  ASSERT_EQ(report.feeds.size(), 2U);
  EXPECT_TRUE(report.feeds[0].was_asked);
  EXPECT_FALSE(report.feeds[1].was_asked);
  EXPECT_NE(report.feeds[1].error.find("E2002"), std::string::npos);
}

TEST_F(Verify, passing_trouble_is_waited_for_with_patience_and_then_given_up) {
  hours_of_peace(1);
  tenant.trouble.emplace("activities", Error(ErrorCode::throttled, "polling activities: 429"));
  tenant.wait = std::chrono::seconds(10);
  VerifyWorld w = world();
  w.wait = [&](Duration d, const std::stop_token&) {
    clock.passed += d;
    if (clock.passed >= std::chrono::minutes(3)) tenant.trouble.clear();
    return true;
  };
  auto mended = verify(options, {source()}, w);
  ASSERT_TRUE(mended.has_value());
  EXPECT_TRUE(mended->is_proved());
  tenant.trouble.emplace("activities", Error(ErrorCode::throttled, "polling activities: 429"));
  const VerifyReport given_up = run();
  EXPECT_FALSE(given_up.is_proved());
  EXPECT_FALSE(given_up.feeds.at(0).was_asked);
}

TEST_F(Verify, a_tenant_that_cannot_be_reached_is_given_up_sooner) {
  hours_of_peace(1);
  tenant.trouble.emplace("activities", Error(ErrorCode::connection_failed, "connecting: refused"));
  tenant.wait = std::chrono::seconds(5);
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_NE(report.feeds.at(0).error.find("E2009"), std::string::npos);
  EXPECT_LE(clock.passed, std::chrono::minutes(2));
}

TEST_F(Verify, a_source_that_never_drains_is_given_up) {
  hours_of_peace(1);
  tenant.never_drains = true;
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_LT(tenant.polls, 10'000U);
}

TEST_F(Verify, a_source_that_cannot_be_asked_again_is_neither_missing_nor_a_failure) {
  hours_of_peace(1);
  tenant.is_deaf_to_time = true;
  const VerifyReport report = run();
  EXPECT_TRUE(report.is_proved());
  EXPECT_FALSE(report.feeds.at(0).can_be_asked);
  EXPECT_EQ(report.totals.journaled, 60U);
  EXPECT_EQ(report.totals.unshown, 0U);
}

TEST_F(Verify, quarantined_and_poisoned_are_named) {
  hours_of_peace(3);
  Made broken = made(30, "broken");
  broken.raw = "{\"a\":\xff";
  broken.is_quarantined = true;
  both(broken);
  tenant.passed_over["activities"] = 2;
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.quarantined, 1U);
  ASSERT_EQ(report.named.size(), 2U);
  EXPECT_EQ(report.named[0].kind, VerifyNamed::Kind::quarantined);
  EXPECT_EQ(report.named[1].kind, VerifyNamed::Kind::poisoned);
  EXPECT_EQ(report.feeds.at(0).passed_over, 2U);
}

TEST_F(Verify, names_at_most_so_many_and_counts_all) {
  hours_of_peace(5);
  for (int i = 0; i < 50; ++i) tenant.shown.push_back(made(i, "lost" + std::to_string(i)));
  options.named_max = 10;
  const VerifyReport report = run();
  EXPECT_EQ(report.totals.missing, 50U);
  EXPECT_EQ(report.named.size(), 10U);
  EXPECT_EQ(report.named_left_out, 40U);
}

TEST_F(Verify, refuses_senseless_questions) {
  options.sources = {"mdcaa"};
  auto unknown = verify(options, {source()}, world());
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().text().find("did you mean \"mdca\""), std::string::npos);
  options.sources.clear();
  options.feeds = {"activitys"};
  auto unknown_feed = verify(options, {source()}, world());
  ASSERT_FALSE(unknown_feed.has_value());
  EXPECT_NE(unknown_feed.error().text().find("did you mean \"activities\""), std::string::npos);
  options.feeds.clear();
  options.since = clock.now();
  options.until = clock.now() - std::chrono::hours(1);
  EXPECT_FALSE(verify(options, {source()}, world()).has_value());
}

TEST_F(Verify, stops_when_told) {
  hours_of_peace(1);
  stop.request_stop();
  auto report = verify(options, {source()}, world());
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code(), ErrorCode::interrupted);
}

TEST_F(Verify, reads_as_text_and_as_json) {
  hours_of_peace(5);
  tenant.shown.push_back(made(70, "lost"));
  VerifyRoute route;
  route.name = "siem";
  route.cursor.position = MemoryJournal::position(300);
  routes = {route};
  const VerifyReport report = run();
  const std::string text = to_text(report);
  EXPECT_NE(text.find("MISSING"), std::string::npos) << text;
  EXPECT_NE(text.find("missing 1"), std::string::npos) << text;
  EXPECT_NE(text.find("capstan verify --repair"), std::string::npos) << text;
  EXPECT_EQ(text.find(" \n"), std::string::npos) << text;
  const auto json = boost::json::parse(to_json(report)).as_object();
  EXPECT_EQ(json.at("missing").to_number<int>(), 1);
  EXPECT_FALSE(json.at("is_proved").as_bool());
  EXPECT_EQ(json.at("hours").as_array().size(), 5U);
  EXPECT_EQ(json.at("named").as_array().at(0).as_object().at("id").as_string(), "lost");
}

}  // namespace
}  // namespace capstan::runtime
