// A service that does against its contract what it can: everything it shows arrives all the same, each fault is said,
// and no walk asks without end.
#include <gtest/gtest.h>

#include "fake_tenant.h"

namespace capstan::mdca {
namespace {

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
const std::string only_activities = "feeds: [activities]\n";

class MisbehaviourTest : public testing::Test {
protected:
  HandClock clock;
  FakeTenant tenant{clock};
  std::vector<FakeRecord>& list = tenant.lists["activities/"];

  std::int64_t now() const { return tenant.server_now(); }
  void fill(int count, std::int64_t first, std::int64_t step) {
    for (int i = 0; i < count; ++i) list.push_back(activity(fmt::format("a{:05}", i), first + i * step));
  }
  void fill_entities(int count) {
    for (int i = 0; i < count; ++i)
      tenant.lists["entities/"].push_back({fmt::format(R"({{"_id":"e{}","type":{}}})", i, i % 2 + 1), i, i, 0});
  }
  void expect_all(const Collector& collector) {
    EXPECT_EQ(collector.ids("activities"), list.size());
    EXPECT_EQ(collector.passed_over, 0U);
  }
  // Some minutes of the life of a source: each brings something new.
  void live(Collector& collector, int minutes) {
    for (int i = 0; i < minutes; ++i) {
      list.push_back(activity(fmt::format("live{:05}", list.size()), now() - 500));
      clock.passed += std::chrono::minutes(1);
      collector.drain();
    }
  }
  static std::string id_of(const FakeRecord& record) {
    return std::string(json::parse(record.raw).as_object().at("_id").as_string());
  }
  std::string note(const Collector& collector, const std::string& feed = "activities") {
    const auto found = collector.notes.find(feed);
    return found == collector.notes.end() ? "" : found->second;
  }
};

// --- pages that are empty and say that there is more ---

TEST_F(MisbehaviourTest, AnEmptyPageWhosePointerMovedIsAskedForAgain) {
  fill(1'100, now() - 20 * hour, minute);
  for (const auto* way : {"moved", "same", "none"}) {
    int lost = 0;
    tenant.twist = [&](const std::string& path, const json::object& question, json::object& answer) {
      if (path != "activities/" || !question.contains("isScan") || lost++ > 0) return;
      answer["data"] = json::array();
      answer["hasNext"] = true;
      answer["nextQueryFilters"] = question.at("filters");
      if (std::string_view(way) == "moved")
        answer["nextQueryFilters"].as_object()["created"] = json::object{{"gte", now() - hour}};
      if (std::string_view(way) == "none") answer.erase("nextQueryFilters");
    };
    Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
    const std::size_t before = tenant.asked.size();
    collector.drain();
    expect_all(collector);
    EXPECT_GE(lost, 2) << way;
    EXPECT_LE(tenant.asked.size() - before, 10U) << way;
    EXPECT_NE(note(collector).find("pages without records"), std::string::npos) << note(collector);
  }
}

TEST_F(MisbehaviourTest, ItIsAskedForAgainAfterAPauseAndWithAnotherPageSize) {
  fill(100, now() - hour, 1'000);
  int lost = 0;
  tenant.twist = [&](const std::string&, const json::object& question, json::object& answer) {
    if (!question.contains("isScan") || lost++ > 0) return;
    answer["data"] = json::array();
    answer["hasNext"] = true;
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  ASSERT_GE(tenant.asked.size(), 3U);
  EXPECT_GE(tenant.asked[2].at - tenant.asked[1].at, std::chrono::seconds(1));
  EXPECT_NE(tenant.asked[2].question.at("limit"), tenant.asked[1].question.at("limit"));
}

TEST_F(MisbehaviourTest, OnlyEmptyPagesEndAndAreAskedForAgainLater) {
  fill(300, now() - hour, 1'000);
  bool is_broken = true;
  tenant.twist = [&](const std::string&, const json::object&, json::object& answer) {
    if (!is_broken) return;
    answer["data"] = json::array();
    answer["hasNext"] = true;
    answer["total"] = 77;
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  EXPECT_LE(tenant.asked.size(), 12U);
  EXPECT_NE(note(collector).find("pages without records"), std::string::npos);
  is_broken = false;
  clock.passed += std::chrono::minutes(1);
  collector.drain();
  expect_all(collector);
}

TEST_F(MisbehaviourTest, AWindowOfEmptyPagesProvesNothing) {
  fill(300, now() - hour, 1'000);
  tenant.twist = [&](const std::string&, const json::object&, json::object& answer) {
    answer["data"] = json::array();
    answer["hasNext"] = true;
  };
  for (const auto manner : {Manner::usual, Manner::otherwise}) {
    Collector collector(tenant, clock, only_activities);
    collector.checkpoint =
        *collector.source().window({"activities", from_epoch_ms(now() - 2 * hour), from_epoch_ms(now()), manner});
    for (int i = 0; i < 40; ++i) {
      const auto poll = collector.poll();
      clock.passed += poll ? poll->wait : poll.error().pause().value_or(std::chrono::seconds(1));
    }
    ASSERT_FALSE(collector.errors.empty());
    EXPECT_NE(collector.errors.back().find("[E2022]"), std::string::npos) << collector.errors.back();
  }
}

// --- what is ignored ---

TEST_F(MisbehaviourTest, AnInventoryThatIgnoresSkipEnds) {
  fill_entities(5'000);
  tenant.page_cap = 100;
  tenant.ignores_limit = true;
  tenant.mishear = [](const std::string&, json::object& question) {
    question["skip"] = 0;
    question["filters"] = json::object();
    question.erase("sortDirection");
    question.erase("sortField");
  };
  Collector collector(tenant, clock, "feeds: [entities]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("entities"), 100U);
  EXPECT_LE(tenant.asked.size(), 12U);
  EXPECT_NE(note(collector, "entities").find("the same page comes again"), std::string::npos);
}

TEST_F(MisbehaviourTest, WithoutSkipAnInventoryIsReadFromBothEndsAndInParts) {
  fill_entities(180);
  tenant.mishear = [](const std::string&, json::object& question) { question["skip"] = 0; };
  Collector collector(tenant, clock, "feeds: [entities]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("entities"), 180U);
  EXPECT_LE(tenant.asked.size(), 20U);
}

TEST_F(MisbehaviourTest, AnInventoryThatIgnoresOnlyItsPartsEnds) {
  fill_entities(12'000);
  Collector collector(tenant, clock, "feeds: [entities]\n");
  collector.drain(5'000);
  EXPECT_EQ(collector.ids("entities"), 10'000U) << "5,000 from each end";
  EXPECT_LE(tenant.asked.size(), 1'000U);
}

TEST_F(MisbehaviourTest, AlertsWhoseSkipIsIgnoredAreReadByTime) {
  auto& alerts = tenant.lists["alerts/"];
  for (int i = 0; i < 1'000; ++i) alerts.push_back(alert(fmt::format("a{}", i), now() - day + i * 1000));
  tenant.mishear = [](const std::string&, json::object& question) { question["skip"] = 0; };
  Collector collector(tenant, clock, "feeds: [alerts]\n");
  collector.drain();
  EXPECT_EQ(collector.ids("alerts"), 1'000U);
  EXPECT_LE(tenant.asked.size(), 20U);
}

TEST_F(MisbehaviourTest, ACrowdWithoutSkipIsToldApartByTheOtherTime) {
  const std::int64_t at = now() - hour;
  for (int i = 0; i < 800; ++i) {
    list.push_back(activity(fmt::format("same{}", i), at));
    list.back().date = at - i * 1'000;
    list.back().raw = fmt::format(R"({{"_id":"same{}","timestamp":{},"created":{}}})", i, at - i * 1'000, at);
  }
  fill(100, at + 1, 1'000);
  tenant.scan_cap = 100;
  tenant.mishear = [](const std::string&, json::object& question) {
    if (question.contains("skip")) question["skip"] = 0;
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  EXPECT_LE(tenant.asked.size(), 40U);
}

TEST_F(MisbehaviourTest, ATenantThatIgnoresFiltersIsReadFromItsNewestRecordDown) {
  fill(20'000, now() - 10 * day, 43'200);
  tenant.mishear = [](const std::string&, json::object& question) { question["filters"] = json::object(); };
  tenant.scan_cap = 500;
  tenant.page_cap = 100;
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  for (const auto& record : list) {
    if (record.created < now() - 2 * day + minute) continue;
    EXPECT_TRUE(collector.seen.contains("activities/" + id_of(record)));
  }
  EXPECT_NE(note(collector).find("ignores filters"), std::string::npos);
  // Once it has caught up a minute costs a few questions, and what is old does not come again and again.
  const auto before = collector.seen;
  const std::size_t asked = tenant.asked.size();
  live(collector, 10);
  EXPECT_LE(tenant.asked.size() - asked, 80U);
  EXPECT_EQ(collector.seen.size(), before.size() + 10);
  for (const auto& [id, count] : collector.seen) {
    const auto old = before.find(id);
    if (old == before.end() || count == old->second) continue;
    EXPECT_GE(id, "activities/a14500") << "what was saved days ago may have been forgotten, and would come double";
  }
}

TEST_F(MisbehaviourTest, AWindowDropsWhatItWasNotAskedFor) {
  fill(1'000, now() - 10 * hour, 30'000);
  tenant.mishear = [](const std::string&, json::object& question) { question["filters"] = json::object(); };
  for (const auto manner : {Manner::usual, Manner::otherwise}) {
    Collector collector(tenant, clock, only_activities);
    collector.checkpoint = *collector.source().window(
        {"activities", from_epoch_ms(list[100].created), from_epoch_ms(list[200].created), manner});
    collector.drain();
    EXPECT_EQ(collector.ids("activities"), 100U);
    EXPECT_TRUE(collector.seen.contains("activities/a00100"));
    EXPECT_FALSE(collector.seen.contains("activities/a00200"));
    EXPECT_TRUE(collector.errors.empty()) << collector.errors.front();
    EXPECT_NE(note(collector).find("outside of the time asked for"), std::string::npos) << note(collector);
  }
}

TEST_F(MisbehaviourTest, ATenantThatIgnoresTheOrderIsReadAllTheSame) {
  fill(3'000, now() - 10 * hour, 10'000);
  tenant.scan_cap = 500;
  tenant.page_cap = 100;
  tenant.mishear = [](const std::string&, json::object& question) {
    question.erase("sortField");
    question["sortDirection"] = "desc";
  };
  for (const bool has_pointers : {true, false}) {
    tenant.twist = [&](const std::string&, const json::object&, json::object& answer) {
      if (!has_pointers) answer.erase("nextQueryFilters");
    };
    Collector collector(tenant, clock, only_activities);
    const std::size_t before = tenant.asked.size();
    collector.drain();
    expect_all(collector);
    EXPECT_LE(tenant.asked.size() - before, 90U);
    EXPECT_NE(note(collector).find("ignores the order"), std::string::npos);
  }
}

TEST_F(MisbehaviourTest, OnePageOutOfOrderDoesNotEndAScan) {
  fill(20'000, now() - 40 * hour, 7'000);
  int pages = 0;
  tenant.mishear = [&](const std::string&, json::object& question) {
    if (question.contains("isScan") && ++pages == 2) question["sortDirection"] = "desc";
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  EXPECT_LE(tenant.asked.size(), 16U);
}

TEST_F(MisbehaviourTest, PagesOfAnyLengthAreRead) {
  for (const std::size_t cap : {1U, 7U, 100U, 250U, 500U, 1'000U, 5'000U, 7'777U})
    for (const bool refuses : {false, true}) {
      list.clear();
      tenant.lists["entities/"].clear();
      const int count = cap < 100 ? 40 : 12'000;
      fill(count, now() - 40 * hour, 40 * hour / count);
      fill_entities(300);
      tenant.page_cap = tenant.scan_cap = cap;
      tenant.refuses_larger_pages = refuses;
      Collector collector(tenant, clock, "feeds: [activities, entities]\n");
      const std::size_t before = tenant.asked.size();
      collector.drain(5'000);
      expect_all(collector);
      EXPECT_EQ(collector.ids("entities"), 300U);
      const std::size_t size = std::min<std::size_t>(cap, 2'500);
      EXPECT_LE(tenant.asked.size() - before,
                40 + static_cast<std::size_t>(count) / size * 2 + 300 / std::min<std::size_t>(size, 100) * 2)
          << cap << (refuses ? " refuses" : "");
    }
}

TEST_F(MisbehaviourTest, PagesLongerThanAskedForAreTakenWhole) {
  fill(3'000, now() - 10 * hour, 10'000);
  tenant.ignores_limit = true;
  tenant.page_cap = tenant.scan_cap = 700;
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  collector.checkpoint = *collector.source().window(
      {"activities", from_epoch_ms(now() - 11 * hour), from_epoch_ms(now()), Manner::otherwise});
  collector.seen.clear();
  collector.drain();
  expect_all(collector);
  EXPECT_LE(tenant.asked.size(), 30U);
}

// --- what is said about a page ---

TEST_F(MisbehaviourTest, AFullPageThatIsCalledTheLastOneIsDoubted) {
  fill(3'000, now() - 10 * hour, 10'000);
  for (const std::size_t cap : {100U, 250U, 500U}) {
    tenant.scan_cap = tenant.page_cap = cap;
    tenant.twist = [](const std::string&, const json::object&, json::object& answer) {
      answer["hasNext"] = false;
      answer.erase("total");
      answer.erase("nextQueryFilters");
    };
    for (const auto manner : {Manner::usual, Manner::otherwise}) {
      Collector collector(tenant, clock, only_activities);
      collector.checkpoint =
          *collector.source().window({"activities", from_epoch_ms(list.front().created), from_epoch_ms(now()), manner});
      collector.drain();
      expect_all(collector);
      EXPECT_NE(note(collector).find("called a page the last one"), std::string::npos) << note(collector);
    }
  }
}

TEST_F(MisbehaviourTest, AShortPageThatIsCalledTheLastOneIsDoubtedByAWindowThatIsAskedInAnotherWay) {
  fill(300, now() - 10 * hour, 10'000);
  tenant.page_cap = 73;
  tenant.twist = [](const std::string&, const json::object&, json::object& answer) {
    answer["hasNext"] = false;
    answer.erase("total");
  };
  Collector collector(tenant, clock, only_activities);
  collector.checkpoint = *collector.source().window(
      {"activities", from_epoch_ms(list.front().created), from_epoch_ms(now()), Manner::otherwise});
  collector.drain();
  expect_all(collector);
}

TEST_F(MisbehaviourTest, ALastPageThatIsDeniedEnds) {
  fill(250, now() - hour, 1'000);
  fill_entities(250);
  tenant.twist = [](const std::string&, const json::object&, json::object& answer) { answer["hasNext"] = true; };
  Collector collector(tenant, clock, "feeds: [activities, entities]\n");
  collector.drain();
  expect_all(collector);
  EXPECT_EQ(collector.ids("entities"), 250U);
  EXPECT_LE(tenant.asked.size(), 40U);
}

TEST_F(MisbehaviourTest, TotalsMeanLittle) {
  fill(1'200, now() - 10 * hour, 10'000);
  tenant.scan_cap = 500;
  for (const json::value& total : {json::value(-5), json::value(0), json::value(1'000'000'000'000), json::value("many"),
                                   json::value(nullptr), json::value(1.5), json::value(json::array{1})}) {
    tenant.twist = [&](const std::string&, const json::object&, json::object& answer) { answer["total"] = total; };
    for (const auto manner : {Manner::usual, Manner::otherwise}) {
      Collector collector(tenant, clock, only_activities);
      collector.checkpoint =
          *collector.source().window({"activities", from_epoch_ms(list.front().created), from_epoch_ms(now()), manner});
      const std::size_t before = tenant.asked.size();
      collector.drain();
      expect_all(collector);
      EXPECT_LE(tenant.asked.size() - before, 25U) << json::serialize(total);
    }
  }
}

TEST_F(MisbehaviourTest, RecordsThatComeTwiceAreSaid) {
  fill(300, now() - hour, 1'000);
  const auto copy = list;
  list.insert(list.end(), copy.begin(), copy.end());
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 300U);
  EXPECT_NE(note(collector).find("lists records twice"), std::string::npos);
  EXPECT_LE(tenant.asked.size(), 12U);
}

TEST_F(MisbehaviourTest, WhatIsNoListIsAskedForAgain) {
  fill(300, now() - hour, 1'000);
  const std::vector<std::pair<int, std::string>> answers{
      {200, R"({"data":null,"hasNext":false,"total":0})"},
      {200, R"({"hasNext":false,"total":0})"},
      {200, R"({"data":{},"hasNext":false})"},
      {200, R"({"data":"","hasNext":false})"},
      {200, R"({"data":[{"_id":"a00000"},{"_id)"},
      {200, "<html><body>Sign in</body></html>"},
      {200, ""},
      {200, "null"},
      {204, ""},
      {302, ""},
  };
  for (const auto& [status, body] : answers) {
    int times = 0;
    tenant.bend = [&](const std::string& path, const json::object&) -> std::optional<net::Response> {
      if (path != "activities/" || ++times % 2 == 1) return std::nullopt;
      return FakeTenant::json_answer(status, body);
    };
    Collector collector(tenant, clock, only_activities);
    collector.drain();
    expect_all(collector);
    ASSERT_FALSE(collector.errors.empty()) << body;
    EXPECT_NE(collector.errors.front().find("[E2007]"), std::string::npos) << collector.errors.front();
  }
}

// --- clocks ---

TEST_F(MisbehaviourTest, NoDateStopsAFeedOrMakesItSkip) {
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

TEST_F(MisbehaviourTest, WithTheWrongClockOnThisMachineTheServiceIsBelieved) {
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

TEST_F(MisbehaviourTest, ContradictingDatesAreSaid) {
  int answers = 0;
  fill(300, now() - hour, 1'000);
  tenant.next_date_ahead = [&] { return std::optional(std::chrono::hours(answers++ % 3 == 1 ? 1000 : 0)); };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  live(collector, 10);
  EXPECT_NE(note(collector).find("Date headers of the service contradict"), std::string::npos) << note(collector);
}

// --- refusals ---

TEST_F(MisbehaviourTest, ABlipOfTheArchiveIsNoRefusal) {
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

TEST_F(MisbehaviourTest, AnArchiveThatRefusedIsAskedAgainTheNextDayAndNothingIsSkipped) {
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

TEST_F(MisbehaviourTest, AShortArchiveThatRefusesCreatedIsReadWholeEveryDay) {
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

TEST_F(MisbehaviourTest, AWindowBeyondAnArchiveThatRefusesProvesNothing) {
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

// --- what it can do ---

TEST_F(MisbehaviourTest, ThePageSizeIsLearnedAndWhatTheBudgetLetsThrough) {
  fill(60'000, now() - 200'000, 3);
  tenant.scan_cap = 500;
  Collector collector(tenant, clock, only_activities, 25);
  std::optional<FeedReport> last;
  for (int i = 0; i < 60; ++i) {
    const auto poll = collector.poll();
    ASSERT_TRUE(poll);
    for (const auto& report : poll->feeds) last = report;
    clock.passed += poll->wait;
  }
  ASSERT_TRUE(last);
  EXPECT_NEAR(static_cast<double>(last->page_size.value_or(0)), 500, 2);
  EXPECT_NEAR(last->possible_per_second.value_or(0), 208, 2);
  EXPECT_NEAR(last->arriving_per_second.value_or(0), 333, 10);
}

}  // namespace
}  // namespace capstan::mdca
