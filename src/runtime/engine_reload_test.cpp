// A running engine is given other configurations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <random>
#include <set>
#include <thread>

#include "reload_equipment.h"
#include "runtime/engine.h"

namespace capstan::runtime {
namespace {

using equipment::Inbox;
using equipment::Sea;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Duration soon = std::chrono::seconds(20);

class EngineReloadTest : public testing::Test {
protected:
  void SetUp() override {
    const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        std::filesystem::temp_directory_path() / ("capstan-reload-" + std::to_string(::getpid()) + "-" + info.name());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override {
    for (const auto& [name, inbox] : sea_->inboxes) inbox->hangs_for_ever = false;
    if (engine_) engine_->stop();
    engine_.reset();
    std::filesystem::remove_all(directory_);
  }

  // "road: from one to siem" and whatever else.
  std::string yaml(const std::string& sources, const std::string& sinks, const std::string& routes,
                   const std::string& top = "") const {
    return fmt::format("data_dir: {}\n{}sources: {{{}}}\nsinks: {{{}}}\nroutes: {{{}}}\n", directory_.string(), top,
                       sources, sinks, routes);
  }
  std::string one_road(const std::string& more = "") const {
    return yaml("one: {type: growing}", "siem: {type: inbox}",
                "road: {from: one, encode: {format: raw}, to: siem" + more + "}");
  }

  Replan replan(const std::string& text) {
    return [this, text](const std::vector<TenantPlan>& running,
                        config::Findings& findings) -> Result<std::optional<Plan>> {
      const config::References references{.environment = [](const std::string&) { return "x"; }, .files = &files_};
      const config::Node root = config::parse(text, "capstan.yaml", references, findings);
      return make_plan(root, registry_, world_, findings, running);
    };
  }

  void start(const std::string& text) {
    config::Findings findings;
    auto plan = replan(text)({}, findings);
    ASSERT_TRUE(plan && *plan) << text;
    Engine::Options options;
    options.notify_systemd = false;
    options.finish_within = std::chrono::milliseconds(300);
    options.come_back_within = std::chrono::milliseconds(300);
    auto engine = Engine::start(std::move(**plan), world_, options);
    ASSERT_TRUE(engine) << engine.error().text();
    engine_ = std::move(*engine);
  }

  ReloadReport reload(const std::string& text, ReloadOptions options = {}) {
    auto report = engine_->reload(replan(text), options);
    EXPECT_TRUE(report) << report.error().text();
    return report ? *report : ReloadReport{};
  }

  bool becomes(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + soon;
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  std::vector<std::string> taken(const std::string& inbox) { return sea_->inbox(inbox)->taken(); }
  bool has_all(const std::string& inbox, std::size_t count) {
    const auto messages = taken(inbox);
    return std::set<std::string>(messages.begin(), messages.end()).size() >= count;
  }
  void grow_to(std::uint64_t records, const std::string& inbox = "siem") {
    sea_->records = records;
    ASSERT_TRUE(becomes([&] { return has_all(inbox, records); })) << taken(inbox).size();
  }
  RouteStatus route(const std::string& name) const {
    for (const RouteStatus& one : engine_->status().routes)
      if (one.name == name) return one;
    return {};
  }

  std::filesystem::path directory_;
  SystemClock clock_;
  PosixFileSystem files_;
  equipment::NoHttp http_;
  World world_{clock_, files_, http_};
  std::shared_ptr<Sea> sea_ = std::make_shared<Sea>();
  Registry registry_ = equipment::registry_of(sea_);
  std::unique_ptr<Engine> engine_;
};

std::vector<std::string> ids(std::string_view source, int first, int end) {
  std::vector<std::string> all;
  for (int n = first; n < end; ++n) all.push_back(fmt::format("{}-{}", source, n));
  return all;
}

TEST_F(EngineReloadTest, the_same_configuration_changes_nothing) {
  start(one_road());
  grow_to(20);
  const ReloadReport report = reload(one_road());
  EXPECT_EQ(report.outcome, ReloadOutcome::unchanged);
  EXPECT_TRUE(report.difference.is_empty());
  grow_to(40);
  EXPECT_EQ(taken("siem"), ids("one", 0, 40));
  EXPECT_THAT(sea_->inbox("siem")->resumed_with, SizeIs(1));
  EXPECT_FALSE(sea_->inbox("siem")->is_closed);
  EXPECT_EQ(engine_->status().reload.unchanged, 1U);
}

TEST_F(EngineReloadTest, findings_change_nothing_and_are_all_told) {
  start(one_road());
  grow_to(20);
  const ReloadReport report = reload(
      yaml("one: {type: growing, note: other}", "siem: {type: inbox, colour: red}",
           "road: {from: two, encode: {format: raw}, to: siem}, query: {from: one, encode: {format: raw}, to: siem, "
           "query: 'source | wher 1'}"));
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  EXPECT_GE(report.findings.all().size(), 3U);
  grow_to(40);
  EXPECT_EQ(taken("siem"), ids("one", 0, 40));
  EXPECT_THAT(sea_->inbox("siem")->resumed_with, SizeIs(1));
  const ReloadStatus status = engine_->status().reload;
  EXPECT_EQ(status.refused, 1U);
  EXPECT_EQ(status.last_outcome, "refused");
  EXPECT_THAT(status.last_summary, HasSubstr("capstan.yaml:"));
}

TEST_F(EngineReloadTest, what_needs_a_restart_is_refused) {
  start(one_road());
  const std::string changed =
      yaml("one: {type: growing}", "siem: {type: inbox}",
           "road: {from: one, encode: {format: raw}, to: siem, feeds: [activities]}", "journal: {max_age: 1h}\n");
  const ReloadReport report = reload(changed);
  EXPECT_EQ(report.outcome, ReloadOutcome::refused);
  ASSERT_THAT(report.findings.all(), SizeIs(1));
  EXPECT_EQ(report.findings.all()[0].code, ErrorCode::needs_restart);
  EXPECT_THAT(config::to_string(report.findings.all()[0]), HasSubstr("capstan.yaml:2:20: journal.max_age"));
  EXPECT_EQ(engine_->status().routes.at(0).feeds, std::vector<std::string>{});
}

TEST_F(EngineReloadTest, a_file_that_cannot_be_read_changes_nothing) {
  start(one_road());
  const auto report = engine_->reload(
      [](const std::vector<TenantPlan>&, config::Findings&) -> Result<std::optional<Plan>> {
        return Error(ErrorCode::unreadable_file, "reading the configuration: no such file");
      },
      {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::unreadable_file);
  EXPECT_EQ(engine_->status().reload.failed, 1U);
  grow_to(10);
}

TEST_F(EngineReloadTest, a_changed_route_goes_on_where_it_was) {
  start(one_road());
  grow_to(50);
  const ReloadReport report = reload(one_road(", query: 'source | where n % 2 == 0'"));
  EXPECT_EQ(report.outcome, ReloadOutcome::changed);
  EXPECT_THAT(report.given_up, IsEmpty());
  EXPECT_EQ(summary(report.difference), "1 route changed; 3 parts kept");
  sea_->records = 100;
  ASSERT_TRUE(becomes([&] { return route("road").dropped == 25 && route("road").delivered == 75; }));
  std::vector<std::string> expected = ids("one", 0, 50);
  for (int n = 50; n < 100; n += 2) expected.push_back(fmt::format("one-{}", n));
  EXPECT_EQ(taken("siem"), expected);
  // The destination's receipt is handed over, so a file goes on where it was.
  ASSERT_THAT(sea_->inbox("siem")->resumed_with, SizeIs(2));
  EXPECT_EQ(sea_->inbox("siem")->resumed_with[1], "50 messages");
  EXPECT_EQ(route("road").resent, 0U);
}

TEST_F(EngineReloadTest, only_showing_changes_nothing) {
  start(one_road());
  grow_to(10);
  const ReloadReport report = reload(one_road(", query: 'source | where false'"), {.only_shows = true});
  EXPECT_EQ(report.outcome, ReloadOutcome::changed);
  EXPECT_EQ(to_text(report.difference), "  changed route road: query\n");
  grow_to(20);
  EXPECT_THAT(sea_->inbox("siem")->resumed_with, SizeIs(1));
  EXPECT_FALSE(engine_->status().reload.last);
}

TEST_F(EngineReloadTest, kept_routes_do_not_notice) {
  const auto two = [&](const std::string& more) {
    return yaml("one: {type: growing}", "siem: {type: inbox}, soc: {type: inbox}",
                "road: {from: one, encode: {format: raw}, to: siem}, path: {from: one, encode: {format: raw}, to: soc" +
                    more + "}");
  };
  start(two(""));
  grow_to(20);
  for (int n = 0; n < 5; ++n) reload(two(fmt::format(", batch: {{max_events: {}}}", n + 1)));
  grow_to(40);
  grow_to(40, "soc");
  EXPECT_EQ(taken("siem"), ids("one", 0, 40));
  EXPECT_EQ(taken("soc"), ids("one", 0, 40));
  EXPECT_THAT(sea_->inbox("siem")->resumed_with, SizeIs(1));
  EXPECT_FALSE(sea_->inbox("siem")->is_closed);
  // A runner that is replaced before its first step has nothing to resume.
  EXPECT_THAT(sea_->inbox("soc")->resumed_with, SizeIs(testing::AllOf(testing::Ge(2U), testing::Le(6U))));
}

TEST_F(EngineReloadTest, a_new_route_begins_at_the_oldest_record_and_a_removed_one_is_forgotten) {
  start(one_road());
  grow_to(30);
  const std::string two =
      yaml("one: {type: growing}", "siem: {type: inbox}, soc: {type: inbox}",
           "road: {from: one, encode: {format: raw}, to: siem}, path: {from: one, encode: {format: raw}, to: soc}");
  reload(two);
  grow_to(40, "soc");
  EXPECT_EQ(taken("soc"), ids("one", 0, 40));
  EXPECT_THAT(engine_->status().routes, SizeIs(2));
  EXPECT_EQ(reload(one_road()).outcome, ReloadOutcome::changed);
  EXPECT_TRUE(sea_->inbox("soc")->is_closed);
  EXPECT_THAT(engine_->status().routes, SizeIs(1));
  reload(two);
  ASSERT_TRUE(becomes([&] { return taken("soc").size() == 80; }));  // all of them once more
  EXPECT_EQ(route("path").delivered, 40U);
  EXPECT_EQ(taken("siem"), ids("one", 0, 40));
}

TEST_F(EngineReloadTest, a_renamed_route_is_a_new_one_and_waits_for_the_sink) {
  start(one_road());
  grow_to(10);
  reload(yaml("one: {type: growing}", "siem: {type: inbox}", "street: {from: one, encode: {format: raw}, to: siem}"));
  ASSERT_TRUE(becomes([&] { return taken("siem").size() == 20; }));
  EXPECT_EQ(route("street").delivered, 10U);
  EXPECT_EQ(route("road").name, "");
}

TEST_F(EngineReloadTest, sources_come_change_and_go) {
  start(one_road());
  grow_to(30);
  const std::string both =
      yaml("one: {type: growing, note: changed}, two: {type: growing, feeds: [activities, alerts]}",
           "siem: {type: inbox}, soc: {type: inbox}",
           "road: {from: one, encode: {format: raw}, to: siem}, path: {from: [one, two], encode: {format: raw}, to: "
           "soc}");
  EXPECT_EQ(reload(both).outcome, ReloadOutcome::changed);
  sea_->records = 60;
  ASSERT_TRUE(becomes([&] { return has_all("soc", 120); }));
  grow_to(60);
  EXPECT_EQ(taken("siem"), ids("one", 0, 60));  // the changed source went on from its checkpoint
  EXPECT_THAT(taken("soc"), SizeIs(120));
  EXPECT_EQ(engine_->status().sources.at(0).journal.records, 60U);
  // Other feeds mean another id index; what it knew it knows again.
  const std::string other_feeds =
      yaml("one: {type: growing, feeds: [alerts, activities]}, two: {type: growing}",
           "siem: {type: inbox}, soc: {type: inbox}",
           "road: {from: one, encode: {format: raw}, to: siem}, path: {from: [one, two], encode: {format: raw}, to: "
           "soc}");
  EXPECT_EQ(reload(other_feeds).outcome, ReloadOutcome::changed);
  EXPECT_EQ(engine_->status().sources.at(0).index_size, 60U);
  grow_to(70);
  EXPECT_EQ(reload(one_road()).outcome, ReloadOutcome::changed);
  EXPECT_THAT(engine_->status().sources, SizeIs(1));
  grow_to(80);
  EXPECT_EQ(taken("siem"), ids("one", 0, 80));
  // It comes back with its journal and goes on from there.
  sea_->inbox("soc")->taken();
  const std::size_t before = taken("soc").size();
  EXPECT_EQ(reload(other_feeds).outcome, ReloadOutcome::changed);
  ASSERT_TRUE(becomes([&] { return taken("soc").size() == before + 160; })) << taken("soc").size() - before;
  for (const SourceStatus& source : engine_->status().sources) EXPECT_EQ(source.journal.records, 80U) << source.name;
}

TEST_F(EngineReloadTest, a_source_whose_poll_does_not_come_back_is_interrupted) {
  start(yaml("one: {type: growing, hangs: true}", "siem: {type: inbox}",
             "road: {from: one, encode: {format: raw}, to: siem}"));
  ASSERT_TRUE(becomes([&] { return sea_->polls_hanging == 1; }));
  const ReloadReport report = reload(one_road());
  EXPECT_THAT(report.given_up, IsEmpty());
  EXPECT_EQ(sea_->polls_hanging, 0);
  grow_to(20);
}

TEST_F(EngineReloadTest, a_slow_payload_may_finish) {
  start(one_road());
  sea_->inbox("siem")->hangs_for_ever = true;
  sea_->records = 5;
  ASSERT_TRUE(becomes([&] { return sea_->inbox("siem")->delivering == 1; }));
  auto report = std::async(std::launch::async, [&] { return reload(one_road(", batch: {max_events: 3}")); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  sea_->inbox("siem")->hangs_for_ever = false;
  EXPECT_THAT(report.get().given_up, IsEmpty());
  grow_to(20);
  EXPECT_EQ(taken("siem"), ids("one", 0, 20));  // nothing twice
}

TEST_F(EngineReloadTest, a_sink_that_hangs_for_ever_is_left_alone_and_counts_no_more) {
  const auto to = [&](const std::string& sink) {
    return yaml("one: {type: growing}", "dead: {type: inbox}, siem: {type: inbox}, soc: {type: inbox}",
                "road: {from: one, encode: {format: raw}, to: " + sink +
                    ", batch: {max_events: 10}}, path: {from: one, encode: {format: raw}, to: soc}");
  };
  start(to("dead"));
  grow_to(30, "dead");
  sea_->inbox("dead")->hangs_for_ever = true;
  sea_->records = 60;
  ASSERT_TRUE(becomes([&] { return sea_->inbox("dead")->delivering == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  const ReloadReport report = reload(to("siem"));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(report.outcome, ReloadOutcome::changed);
  EXPECT_THAT(report.given_up, ElementsAre("route road"));
  EXPECT_LT(took, std::chrono::seconds(3));
  ASSERT_TRUE(becomes([&] { return taken("siem").size() == 30; }));
  EXPECT_EQ(taken("siem"), ids("one", 30, 60));  // exactly from where the dead one was acknowledged
  const RouteStatus before = route("road");
  // It comes back after all and has delivered: that is the double that is allowed, and it moves nothing.
  sea_->inbox("dead")->hangs_for_ever = false;
  ASSERT_TRUE(becomes([&] { return sea_->inbox("dead")->is_closed.load(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));  // longer than cursors wait to be written
  EXPECT_LE(taken("dead").size(), 40U);                         // one payload, not more
  EXPECT_EQ(route("road").delivered, before.delivered);
  EXPECT_EQ(route("road").delivered, 60U);
  // Not in the journal either: a start would begin where the late acknowledgement had put it.
  engine_->stop();
  engine_.reset();
  start(to("siem"));
  sea_->records = 90;
  ASSERT_TRUE(becomes([&] { return taken("siem").size() == 60; }));
  EXPECT_EQ(taken("siem"), ids("one", 30, 90));
  EXPECT_EQ(taken("soc").size(), 90U);
}

TEST_F(EngineReloadTest, what_a_dead_destination_may_have_lost_goes_to_the_next_one) {
  const auto to = [&](const std::string& sink) {
    return yaml("one: {type: growing}", "dead: {type: inbox}, siem: {type: inbox}",
                "road: {from: one, encode: {format: raw}, to: " + sink + "}");
  };
  sea_->inbox("dead")->doubt = 1_MiB;
  start(to("dead"));
  grow_to(30, "dead");
  ASSERT_TRUE(becomes([&] { return route("road").backlog_bytes == 0; }));
  {
    const std::lock_guard lock(sea_->inbox("dead")->mutex);
    sea_->inbox("dead")->errors.assign(9, Error(ErrorCode::destination_closed, "delivering: it is gone"));
  }
  reload(to("siem"));
  grow_to(40);
  EXPECT_EQ(taken("siem"), ids("one", 0, 40));
  EXPECT_EQ(route("road").delivered, 40U);
  EXPECT_EQ(route("road").resent, 30U);
  EXPECT_FALSE(route("road").cursors.at(0).cursor.unsure_from);
}

TEST_F(EngineReloadTest, a_removed_source_may_still_be_read_by_a_sink_that_hangs) {
  start(yaml("one: {type: growing}, two: {type: growing}", "siem: {type: inbox}, dead: {type: inbox}",
             "road: {from: one, encode: {format: raw}, to: siem}, lost: {from: two, encode: {format: raw}, to: dead}"));
  sea_->inbox("dead")->hangs_for_ever = true;
  grow_to(30);
  ASSERT_TRUE(becomes([&] { return sea_->inbox("dead")->delivering == 1; }));
  EXPECT_THAT(reload(one_road()).given_up, ElementsAre("route lost"));
  EXPECT_THAT(engine_->status().sources, SizeIs(1));
  sea_->inbox("dead")->hangs_for_ever = false;
  ASSERT_TRUE(becomes([&] { return sea_->inbox("dead")->is_closed.load(); }));
  grow_to(60);
  EXPECT_EQ(taken("siem"), ids("one", 0, 60));
}

TEST_F(EngineReloadTest, one_at_a_time) {
  start(one_road());
  sea_->inbox("siem")->hangs_for_ever = true;
  sea_->records = 5;
  ASSERT_TRUE(becomes([&] { return sea_->inbox("siem")->delivering == 1; }));
  auto first = std::async(std::launch::async, [&] { return reload(one_road(", batch: {max_events: 3}")); });
  auto second = std::async(std::launch::async, [&] { return reload(one_road(", batch: {max_events: 4}")); });
  first.get();
  second.get();
  sea_->inbox("siem")->hangs_for_ever = false;
  EXPECT_EQ(engine_->status().reload.changed, 2U);
  grow_to(20);
}

TEST_F(EngineReloadTest, a_stop_does_not_wait_for_a_reload_and_no_reload_comes_after_it) {
  start(one_road());
  sea_->inbox("siem")->hangs = true;
  sea_->records = 5;
  ASSERT_TRUE(becomes([&] { return sea_->inbox("siem")->delivering == 1; }));
  auto report =
      std::async(std::launch::async, [&] { return engine_->reload(replan(one_road(", batch: {max_events: 3}")), {}); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  engine_->stop();
  const auto stopped = report.get();
  EXPECT_TRUE(stopped || stopped.error().code() == ErrorCode::interrupted);
  const auto late = engine_->reload(replan(one_road()), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::interrupted);
}

TEST_F(EngineReloadTest, places_survive_a_restart_after_reloads) {
  start(one_road());
  grow_to(20);
  reload(one_road(", batch: {max_events: 3}"));
  grow_to(40);
  engine_->stop();
  engine_.reset();
  start(one_road(", batch: {max_events: 3}"));
  grow_to(60);
  EXPECT_EQ(taken("siem"), ids("one", 0, 60));
}

// Whatever comes, goes and changes while records flow: each route of an unbroken name has every record once and in
// order, and one that was away has each of them once since it came back.
TEST_F(EngineReloadTest, fifty_reloads_lose_nothing_and_double_nothing) {
  std::mt19937 dice(20261124);
  const auto roll = [&](int sides) { return static_cast<int>(dice() % static_cast<unsigned>(sides)); };
  const auto configuration = [&](bool has_third) {
    return yaml(
        fmt::format("one: {{type: growing, note: n{}}}, two: {{type: growing, note: n{}}}", roll(2), roll(2)),
        fmt::format("siem: {{type: inbox, note: n{}}}, soc: {{type: inbox}}, third: {{type: inbox}}", roll(2)),
        fmt::format("road: {{from: one, encode: {{format: raw}}, to: siem, batch: {{max_events: {}}}}}, path: {{from: "
                    "[one, two], encode: {{format: raw, note: n{}}}, to: soc}}{}",
                    5 + roll(3), roll(2), has_third ? ", third: {from: two, encode: {format: raw}, to: third}" : ""));
  };
  start(configuration(true));
  int came = 1;
  bool had_third = true;
  std::uint64_t changed = 0;
  for (int n = 0; n < 50; ++n) {
    sea_->records += static_cast<std::uint64_t>(roll(60));
    if (roll(3) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(roll(20)));
    const bool has_third = roll(4) != 0;
    const ReloadReport report = reload(configuration(has_third));
    ASSERT_NE(report.outcome, ReloadOutcome::refused);
    EXPECT_THAT(report.given_up, IsEmpty());
    changed += report.outcome == ReloadOutcome::changed ? 1U : 0U;
    came += !had_third && has_third ? 1 : 0;
    had_third = has_third;
  }
  EXPECT_GT(changed, 30U);
  reload(configuration(false));
  sea_->records += 100;
  const std::size_t total = sea_->records;
  ASSERT_TRUE(becomes([&] { return has_all("siem", total) && has_all("soc", 2 * total); }));
  const int count = static_cast<int>(total);
  EXPECT_EQ(taken("siem"), ids("one", 0, count));
  std::vector<std::string> from_one;
  std::vector<std::string> from_two;
  for (const std::string& id : taken("soc")) (id.starts_with("one") ? from_one : from_two).push_back(id);
  EXPECT_EQ(from_one, ids("one", 0, count));
  EXPECT_EQ(from_two, ids("two", 0, count));
  // Every stay of the third route began at record 0 and went on in order.
  int stays = 0;
  int next = 0;
  for (const std::string& id : taken("third")) {
    const int number = std::stoi(id.substr(4));
    if (number == 0) {
      ++stays;
      next = 0;
    }
    ASSERT_EQ(number, next++) << id;
  }
  EXPECT_LE(stays, came);
  EXPECT_GE(stays, 1);
  EXPECT_EQ(route("road").delivered, total);
  EXPECT_EQ(route("path").delivered, 2 * total);
  for (const SourceStatus& source : engine_->status().sources) EXPECT_EQ(source.journal.records, total);
}

}  // namespace
}  // namespace capstan::runtime
