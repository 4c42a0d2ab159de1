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
  Verify() {
    clock.wall = from_epoch_ms(start_ms + 48 * hour_ms);
    tenant.service_clock = [this] { return clock.now() + service_is_ahead; };
  }

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
    s.append = [this](const Batch& batch, store::Position) -> Result<VerifyAppended> {
      TRY(journal.append(batch, {}));
      return VerifyAppended{.appended = batch.size(), .known = 0};
    };
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
  Duration service_is_ahead{};
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
  ASSERT_EQ(report.rows.size(), 48U);
  for (int hour = 0; hour < 48; ++hour) {
    EXPECT_EQ(report.rows[static_cast<std::size_t>(hour)].figures.shown, hour < 5 ? 60U : 0U);
    EXPECT_EQ(report.rows[static_cast<std::size_t>(hour)].outcome, Proof::proved);
  }
  for (const Window& window : tenant.windows) EXPECT_EQ(window.manner, Manner::otherwise);
}

TEST_F(Verify, names_what_is_missing_in_its_hour) {
  hours_of_peace(5);
  tenant.shown.push_back(made(70, "lost"));
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.totals.missing, 1U);
  ASSERT_NE(row(report, 1), nullptr);
  EXPECT_EQ(row(report, 1)->figures.missing, 1U);
  EXPECT_EQ(row(report, 1)->outcome, Proof::missing);
  EXPECT_EQ(report.windows(Proof::missing), 1U);
  EXPECT_EQ(report.windows(Proof::proved), 47U);
  ASSERT_EQ(report.named.size(), 1U);
  EXPECT_EQ(report.named[0].id, "lost");
  EXPECT_EQ(report.named[0].kind, VerifyNamed::Kind::missing);
}

TEST_F(Verify, what_is_younger_than_late_after_waits_and_is_not_missing) {
  hours_of_peace(5);
  clock.wall = from_epoch_ms(start_ms + 5 * hour_ms);
  tenant.shown.push_back(made(5 * 60 - 14, "just shown"));
  VerifyReport report = run();
  EXPECT_TRUE(report.is_proved());
  EXPECT_EQ(report.totals.missing, 0U);
  EXPECT_EQ(report.totals.young, 1U);
  ASSERT_NE(row(report, 4), nullptr);
  EXPECT_EQ(row(report, 4)->outcome, Proof::waiting);
  EXPECT_TRUE(row(report, 4)->is_young);
  options.late_after = std::chrono::minutes(13);
  report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.totals.missing, 1U);
}

// A collector that stopped has collected nothing newer: that makes nothing younger.
TEST_F(Verify, the_newest_collected_record_decides_nothing) {
  hours_of_peace(5);
  for (int i = 300; i < 420; ++i) tenant.shown.push_back(made(i, "b" + std::to_string(i)));
  clock.wall = from_epoch_ms(start_ms + 19 * hour_ms);
  options.since = std::chrono::hours(26);
  options.until = std::chrono::hours(2);
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.totals.missing, 120U);
  EXPECT_EQ(report.windows(Proof::missing), 2U);
}

TEST_F(Verify, the_service_says_what_time_it_is_and_this_machine_does_not) {
  hours_of_peace(5);
  tenant.shown.push_back(made(5 * 60 - 10, "shown"));
  for (const Duration wrong : {Duration(std::chrono::hours(-30)), Duration(std::chrono::hours(30))}) {
    // At the service it is the end of the fifth hour.
    clock.wall = from_epoch_ms(start_ms + 5 * hour_ms) + wrong;
    service_is_ahead = -wrong;
    const VerifyReport young = run();
    EXPECT_EQ(young.until, from_epoch_ms(start_ms + 5 * hour_ms));
    EXPECT_EQ(young.totals.young, 1U);
    EXPECT_EQ(young.totals.missing, 0U);
    clock.wall += std::chrono::minutes(10);
    EXPECT_EQ(run().totals.missing, 1U);
  }
}

