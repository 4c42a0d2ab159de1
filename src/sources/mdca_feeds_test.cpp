// Alerts and inventories, and how feeds share one tenant.
#include <gtest/gtest.h>

#include "fake_tenant.h"

namespace capstan::mdca {
namespace {

constexpr std::int64_t hour = 3'600'000;
constexpr std::int64_t day = 24 * hour;

class FeedsTest : public testing::Test {
protected:
  HandClock clock;
  FakeTenant tenant{clock};
  std::int64_t now() const { return tenant.server_now(); }
  void let_pass(std::chrono::milliseconds span) { clock.passed += span; }
};

std::optional<net::Response> forbidden() {
  return FakeTenant::json_answer(403, R"({"detail":"Insufficient role based permissions","correlation_id":"x"})");
}

TEST_F(FeedsTest, AlertsArePagedByTimeAndSkip) {
  auto& list = tenant.lists["alerts/"];
  for (int i = 0; i < 1'000; ++i) list.push_back(alert(fmt::format("a{}", i), now() - day + i * 1000));
  for (int i = 0; i < 450; ++i) list.push_back(alert(fmt::format("same{}", i), now() - hour));
  Collector collector(tenant, clock, "feeds: [alerts]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("alerts"), 1'450U);
  EXPECT_EQ(tenant.asked.back().question.at("limit"), 100);
}

TEST_F(FeedsTest, AWindowAskedInAnotherWayHoldsTheSame) {
  auto& alerts = tenant.lists["alerts/"];
  for (int i = 0; i < 1'000; ++i) alerts.push_back(alert(fmt::format("a{}", i), now() - day + i * 1000));
  auto& entities = tenant.lists["entities/"];
  for (int i = 0; i < 250; ++i) entities.push_back({fmt::format(R"({{"_id":"e{}","lastSeen":null}})", i), 0, 0, 0});
  Collector collector(tenant, clock, "feeds: [alerts, entities]\n");
  const Timestamp from = from_epoch_ms(alerts[100].date);
  const Timestamp to = from_epoch_ms(alerts[900].date);
  for (const auto* feed : {"alerts", "entities"}) {
    collector.checkpoint = *collector.source().window({feed, from, to, Manner::otherwise});
    collector.drain();
  }
  EXPECT_EQ(collector.ids("alerts"), 800U);
  EXPECT_EQ(collector.ids("entities"), 250U);
  for (const auto& asked : tenant.asked) EXPECT_EQ(asked.question.at("sortDirection"), "desc");
}

TEST_F(FeedsTest, AnAlertThatChangesIsReadAgainAlsoWhenOld) {
  auto& list = tenant.lists["alerts/"];
  list.push_back(alert("old", now() - 20 * day, R"(,"resolutionStatusValue":0)"));
  for (int i = 0; i < 10; ++i) list.push_back(alert(fmt::format("a{}", i), now() - hour + i));
  Collector collector(tenant, clock, "feeds: [alerts]\nbackfill: 25d\n");
  collector.drain();
  EXPECT_EQ(collector.contents["alerts/old"].size(), 1U);
  list[0] = alert("old", now() - 20 * day, R"(,"resolutionStatusValue":4)");
  let_pass(std::chrono::minutes(6));
  collector.drain();
  EXPECT_EQ(collector.contents["alerts/old"].size(), 2U);
  EXPECT_EQ(collector.source().feeds()[0].repetition, Repetition::by_content);
  const bool asked_open = std::any_of(tenant.asked.begin(), tenant.asked.end(), [](const FakeTenant::Asked& a) {
    return a.question.at("filters").as_object().contains("alertOpen");
  });
  const bool asked_resolved = std::any_of(tenant.asked.begin(), tenant.asked.end(), [](const FakeTenant::Asked& a) {
    return a.question.at("filters").as_object().contains("resolutionDate");
  });
  EXPECT_TRUE(asked_open && asked_resolved);
}

TEST_F(FeedsTest, APersonsFilterOnOpenAlertsIsNotContradicted) {
  Collector collector(tenant, clock,
                      "feeds: [alerts]\nfilters: {alerts: {alertOpen: {eq: false}, severity: {eq: [1, \"2\"]}}}\n");
  tenant.lists["alerts/"].push_back(alert("a", now() - 1000));
  collector.drain();
  let_pass(std::chrono::minutes(6));
  collector.drain();
  for (const auto& asked : tenant.asked) {
    EXPECT_EQ(json::serialize(asked.question.at("filters").at("alertOpen")), R"({"eq":false})");
    EXPECT_EQ(json::serialize(asked.question.at("filters").at("severity")), R"({"eq":[1,"2"]})");
  }
}

TEST_F(FeedsTest, InventoriesAreReadWholeNowAndThen) {
  auto& list = tenant.lists["entities/"];
  for (int i = 0; i < 250; ++i) list.push_back({fmt::format(R"({{"_id":"e{}","lastSeen":null}})", i), 0, 0, 0});
  Collector collector(tenant, clock, "feeds: [entities]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("entities"), 250U);
  list[7].raw = R"({"_id":"e7","lastSeen":"2020-07-19T06:59:24Z"})";
  let_pass(std::chrono::minutes(30));
  const std::size_t asked = tenant.asked.size();
  collector.drain();
  EXPECT_EQ(tenant.asked.size(), asked);
  let_pass(std::chrono::minutes(31));
  collector.drain();
  EXPECT_EQ(collector.contents["entities/e7"].size(), 2U);
  EXPECT_EQ(collector.seen["entities/e8"], 2);
}

TEST_F(FeedsTest, AnInventoryBeyondTheReachOfSkipIsCutByFilters) {
  auto& list = tenant.lists["entities/"];
  for (int i = 0; i < 7'000; ++i) list.push_back({fmt::format(R"({{"_id":"e{}","type":{}}})", i, i % 2 + 1), 0, 0, 0});
  tenant.bend = [&](const std::string&, const json::object& question) -> std::optional<net::Response> {
    const auto& filters = question.at("filters").as_object();
    if (!filters.contains("type")) return std::nullopt;
    const auto& type = filters.at("type").as_object();
    std::vector<std::string> found;
    if (type.contains("eq"))
      for (std::size_t i = 0; i < list.size(); ++i)
        if (static_cast<std::int64_t>(i % 2 + 1) == type.at("eq").as_array()[0].as_int64())
          found.push_back(list[i].raw);
    const auto skip = question.at("skip").to_number<std::size_t>();
    std::string data;
    for (std::size_t i = skip; i < std::min(found.size(), skip + 100); ++i)
      data += (data.empty() ? "" : ",") + found[i];
    return FakeTenant::json_answer(
        200, fmt::format(R"({{"data":[{}],"hasNext":{},"total":{}}})", data, skip + 100 < found.size(), found.size()));
  };
  Collector collector(tenant, clock, "feeds: [entities]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("entities"), 7'000U);
}

TEST_F(FeedsTest, AWholeInventoryIsNotComparedAndNotDoubled) {
  auto& list = tenant.lists["files/"];
  for (int i = 0; i < 350; ++i)
    list.push_back(
        {fmt::format(R"({{"_id":"f{}","modifiedDate":{}}})", i, now() - day + i / 50), 0, now() - day + i / 50, 0});
  Collector collector(tenant, clock, "feeds: [files]\ninventory: whole\n");
  EXPECT_EQ(collector.source().feeds()[0].repetition, Repetition::none);
  collector.drain();
  EXPECT_EQ(collector.ids("files"), 350U);
  let_pass(std::chrono::hours(2));
  collector.drain();
  for (const auto& [id, count] : collector.seen) EXPECT_EQ(count, 2) << id;
}

TEST_F(FeedsTest, FilesGoWithTheirOwnToken) {
  tenant.lists["files/"].push_back({R"({"_id":"f","modifiedDate":1})", 0, 1, 0});
  tenant.lists["alerts/"].push_back(alert("a", now() - 1000));
  Collector collector(tenant, clock, "feeds: [alerts, files]\n");
  collector.drain();
  for (const auto& asked : tenant.asked)
    EXPECT_EQ(asked.authorization, asked.path == "files/" ? "Token files-token" : "Bearer at");
}

TEST_F(FeedsTest, SubnetsHaveFractionalTimes) {
  tenant.lists["subnet/"].push_back({R"({"_id":"s","lastModified":1607952165309.8032})", 0, 0, 0});
  Collector collector(tenant, clock, "feeds: [subnets]\n");
  collector.drain();
  EXPECT_EQ(collector.last_saved, from_epoch_ms(1607952165309));
}

TEST_F(FeedsTest, OneFeedsRefusalDoesNotHoldTheOthers) {
  tenant.lists["activities/"].push_back(activity("a", now() - 1000));
  tenant.lists["entities/"].push_back({R"({"_id":"e"})", 0, 0, 0});
  tenant.bend = [](const std::string& path, const json::object&) {
    return path == "alerts/" ? forbidden() : std::nullopt;
  };
  Collector collector(tenant, clock, "feeds: [alerts, activities, entities]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 1U);
  EXPECT_EQ(collector.ids("entities"), 1U);
  ASSERT_FALSE(collector.errors.empty());
  EXPECT_NE(collector.errors[0].find("Insufficient role based permissions"), std::string::npos);
  EXPECT_EQ(tenant.count("alerts/"), 2U) << "a hold is not hammered";
  tenant.bend = nullptr;
  tenant.lists["alerts/"].push_back(alert("b", now() - 1000));
  let_pass(std::chrono::minutes(6));
  collector.drain();
  EXPECT_EQ(collector.ids("alerts"), 1U) << "a hold is looked at again";
}

TEST_F(FeedsTest, WhenNobodyWorksPollSaysSo) {
  tenant.bend = [](const std::string&, const json::object&) { return forbidden(); };
  Collector collector(tenant, clock, "feeds: [alerts, activities]\n");
  auto poll = collector.poll();
  for (int i = 0; i < 10 && poll; ++i) {
    clock.passed += poll->wait;
    poll = collector.poll();
  }
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().code(), ErrorCode::permission_missing);
  EXPECT_EQ(collector.poll().error().pause(), std::chrono::seconds(15));
  EXPECT_EQ(tenant.asked.size(), 4U) << "each was asked once more, to be sure";
  // Then ever less often.
  clock.passed += std::chrono::hours(1);
  Duration longest{};
  const std::size_t asked = tenant.asked.size();
  for (const auto before = clock.passed; clock.passed < before + std::chrono::hours(1);) {
    poll = collector.poll();
    const Duration wait = poll ? poll->wait : poll.error().pause().value_or(std::chrono::seconds(1));
    longest = std::max(longest, wait);
    clock.passed += wait;
  }
  EXPECT_GT(longest, std::chrono::minutes(4));
  EXPECT_LE(longest, std::chrono::minutes(5));
  EXPECT_LE(tenant.asked.size() - asked, 32U);
}

TEST_F(FeedsTest, ABlipDoesNotHoldAFeed) {
  for (const int status : {401, 403, 404}) {
    FakeTenant other(clock);
    other.lists["alerts/"].push_back(alert("a", other.server_now() - 1000));
    bool was_wrong = false;
    other.bend = [&](const std::string&, const json::object&) -> std::optional<net::Response> {
      if (std::exchange(was_wrong, true)) return std::nullopt;
      return FakeTenant::json_answer(status, R"({"detail":"passing"})");
    };
    Collector collector(other, clock, "feeds: [alerts]\n");
    const auto before = clock.passed;
    collector.drain();
    EXPECT_EQ(collector.ids("alerts"), 1U) << status;
    EXPECT_LE(clock.passed - before, std::chrono::seconds(5)) << status;
    EXPECT_TRUE(collector.errors.empty()) << collector.errors.front();
  }
}

TEST_F(FeedsTest, ASweepThatIsRefusedDoesNotHoldItsFeed) {
  tenant.bend = [](const std::string&, const json::object& question) -> std::optional<net::Response> {
    if (!question.at("filters").as_object().contains("alertOpen")) return std::nullopt;
    return FakeTenant::json_answer(404, R"({"detail":"Not found."})");
  };
  Collector collector(tenant, clock, "feeds: [alerts]\n");
  auto& list = tenant.lists["alerts/"];
  for (int minute = 0; minute < 30; ++minute) {
    list.push_back(alert(fmt::format("a{}", minute), now() - 500));
    let_pass(std::chrono::minutes(1));
    collector.drain();
    EXPECT_EQ(collector.ids("alerts"), list.size()) << minute;
  }
  EXPECT_FALSE(collector.errors.empty());
}

TEST_F(FeedsTest, NeverMoreThanTheBudgetInAnyMinuteAndAlertsFirst) {
  for (int i = 0; i < 400; ++i) tenant.lists["alerts/"].push_back(alert(fmt::format("a{}", i), now() - hour + i));
  for (int i = 0; i < 30'000; ++i)
    tenant.lists["activities/"].push_back(activity(fmt::format("a{}", i), now() - hour + i));
  for (int i = 0; i < 900; ++i) tenant.lists["entities/"].push_back({fmt::format(R"({{"_id":"e{}"}})", i), 0, 0, 0});
  Collector collector(tenant, clock, "page_limit: 500\n", 25);
  collector.drain(5000);
  EXPECT_EQ(collector.ids("activities"), 30'000U);
  EXPECT_EQ(collector.ids("entities"), 900U);
  for (std::size_t i = 25; i < tenant.asked.size(); ++i)
    EXPECT_GE(tenant.asked[i].at - tenant.asked[i - 25].at, std::chrono::seconds(60)) << i;
  std::size_t first_activity = 0;
  while (tenant.asked[first_activity].path != "activities/") ++first_activity;
  EXPECT_GE(first_activity, 5U);
  std::size_t first_entity = 0;
  while (tenant.asked[first_entity].path != "entities/") ++first_entity;
  EXPECT_GT(first_entity, 60U);
}

TEST_F(FeedsTest, AThrottleHoldsEverythingForAsLongAsItSays) {
  for (int i = 0; i < 10; ++i) tenant.lists["alerts/"].push_back(alert(fmt::format("a{}", i), now() - hour + i));
  bool was_throttled = false;
  tenant.bend = [&](const std::string&, const json::object&) -> std::optional<net::Response> {
    if (std::exchange(was_throttled, true)) return std::nullopt;
    return FakeTenant::json_answer(429, R"({"detail":"Request was throttled. Expected available in 23 seconds."})");
  };
  Collector collector(tenant, clock, "feeds: [alerts, activities]\n");
  collector.drain();
  ASSERT_GE(tenant.asked.size(), 2U);
  EXPECT_GE(tenant.asked[1].at - tenant.asked[0].at, std::chrono::seconds(23));
  EXPECT_LE(tenant.asked[1].at - tenant.asked[0].at, std::chrono::seconds(25));
  EXPECT_EQ(collector.ids("alerts"), 10U);
}

TEST_F(FeedsTest, AnHtmlPageIsTriedAgain) {
  tenant.lists["alerts/"].push_back(alert("a", now() - 1000));
  int pages = 0;
  tenant.bend = [&](const std::string&, const json::object&) -> std::optional<net::Response> {
    if (pages++ >= 4) return std::nullopt;
    return FakeTenant::json_answer(200,
                                   "<html><script>var __ADALLOM_CONSTS</script><body>Sign <b>in</b></body></html>");
  };
  Collector collector(tenant, clock, "feeds: [alerts]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("alerts"), 1U);
  EXPECT_NE(collector.errors[0].find("Sign in"), std::string::npos) << collector.errors[0];
}

TEST_F(FeedsTest, ACheckpointOfAnotherVersionIsRefused) {
  Collector collector(tenant, clock);
  for (const auto* text : {"{\"v\":2}", "not json", "[]"}) {
    const auto poll = collector.source().poll({text}, {});
    ASSERT_FALSE(poll) << text;
    EXPECT_EQ(poll.error().code(), ErrorCode::journal_format);
  }
}

TEST_F(FeedsTest, AnIdleSourceDoesNotChangeItsCheckpoint) {
  Collector collector(tenant, clock, "feeds: [alerts]\n");
  collector.drain();
  const auto before = collector.checkpoint;
  const auto poll = collector.poll();
  ASSERT_TRUE(poll);
  EXPECT_EQ(poll->next, before);
  EXPECT_TRUE(poll->is_drained);
  EXPECT_GT(poll->wait, std::chrono::seconds(30));
  EXPECT_LE(poll->wait, std::chrono::minutes(1));
}

TEST(MdcaOptions, MistakesAreFoundWithTheirPlace) {
  HandClock clock;
  FakeTenant http(clock);
  PosixFileSystem files;
  World world{clock, files, http};
  net::TenantOptions options;
  options.name = "contoso";
  options.method = net::TenantOptions::Method::oauth2;
  const auto tenant = std::make_shared<net::Tenant>(options, clock, http);
  BuildContext context{world, "s", [&](std::string_view name) { return name == "contoso" ? tenant : nullptr; }};
  const auto findings_of = [&](const std::string& yaml) {
    config::Findings findings;
    const auto node =
        config::parse(yaml, "c.yaml", {[](const std::string&) { return std::nullopt; }, &files}, findings);
    const auto source = mdca_kind().make(node, context, findings);
    EXPECT_EQ(source == nullptr, findings.has_errors());
    std::string all;
    for (const auto& finding : findings.all()) all += config::to_string(finding) + "\n";
    return all;
  };
  EXPECT_EQ(findings_of("tenant: contoso\n"), "");
  EXPECT_NE(findings_of("tenant: fabrikam\n").find("there is no tenant \"fabrikam\""), std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\nfeeds: [alert]\n").find("did you mean \"alerts\"?"), std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\nfeeds: [files]\n").find("needs files_token"), std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\nsince: yesterday\n").find("expected a date"), std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\nfilters: {activities: {date: {gte: 1}}}\n").find("windows"),
            std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\nfilters: {alerts: {severity: 2}}\n").find("expected an operator"),
            std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\nfilters: {alarms: {severity: {eq: 2}}}\n").find("no feed \"alarms\""),
            std::string::npos);
  EXPECT_NE(findings_of("tenant: contoso\npage_limit: 100\n").find("expected 500 to 5000"), std::string::npos);
}

}  // namespace
}  // namespace capstan::mdca
