// An archive that refuses: a blip is no refusal, a refusal skips nothing, and nothing is proved where it was not read.
#include <gtest/gtest.h>

#include "activities_fixture.h"

namespace capstan::mdca {
namespace {

using ArchiveTest = ActivitiesFixture;

TEST_F(ArchiveTest, ABlipOfTheArchiveIsNoRefusal) {
  auto& archive = tenant.lists["archived_activities/"];
  archive.push_back(activity("old", now() - 40 * day));
  fill(10, now() - hour, 1'000);
  for (const int status : {400, 403, 404}) {
    int times = 0;
    tenant.bend = [&](const std::string& path, const json::object&) -> std::optional<net::Response> {
      if (path != "archived_activities/" || ++times > 1) return std::nullopt;
      return FakeTenant::json_answer(status, R"({"detail":"passing"})");
    };
    Collector collector(tenant, clock, only_activities + "backfill: 90d\n");
    collector.drain();
    EXPECT_TRUE(collector.seen.contains("activities/old")) << status;
    EXPECT_EQ(note(collector), "") << status;
  }
}

TEST_F(ArchiveTest, AnArchiveThatRefusedIsAskedAgainTheNextDayAndNothingIsSkipped) {
  fill(10, now() - hour, 1'000);
  auto& archive = tenant.lists["archived_activities/"];
  bool refuses = true;
  tenant.bend = [&](const std::string& path, const json::object&) -> std::optional<net::Response> {
    if (path != "archived_activities/" || !refuses) return std::nullopt;
    return FakeTenant::json_answer(404, R"({"detail":"Not found."})");
  };
  archive.push_back(activity("old", now() - 60 * day));
  Collector collector(tenant, clock, only_activities + "backfill: 90d\n");
  collector.drain();
  EXPECT_NE(note(collector).find("archive refuses"), std::string::npos);
  FakeRecord lately = activity("lately", now() - 1'000);
  lately.date = now() - 45 * day;
  archive.push_back(lately);
  const std::size_t asked = tenant.count("archived_activities/");
  clock.passed += std::chrono::hours(23);
  collector.drain();
  EXPECT_EQ(tenant.count("archived_activities/"), asked) << "it is not asked all day long";
  refuses = false;
  for (int i = 0; i < 4; ++i) {
    clock.passed += std::chrono::hours(1);
    collector.drain();
  }
  EXPECT_TRUE(collector.seen.contains("activities/lately"));
  EXPECT_TRUE(collector.seen.contains("activities/old"));
}

TEST_F(ArchiveTest, AShortArchiveThatRefusesCreatedIsReadWholeEveryDay) {
  fill(10, now() - hour, 1'000);
  auto& archive = tenant.lists["archived_activities/"];
  tenant.bend = [&](const std::string& path, const json::object& question) -> std::optional<net::Response> {
    if (path != "archived_activities/" || !question.at("filters").as_object().contains("created")) return std::nullopt;
    return FakeTenant::json_answer(400, R"({"filters":[{"error":"created is not valid"}],"error":true})");
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  FakeRecord lately = activity("lately", now() - 1'000);
  lately.date = now() - 45 * day;
  archive.push_back(lately);
  for (int i = 0; i < 26; ++i) {
    clock.passed += std::chrono::hours(1);
    collector.drain();
  }
  EXPECT_TRUE(collector.seen.contains("activities/lately"));
  EXPECT_LE(tenant.count("archived_activities/"), 16U);
}

TEST_F(ArchiveTest, AWindowBeyondAnArchiveThatRefusesProvesNothing) {
  tenant.bend = [&](const std::string& path, const json::object&) -> std::optional<net::Response> {
    if (path != "archived_activities/") return std::nullopt;
    return FakeTenant::json_answer(404, R"({"detail":"Not found."})");
  };
  fill(10, now() - hour, 1'000);
  for (const auto* archive : {"", "archive: false\n"}) {
    Collector collector(tenant, clock, only_activities + archive);
    collector.checkpoint =
        *collector.source().window({"activities", from_epoch_ms(now() - 40 * day), from_epoch_ms(now() - 39 * day)});
    for (int i = 0; i < 20; ++i) {
      const auto poll = collector.poll();
      clock.passed += poll ? poll->wait : poll.error().pause().value_or(std::chrono::seconds(1));
    }
    ASSERT_FALSE(collector.errors.empty());
    EXPECT_NE(collector.errors.back().find("[E2022]"), std::string::npos) << collector.errors.back();
  }
}

}  // namespace
}  // namespace capstan::mdca