TEST_F(Verify, a_backlog_waits_for_its_route_and_is_never_repaired) {
  hours_of_peace(5);
  VerifyRoute route;
  route.name = "siem";
  route.cursor.position = MemoryJournal::position(180);
  routes = {route};
  options.repair = true;
  const std::size_t before = journal.size();
  VerifyReport report = run(repairable());
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(journal.size(), before);
  EXPECT_EQ(report.windows(Proof::waiting), 2U);
  EXPECT_EQ(report.windows(Proof::missing), 0U);
  EXPECT_EQ(report.routes.at(0).waiting, 120U);
  EXPECT_EQ(report.routes.at(0).waiting_since, from_epoch_ms(start_ms + 180 * 60'000 + 1000));
  EXPECT_NE(row(report, 3)->why.find("60 records wait for route siem since "), std::string::npos);
  // Of the last quarter of an hour only: it is being delivered.
  clock.wall = from_epoch_ms(start_ms + 5 * hour_ms);
  routes[0].cursor.position = MemoryJournal::position(290);
  report = run();
  EXPECT_TRUE(report.is_proved());
  EXPECT_EQ(report.windows(Proof::waiting), 1U);
}

TEST_F(Verify, a_clock_that_was_put_back_makes_no_backlog_young) {
  hours_of_peace(5);
  VerifyRoute route;
  route.name = "siem";
  route.cursor.position = MemoryJournal::position(180);
  routes = {route};
  clock.wall = from_epoch_ms(start_ms);
  service_is_ahead = std::chrono::hours(48);
  EXPECT_FALSE(run().is_proved());
}

TEST_F(Verify, what_lies_in_the_future_is_never_proved) {
  hours_of_peace(5);
  options.since = clock.now() + std::chrono::hours(1);
  options.until = clock.now() + std::chrono::hours(3);
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.windows(Proof::not_comparable), report.rows.size());
  EXPECT_FALSE(report.rows.empty());
  EXPECT_NE(report.rows[0].why.find("future"), std::string::npos);
}

TEST_F(Verify, no_window_is_no_proof) {
  tenant.traits.clear();
  EXPECT_FALSE(run().is_proved());
  EXPECT_FALSE(VerifyReport{}.is_proved());
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
  EXPECT_EQ(repaired.windows(Proof::missing), 0U);
  EXPECT_EQ(repaired.windows(Proof::waiting), 2U);  // until the routes have delivered them
  EXPECT_TRUE(repaired.is_proved());
  options.repair = false;
  const VerifyReport after = run();
  EXPECT_EQ(after.totals.missing, 0U);
  EXPECT_EQ(after.totals.journaled, 300U);
  EXPECT_EQ(after.totals.doubled, 0U);
  EXPECT_EQ(after.totals.late, 2U);  // the repair brought them behind the newest
  EXPECT_EQ(after.windows(Proof::waiting), 0U);
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
  EXPECT_EQ(report->totals.missing, 0U);
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

TEST_F(Verify, an_append_that_is_refused_says_why) {
  hours_of_peace(3);
  tenant.shown.push_back(made(10, "lost"));
  options.repair = true;
  VerifySource s = source();
  s.append = [](const Batch&, store::Position) -> Result<VerifyAppended> {
    return Error(ErrorCode::disk_full, "appending to the journal: no room");
  };
  const VerifyReport report = run(std::move(s));
  EXPECT_EQ(report.not_repaired, 1U);
  EXPECT_EQ(report.windows(Proof::missing), 1U);
  EXPECT_NE(report.feeds.at(0).error.find("E4001"), std::string::npos);
}

// A quarter of a million records that are not journaled do not fit: the window is cut, and every record is found once.
TEST_F(Verify, more_is_missing_than_fits_into_memory_at_once) {
  for (int i = 0; i < 600; ++i) tenant.shown.push_back(made(i, "a" + std::to_string(i)));
  options.entries_max = 50;
  options.named_max = 1000;
  VerifyReport report = run();
  EXPECT_EQ(report.totals.missing, 600U);
  EXPECT_EQ(report.named.size(), 600U);
  options.repair = true;
  report = run(repairable());
  EXPECT_EQ(report.totals.missing, 600U);
  EXPECT_EQ(report.repaired, 600U);
  EXPECT_EQ(journal.size(), 600U);
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
  ASSERT_EQ(report.routes.size(), 2U);
  EXPECT_EQ(report.routes[1].delivered, 0U);
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
  VerifyRouteFigures& route = report.routes.emplace_back();
  route.route = "siem";
  route.delivered = 97;
  EXPECT_THAT(to_text(report), testing::Not(testing::HasSubstr("provable")));
  VerifyRouteFigures& old = report.routes.emplace_back();
  old.route = "old";
  old.delivered = 45;
  old.proof = Sink::Proof::not_provable;
  VerifyRow& row = report.rows.emplace_back();
  row.source = "mdca";
  row.feed = "alerts";
  row.outcome = Proof::proved;
  row.routes = report.routes;
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
    Made item = made(-100'000LL * i, "e" + std::to_string(i));
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

TEST_F(Verify, what_retention_removed_without_a_seal_cannot_be_compared) {
  hours_of_peace(10);
  journal.lose_first(120);
  options.repair = true;
  const std::size_t before = journal.size();
  VerifyReport report = run(repairable());
  EXPECT_EQ(report.totals.missing, 0U);
  EXPECT_EQ(journal.size(), before);
  EXPECT_FALSE(report.is_proved());
  // Two hours are gone, and one more may have lost a record by clocks that differ.
  EXPECT_EQ(report.windows(Proof::not_comparable), 4U);
  EXPECT_NE(row(report, 0)->why.find("retention"), std::string::npos);
  tenant.shown.push_back(made(300, "lost"));
  report = run();
  EXPECT_EQ(report.totals.missing, 1U);
}

TEST_F(Verify, what_retention_removed_is_proved_by_its_seal) {
  hours_of_peace(10);
  journal.lose_first(120);
  VerifyRoute route;
  route.name = "siem";
  route.cursor.position = MemoryJournal::position(600);
  route.became = [](store::Position at) -> std::optional<store::Outcome> {
    if (at == MemoryJournal::position(1)) return store::Outcome::dropped;
    if (at == MemoryJournal::position(2)) return store::Outcome::lost;
    return store::Outcome::delivered;
  };
  routes = {route};
  VerifySource s = source();
  s.removed = journal.seals();
  VerifyReport report = run(std::move(s));
  // All but the hour of the record that the route never had.
  EXPECT_EQ(report.windows(Proof::not_comparable), 1U) << to_text(report);
  EXPECT_NE(row(report, 0)->why.find("retention removed 1 record before route siem had it"), std::string::npos);
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.totals.journaled, 600U);
  EXPECT_EQ(report.totals.removed, 120U);
  EXPECT_EQ(report.routes.at(0).delivered, 598U);
  EXPECT_EQ(report.routes.at(0).dropped, 1U);
  EXPECT_EQ(report.routes.at(0).lost_to_retention, 1U);
  tenant.shown.push_back(made(30, "lost"));
  s = source();
  s.removed = journal.seals();
  report = run(std::move(s));
  EXPECT_EQ(report.totals.missing, 1U);
  EXPECT_EQ(row(report, 0)->outcome, Proof::missing);
}

TEST_F(Verify, seals_that_are_lost_leave_only_their_hours_open) {
  hours_of_peace(10);
  journal.lose_first(240);
  VerifySource s = source();
  s.removed = journal.seals(60);  // of the first hour no seal is left
  const VerifyReport report = run(std::move(s));
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.windows(Proof::not_comparable), 1U);
  EXPECT_EQ(row(report, 0)->outcome, Proof::not_comparable);
  EXPECT_EQ(row(report, 1)->outcome, Proof::proved);
  EXPECT_EQ(report.totals.missing, 0U);
}

TEST_F(Verify, what_was_never_to_be_collected_is_not_missing) {
  hours_of_peace(5);
  tenant.shown.push_back(made(-60, "before the backfill"));
  EXPECT_EQ(run().totals.missing, 0U);  // outside of the default two days
  clock.wall -= std::chrono::hours(5);
  EXPECT_EQ(run().totals.missing, 0U);  // inside, but nothing so old was ever collected
  options.since = from_epoch_ms(start_ms - 2 * hour_ms);
  EXPECT_EQ(run().totals.missing, 1U);  // nothing says that it was not to be collected
  VerifySource s = source();
  s.begins["activities"] = from_epoch_ms(start_ms);
  const VerifyReport report = run(std::move(s));
  EXPECT_EQ(report.totals.missing, 0U);
  EXPECT_EQ(report.totals.early, 1U);
  EXPECT_EQ(row(report, -1)->outcome, Proof::not_comparable);
  EXPECT_EQ(row(report, -2)->outcome, Proof::proved);  // nothing was saved then
  EXPECT_FALSE(report.is_proved());
}

TEST_F(Verify, collecting_began_behind_the_window) {
  hours_of_peace(5);
  options.until = from_epoch_ms(start_ms + hour_ms);
  VerifySource s = source();
  s.begins["activities"] = from_epoch_ms(start_ms + 2 * hour_ms);
  const VerifyReport report = run(std::move(s));
  EXPECT_FALSE(report.is_proved());
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_NE(report.rows[0].why.find("nothing to compare"), std::string::npos) << report.rows[0].why;
}

TEST_F(Verify, a_journal_that_lost_its_beginning_is_still_asked_for_it) {
  hours_of_peace(5);
  for (std::size_t i = 0; i < 20; ++i) journal.damage(i);
  EXPECT_EQ(run().totals.missing, 20U);
}

// A backfill of three days, and its oldest day is in the damaged place: what is asked for by default reaches so far
// back.
TEST_F(Verify, damage_is_asked_for_however_long_ago_it_was_saved) {
  for (int i = -72 * 12; i < 0; ++i) both(made(i * 5, "a" + std::to_string(i)));
  clock.wall = from_epoch_ms(start_ms);
  for (std::size_t i = 0; i < 60; ++i) journal.damage(i);
  VerifySource s = source();
  s.begins["activities"] = from_epoch_ms(start_ms - 72 * hour_ms);
  EXPECT_EQ(run(std::move(s)).totals.missing, 60U);
  EXPECT_EQ(run().totals.missing, 60U);
}

TEST_F(Verify, what_damage_took_and_nobody_shows_is_lost_and_not_proved) {
  hours_of_peace(5);
  for (std::size_t i = 60; i < 70; ++i) journal.damage(i);
  std::erase_if(tenant.shown, [](const Made& m) { return m.id == "a61" || m.id == "a62"; });
  VerifySource s = repairable();
  s.damaged = journal.seal_of_damage();
  options.repair = true;
  const VerifyReport report = run(std::move(s));
  EXPECT_EQ(report.totals.missing, 8U);
  EXPECT_EQ(report.repaired, 8U);
  EXPECT_EQ(report.totals.lost, 2U);
  EXPECT_EQ(row(report, 1)->outcome, Proof::not_comparable);
  EXPECT_NE(row(report, 1)->why.find("2 records were lost"), std::string::npos) << row(report, 1)->why;
  EXPECT_FALSE(report.is_proved());
}

// Clocks that were wrong when a record was journaled put it where nobody expects it; it is not called missing.
TEST_F(Verify, a_record_that_was_journaled_by_a_wrong_clock_is_found) {
  for (int i = 0; i < 300; ++i) {
    tenant.shown.push_back(made(i, "a" + std::to_string(i)));
    journal.put(made(i, "a" + std::to_string(i)), start_ms - 200 * hour_ms + i);
  }
  journal.put(made(300, "newest"));
  tenant.shown.push_back(made(300, "newest"));
  EXPECT_EQ(run().totals.missing, 0U);
}

TEST_F(Verify, a_refused_feed_is_not_comparable_and_its_neighbour_is_still_asked) {
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
  EXPECT_EQ(report.windows(Proof::not_comparable), 48U);
  EXPECT_EQ(report.windows(Proof::proved), 48U);
}

TEST_F(Verify, a_source_that_waits_for_a_person_is_not_comparable) {
  hours_of_peace(3);
  VerifySource s = source();
  s.held["activities"] = "the secret has expired [E2001]";
  const VerifyReport report = run(std::move(s));
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.windows(Proof::not_comparable), report.rows.size());
  EXPECT_NE(report.rows[0].why.find("the secret has expired"), std::string::npos);
  // What is missing is still said, and can be repaired.
  tenant.shown.push_back(made(10, "lost"));
  s = source();
  s.held["activities"] = "the secret has expired [E2001]";
  EXPECT_EQ(run(std::move(s)).windows(Proof::missing), 1U);
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

TEST_F(Verify, a_dead_tenant_costs_one_timeout_whatever_is_asked_of_it) {
  tenant.traits.push_back({"alerts", Repetition::by_content, std::chrono::hours(1)});
  tenant.traits.push_back({"entities", Repetition::by_content, {}});
  hours_of_peace(5);
  options.entries_max = 7;
  for (const char* feed : {"activities", "alerts", "entities"})
    tenant.trouble.emplace(feed, Error(ErrorCode::connection_failed, "connecting: refused"));
  tenant.wait = std::chrono::seconds(5);
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_NE(report.feeds.at(0).error.find("E2009"), std::string::npos);
  EXPECT_LE(clock.passed, std::chrono::seconds(30));
  EXPECT_EQ(report.windows(Proof::not_comparable), report.rows.size());
  const std::string text = to_text(report);
  std::size_t lines = 0;
  for (std::size_t at = text.find("connecting: refused"); at != std::string::npos;
       at = text.find("connecting: refused", at + 1))
    ++lines;
  EXPECT_EQ(lines, 1U) << text;
  EXPECT_EQ(report.routes.size(), routes.size());
}

TEST_F(Verify, other_sources_of_a_dead_tenant_are_not_asked) {
  hours_of_peace(1);
  MemoryTenant other;
  for (MemoryTenant* each : {&tenant, &other}) {
    each->trouble.emplace("activities", Error(ErrorCode::timed_out, "asking: no answer within 60s"));
    each->wait = std::chrono::seconds(60);
  }
  VerifySource second = source();
  second.name = "mdca2";
  second.source = &other;
  auto report = verify(options, {source(), std::move(second)}, world());
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(other.polls, 0U);
  EXPECT_EQ(report->windows(Proof::not_comparable), report->rows.size());
}

// Whatever number of tenants, on few threads; each has its own rows, in the order of the configuration.
TEST_F(Verify, tenants_are_compared_at_the_same_time) {
  constexpr std::size_t count = 10;
  std::vector<std::unique_ptr<MemoryTenant>> tenants;
  std::vector<std::unique_ptr<MemoryJournal>> journals;
  std::vector<VerifySource> sources;
  for (std::size_t i = 0; i < count; ++i) {
    tenants.push_back(std::make_unique<MemoryTenant>());
    journals.push_back(std::make_unique<MemoryJournal>());
    for (int m = 0; m < 300; ++m) {
      const Made one = made(m, std::to_string(i) + "/" + std::to_string(m));
      tenants[i]->shown.push_back(one);
      if (m % 100 != 7 || i % 3 != 0) journals[i]->put(one);
    }
    VerifySource s;
    s.name = "source" + std::to_string(i);
    s.tenant = "tenant" + std::to_string(i);
    s.source = tenants[i].get();
    s.journal = journals[i].get();
    sources.push_back(std::move(s));
  }
  VerifyWorld w = world();
  w.wait = [](Duration, const std::stop_token&) { return true; };
  std::vector<std::string> told;
  w.progress = [&](const std::string& text) { told.push_back(text); };
  const auto report = verify(options, sources, w);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->totals.missing, 12U);
  ASSERT_EQ(report->named.size(), 12U);
  EXPECT_TRUE(std::ranges::is_sorted(report->named, {}, &VerifyNamed::source));
  ASSERT_EQ(report->rows.size(), count * 48);
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(report->rows[i * 48].source, "source" + std::to_string(i));
  EXPECT_FALSE(told.empty());
  options.tenants = {"tenant3", "tenant4"};
  EXPECT_EQ(verify(options, sources, w)->totals.missing, 3U);
  options.tenants = {"tenantt"};
  EXPECT_FALSE(verify(options, sources, w).has_value());
}

TEST_F(Verify, a_source_that_never_drains_is_given_up) {
  hours_of_peace(1);
  tenant.never_drains = true;
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_LT(tenant.polls, 10'000U);
}

TEST_F(Verify, a_source_that_cannot_be_asked_again_is_neither_missing_nor_proved) {
  hours_of_peace(1);
  tenant.is_deaf_to_time = true;
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.windows(Proof::not_comparable), report.rows.size());
  EXPECT_EQ(report.totals.journaled, 60U);
  EXPECT_EQ(report.totals.unshown, 0U);
}

TEST_F(Verify, a_journal_that_cannot_be_read_proves_nothing) {
  hours_of_peace(1);
  journal.fail_reads(Error(ErrorCode::disk_failed, "reading the journal: input/output error"));
  const VerifyReport report = run();
  EXPECT_FALSE(report.is_proved());
  EXPECT_EQ(report.windows(Proof::not_comparable), report.rows.size());
  EXPECT_NE(report.rows.at(0).why.find("E4002"), std::string::npos);
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
  options.since = std::chrono::hours(1);
  options.until = std::chrono::hours(2);
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
  route.cursor.position = MemoryJournal::position(270);
  routes = {route};
  const VerifyReport report = run();
  const std::string text = to_text(report);
  EXPECT_TRUE(text.starts_with("NOT PROVED: 1 record is missing, 30 records wait since ")) << text;
  EXPECT_NE(text.find("MISSING"), std::string::npos) << text;
  EXPECT_NE(text.find("WAITING"), std::string::npos) << text;
  EXPECT_NE(text.find("missing: mdca activities lost saved "), std::string::npos) << text;
  EXPECT_NE(text.find("capstan verify --repair"), std::string::npos) << text;
  EXPECT_EQ(text.find(" \n"), std::string::npos) << text;
  const auto json = boost::json::parse(to_json(report)).as_object();
  EXPECT_FALSE(json.at("is_proved").as_bool());
  EXPECT_EQ(json.at("proved").at("windows").to_number<int>(), 46);
  EXPECT_EQ(json.at("proved").at("list").as_array().size(), 46U);
  EXPECT_EQ(json.at("missing").at("windows").to_number<int>(), 1);
  EXPECT_EQ(json.at("missing").at("records").to_number<int>(), 1);
  EXPECT_EQ(json.at("missing").at("ids").as_array().at(0).at("id").as_string(), "lost");
  EXPECT_EQ(json.at("waiting").at("windows").to_number<int>(), 1);
  EXPECT_EQ(json.at("waiting").at("records").to_number<int>(), 30);
  EXPECT_EQ(json.at("not_comparable").at("windows").to_number<int>(), 0);
  EXPECT_EQ(json.at("hours").as_array().size(), 48U);
  EXPECT_EQ(json.at("totals").at("missing").to_number<int>(), 1);
  const auto bad = boost::json::parse(to_json(report, {.only_summary = false, .only_bad = true})).as_object();
  EXPECT_EQ(bad.at("hours").as_array().size(), 2U);
  const std::string summary = to_text(report, {.only_summary = true, .only_bad = false});
  EXPECT_EQ(summary.find("WAITING"), std::string::npos) << summary;
  EXPECT_LT(std::ranges::count(summary, '\n'), 15);
}

TEST_F(Verify, the_first_line_says_it_in_one_sentence) {
  hours_of_peace(5);
  EXPECT_EQ(verdict(run()), "proved: nothing is missing; 300 records of 48 windows, all journaled and delivered");
  tenant.shown.push_back(made(70, "lost"));
  options.repair = true;
  EXPECT_EQ(verdict(run(repairable())),
            "proved: nothing is missing; 301 records of 48 windows, all but what is younger than 15m");
  tenant.trouble.emplace("activities", Error(ErrorCode::permission_missing, "polling activities: 403"));
  EXPECT_EQ(verdict(run()), "NOT PROVED: 48 of 48 windows could not be compared");
}

}  // namespace
}  // namespace capstan::runtime
