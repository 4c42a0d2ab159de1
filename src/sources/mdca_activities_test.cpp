#include <gtest/gtest.h>

#include "fake_tenant.h"

namespace capstan::mdca {
namespace {

constexpr std::int64_t hour = 3'600'000;
constexpr std::int64_t day = 24 * hour;
const std::string only_activities = "feeds: [activities]\n";

class ActivitiesTest : public testing::Test {
protected:
  HandClock clock;
  FakeTenant tenant{clock};
  std::vector<FakeRecord>& list = tenant.lists["activities/"];

  std::int64_t now() const { return tenant.server_now(); }
  void expect_all(const Collector& collector) {
    EXPECT_EQ(collector.ids("activities"), list.size());
    for (const auto& record : list) {
      const auto id = json::parse(record.raw).as_object().at("_id").as_string();
      EXPECT_TRUE(collector.seen.contains("activities/" + std::string(id))) << id << " was lost";
    }
  }
};

TEST_F(ActivitiesTest, FirstContactBringsTheBackfillAndNothingEarlier) {
  for (int i = 0; i < 12'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - 47 * hour + i * 10'000));
  const std::int64_t started = now();
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  // A page is asked as large as fits: 12,000 records do not take 24 questions of 500.
  EXPECT_LE(tenant.count("activities/"), 9U);
  const auto& question = tenant.asked[1].question;
  EXPECT_EQ(question.at("isScan"), true);
  EXPECT_EQ(question.at("sortField"), "created");
  EXPECT_EQ(question.at("filters").as_object().at("created").as_object().at("gte"), started - 2 * day);
}

TEST_F(ActivitiesTest, WindowsComeFromTheServersDateNotFromTheLocalClock) {
  list.push_back(activity("a", now() - hour));
  clock.wall = from_epoch_ms(1'000'000'000'000);  // the machine thinks it is 2001
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  clock.wall = from_epoch_ms(2'000'000'000'000);  // now 2033
  clock.passed += std::chrono::minutes(2);
  list.push_back(activity("b", now() - 1000));
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, ADateThatIsWrongCostsTimeNotRecords) {
  for (const int hours : {3, -3, 0}) {
    tenant.date_ahead = std::chrono::hours(hours);
    Collector collector(tenant, clock, only_activities + "backfill: 4d\n");
    list.clear();
    for (int i = 0; i < 100; ++i) list.push_back(activity(fmt::format("a{}", i), now() - day + i * 1000));
    collector.drain();
    for (int i = 0; i < 10; ++i) {
      list.push_back(activity(fmt::format("new{}", i), now() - 500));
      clock.passed += std::chrono::minutes(1);
      collector.drain();
    }
    tenant.date_ahead = std::chrono::hours(0);
    clock.passed += std::chrono::minutes(1);
    collector.drain();
    clock.passed += std::chrono::minutes(1);
    collector.drain();
    expect_all(collector);
  }
}

TEST_F(ActivitiesTest, ATotalThatIsAlwaysTooHighDoesNotDoubleTheQuestions) {
  for (int i = 0; i < 100; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i * 1000));
  tenant.twist = [](const std::string&, const json::object&, json::object& answer) { answer["total"] = 1'000'000; };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  EXPECT_LE(tenant.count("activities/"), 4U);
}

TEST_F(ActivitiesTest, WithoutADateTheNewestRecordIsTheBound) {
  tenant.sends_date = false;
  for (int i = 0; i < 100; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i * 1000));
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  clock.passed += std::chrono::minutes(3);
  list.push_back(activity("later", now() - 500));
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, ResumesInTheMiddleOfAScanAfterACrash) {
  for (int i = 0; i < 12'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - 47 * hour + i * 10'000));
  Collector collector(tenant, clock, only_activities);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(collector.poll());
  EXPECT_NE(collector.checkpoint.text.find("\"walk\""), std::string::npos) << collector.checkpoint.text;
  const std::size_t before = tenant.asked.size();
  collector.restart();
  collector.drain();
  expect_all(collector);
  EXPECT_GT(tenant.asked[before + 1].question.at("filters").at("created").at("gte").to_number<std::int64_t>(),
            now() - 47 * hour);
}

TEST_F(ActivitiesTest, SeesWhatBecomesVisibleLate) {
  Collector collector(tenant, clock, only_activities);
  for (int minute = 0; minute < 120; ++minute) {
    list.push_back(activity(fmt::format("prompt{}", minute), now()));
    list.push_back(activity(fmt::format("late{}", minute), now() + 1, 9 * 60'000));
    clock.passed += std::chrono::minutes(1);
    collector.drain();
  }
  clock.passed += std::chrono::minutes(10);
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, TheDeepLookFindsWhatComesLaterThanTheOverlap) {
  Collector collector(tenant, clock, only_activities);
  list.push_back(activity("first", now() - 60'000));
  collector.drain();
  list.push_back(activity("very late", now(), 3 * hour));
  for (int minute = 0; minute < 300; ++minute) {
    clock.passed += std::chrono::minutes(1);
    list.push_back(activity(fmt::format("a{}", minute), now()));
    collector.drain();
  }
  expect_all(collector);
}

TEST_F(ActivitiesTest, MoreThanAPageInOneMillisecondIsReadBySkip) {
  const std::int64_t at = now() - hour;
  for (int i = 0; i < 20; ++i) list.push_back(activity(fmt::format("before{}", i), at - 20 + i));
  for (int i = 0; i < 4'000; ++i) list.push_back(activity(fmt::format("same{}", i), at));
  for (int i = 0; i < 20; ++i) list.push_back(activity(fmt::format("after{}", i), at + 1 + i));
  Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, MoreThanSkipReachesInOneMillisecondIsReadFromBothEnds) {
  const std::int64_t at = now() - hour;
  for (int i = 0; i < 6'000; ++i) list.push_back(activity(fmt::format("same{}", i), at));
  list.push_back(activity("after", at + 1));
  Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, MoreThanSkipReachesInOneMillisecondIsToldApartByTheEventsOwnTime) {
  const std::int64_t at = now() - hour;
  for (int i = 0; i < 11'000; ++i) {
    list.push_back(activity(fmt::format("same{}", i), at));
    list.back().date = at - i;
    list.back().raw = fmt::format(R"({{"_id":"same{}","timestamp":{},"created":{}}})", i, at - i, at);
  }
  list.push_back(activity("after", at + 1));
  Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
  collector.drain();
  expect_all(collector);
  EXPECT_EQ(collector.notes["activities"], "");
}

TEST_F(ActivitiesTest, NeverStepsOverTheSecondRecordOfAMillisecond) {
  list.push_back(activity("one", now() - 1000));
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  list.push_back(activity("two", list.front().created));  // the same millisecond, a moment later
  clock.passed += std::chrono::minutes(1);
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, PagesThatMakeNoProgressAreLeftBehind) {
  for (int i = 0; i < 2'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i));
  tenant.twist = [](const std::string&, const json::object& question, json::object& answer) {
    if (question.contains("isScan") && answer.contains("nextQueryFilters"))
      answer["nextQueryFilters"] = question.at("filters");
  };
  Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, HasNextWithoutNextQueryFiltersGoesOnByTime) {
  for (int i = 0; i < 2'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i));
  tenant.twist = [](const std::string&, const json::object&, json::object& answer) {
    answer.erase("nextQueryFilters");
  };
  Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, HasNextFalseAgainstTheTotalIsAskedAgain) {
  for (int i = 0; i < 2'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i));
  int lies = 0;
  tenant.twist = [&](const std::string&, const json::object& question, json::object& answer) {
    if (question.contains("isScan") && answer.at("hasNext") == true && lies++ < 2) {
      answer["hasNext"] = false;
      answer.erase("nextQueryFilters");
    }
  };
  Collector collector(tenant, clock, only_activities + "page_limit: 500\n");
  collector.drain();
  expect_all(collector);
  EXPECT_GE(lies, 2);
}

TEST_F(ActivitiesTest, HasNextWithNoDataDoesNotTurnForEver) {
  for (int i = 0; i < 200; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i));
  tenant.twist = [](const std::string&, const json::object& question, json::object& answer) {
    if (!question.contains("isScan")) return;
    answer["data"] = json::array();
    answer["hasNext"] = true;
    answer["nextQueryFilters"] = question.at("filters");
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain(50);
  expect_all(collector);
}

TEST_F(ActivitiesTest, ATenantThatRefusesCreatedIsReadByDate) {
  for (int i = 0; i < 300; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i * 1000));
  tenant.bend = [](const std::string&, const json::object& question) -> std::optional<net::Response> {
    if (question.at("sortField") != "created") return std::nullopt;
    return FakeTenant::json_answer(400, R"({"sortField":[{"error":"created is not valid"}],"error":true})");
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  EXPECT_NE(collector.notes["activities"].find("using date"), std::string::npos);
  // By event time a connector's event is at home two hours back: it must still be seen.
  FakeRecord late = activity("late", now());
  late.date = now() - 115 * 60'000;
  late.visible = now() + 30'000;
  list.push_back(late);
  clock.passed += std::chrono::minutes(1);
  collector.drain();
  expect_all(collector);
}

TEST_F(ActivitiesTest, AWrongFilterIsHeldAndNamed) {
  tenant.bend = [](const std::string&, const json::object&) {
    return FakeTenant::json_answer(400, R"({"filters":[{"error":"colour is not valid"}],"error":true})");
  };
  Collector collector(tenant, clock, only_activities + "filters: {activities: {colour: {eq: [red]}}}\n");
  Result<Poll> poll = collector.poll();
  for (int i = 0; i < 7 && poll; ++i) {
    clock.passed += poll->wait;
    poll = collector.poll();
  }
  ASSERT_FALSE(poll);
  EXPECT_EQ(poll.error().code(), ErrorCode::request_refused);
  EXPECT_NE(poll.error().text().find("colour is not valid"), std::string::npos);
  const auto probed = collector.source().probe({});
  ASSERT_EQ(probed.size(), 1U);
  EXPECT_TRUE(probed[0].error.has_value());
  EXPECT_EQ(tenant.asked.back().question.at("filters").as_object().at("colour"), json::parse(R"({"eq":["red"]})"));
}

TEST_F(ActivitiesTest, APoisonedRecordCostsItselfAndIsAskedForAgain) {
  for (int i = 0; i < 3'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i * 7));
  const std::int64_t bad = list[1234].created;
  for (int i = 0; i < 5; ++i) list.push_back(activity(fmt::format("twin{}", i), bad));
  bool is_poisoned = true;
  tenant.bend = [&](const std::string& path, const json::object& question) -> std::optional<net::Response> {
    if (!is_poisoned || path != "activities/") return std::nullopt;
    const auto& window = question.at("filters").as_object();
    if (!window.contains("created")) return std::nullopt;
    const auto& bounds = window.at("created").as_object();
    const auto from = bounds.contains("gte") ? bounds.at("gte").to_number<std::int64_t>() : 0;
    const auto to = bounds.contains("lte") ? bounds.at("lte").to_number<std::int64_t>() : bad;
    if (bad < from || bad > to) return std::nullopt;
    // a1234 is the first of its millisecond.
    if (from == to && question.contains("skip") && question.at("skip").to_number<int>() > 0) return std::nullopt;
    if (question.at("sortDirection") == "desc" && to > bad) return std::nullopt;
    return FakeTenant::json_answer(500, "<html><body>Internal error</body></html>");
  };
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), list.size() - 1);
  EXPECT_FALSE(collector.seen.contains("activities/a1234"));
  EXPECT_EQ(collector.passed_over, 1U);
  EXPECT_NE(collector.notes["activities"].find("cannot show 1 window"), std::string::npos);
  EXPECT_TRUE(std::any_of(collector.errors.begin(), collector.errors.end(),
                          [](const std::string& e) { return e.ends_with("[E2020]"); }));
  // Across a restart it is still known, and an hour later it is had.
  collector.restart();
  is_poisoned = false;
  clock.passed += std::chrono::minutes(70);
  collector.drain();
  expect_all(collector);
  clock.passed += std::chrono::minutes(1);
  collector.notes.clear();
  collector.drain();
  EXPECT_EQ(collector.notes["activities"], "");
}

TEST_F(ActivitiesTest, AnOutageIsNotTakenForPoison) {
  for (int i = 0; i < 1'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - hour + i * 7));
  bool is_down = false;
  tenant.bend = [&](const std::string&, const json::object&) -> std::optional<net::Response> {
    if (!is_down) return std::nullopt;
    return FakeTenant::json_answer(500, "");
  };
  Collector collector(tenant, clock, only_activities);
  ASSERT_TRUE(collector.poll());
  is_down = true;
  for (int i = 0; i < 100; ++i) {
    const auto poll = collector.poll();
    clock.passed += poll ? poll->wait : poll.error().pause().value_or(Duration(0));
  }
  // 1 s, 2 s, 4 s … 5 min: a hundred tries are hours, not seconds.
  EXPECT_GT(clock.passed, std::chrono::hours(5));
  is_down = false;
  collector.drain();
  expect_all(collector);
  EXPECT_EQ(collector.passed_over, 0U);
}

TEST_F(ActivitiesTest, OlderThanThirtyDaysComesFromTheArchive) {
  auto& archive = tenant.lists["archived_activities/"];
  for (int i = 0; i < 6'000; ++i) archive.push_back(activity(fmt::format("old{}", i), now() - 60 * day + i * 300'000));
  for (int i = 0; i < 100; ++i) list.push_back(activity(fmt::format("new{}", i), now() - 5 * day + i * 1000));
  Collector collector(tenant, clock, only_activities + "backfill: 90d\n");
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 6'100U);
  const std::size_t asked = tenant.count("archived_activities/");
  clock.passed += std::chrono::minutes(1);
  collector.drain();
  EXPECT_EQ(tenant.count("archived_activities/"), asked) << "the archive is read once";
}

TEST_F(ActivitiesTest, AnArchiveThatRefusesDoesNotHoldTheRest) {
  tenant.bend = [](const std::string& path, const json::object&) -> std::optional<net::Response> {
    if (path != "archived_activities/") return std::nullopt;
    return FakeTenant::json_answer(404, R"({"detail":"Not found."})");
  };
  list.push_back(activity("new", now() - day));
  Collector collector(tenant, clock, only_activities + "backfill: 90d\n");
  collector.drain();
  expect_all(collector);
  EXPECT_NE(collector.notes["activities"].find("archive refuses"), std::string::npos);
}

TEST_F(ActivitiesTest, AForbiddenArchiveIsTriedThreeTimes) {
  int times = 0;
  tenant.bend = [&](const std::string& path, const json::object&) -> std::optional<net::Response> {
    if (path != "archived_activities/" || ++times > 2) return std::nullopt;
    return FakeTenant::json_answer(403, R"({"detail":"passing"})");
  };
  tenant.lists["archived_activities/"].push_back(activity("old", now() - 40 * day));
  Collector collector(tenant, clock, only_activities + "backfill: 90d\n");
  collector.drain();
  EXPECT_TRUE(collector.seen.contains("activities/old"));
}

TEST_F(ActivitiesTest, LargeRecordsMakeSmallerPages) {
  const std::string filling(40'000, 'x');
  for (int i = 0; i < 700; ++i) {
    list.push_back(activity(fmt::format("a{}", i), now() - hour + i * 1000));
    list.back().raw.insert(1, fmt::format(R"("filling":"{}",)", filling));
  }
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  const auto last = std::find_if(tenant.asked.rbegin(), tenant.asked.rend(),
                                 [](const FakeTenant::Asked& asked) { return asked.path == "activities/"; });
  EXPECT_EQ(last->question.at("limit"), 500);
}

TEST_F(ActivitiesTest, AnEventOfTenMegabytesIsAnEvent) {
  list.push_back(activity("large", now() - 1000));
  list.back().raw.insert(1, fmt::format(R"("filling":"{}",)", std::string(10 << 20, 'x')));
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  expect_all(collector);
  EXPECT_EQ(collector.last_raw, list.back().raw);
}

TEST_F(ActivitiesTest, AWindowOfATenantThatIsReadByDateHoldsTheSavedTimesAskedFor) {
  for (int i = 0; i < 100; ++i) {
    list.push_back(activity(fmt::format("a{}", i), now() - 10 * hour + i * 60'000));
    list.back().date -= 3 * hour;
  }
  tenant.bend = [](const std::string&, const json::object& question) -> std::optional<net::Response> {
    if (question.at("sortField") != "created") return std::nullopt;
    return FakeTenant::json_answer(400, R"({"sortField":[{"error":"created is not valid"}],"error":true})");
  };
  Collector collector(tenant, clock, only_activities);
  collector.checkpoint =
      *collector.source().window({"activities", from_epoch_ms(list[10].created), from_epoch_ms(list[20].created)});
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 10U);
  EXPECT_TRUE(collector.seen.contains("activities/a19"));
}

TEST_F(ActivitiesTest, AWindowGivesItsRecordsAndNothingElse) {
  for (int i = 0; i < 100; ++i) list.push_back(activity(fmt::format("a{}", i), now() - 10 * hour + i * 60'000));
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  const auto own = collector.checkpoint;
  const Window window{"activities", from_epoch_ms(list[10].created), from_epoch_ms(list[20].created)};
  const auto from = collector.source().window(window);
  ASSERT_TRUE(from.has_value());
  Collector second(tenant, clock, only_activities);
  second.checkpoint = *second.source().window(window);
  second.drain();
  EXPECT_EQ(second.ids("activities"), 10U);
  EXPECT_TRUE(second.seen.contains("activities/a10"));
  EXPECT_FALSE(second.seen.contains("activities/a20"));
  EXPECT_FALSE(collector.source().window({"nothing", {}, {}}).has_value());
}

TEST_F(ActivitiesTest, AWindowAskedInAnotherWayHoldsTheSame) {
  for (int i = 0; i < 1'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - 10 * hour + i * 10'000));
  for (int i = 0; i < 250; ++i) list.push_back(activity(fmt::format("same{}", i), list[500].created));
  Collector collector(tenant, clock, only_activities);
  collector.checkpoint = *collector.source().window(
      {"activities", from_epoch_ms(list[100].created), from_epoch_ms(list[900].created), Manner::otherwise});
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 1'050U);
  for (const auto& asked : tenant.asked) {
    if (asked.path != "activities/" || asked.question.at("limit") == 1) continue;
    EXPECT_FALSE(asked.question.contains("isScan"));
    EXPECT_NE(asked.question.at("limit"), 100);
    EXPECT_EQ(asked.question.at("sortDirection"), "desc");
  }
}

TEST_F(ActivitiesTest, ALongWindowAskedInAnotherWayIsScannedFromTheOtherEnd) {
  for (int i = 0; i < 12'000; ++i) list.push_back(activity(fmt::format("a{}", i), now() - 10 * hour + i * 1'000));
  Collector collector(tenant, clock, only_activities);
  collector.checkpoint = *collector.source().window(
      {"activities", from_epoch_ms(now() - 10 * hour), from_epoch_ms(now()), Manner::otherwise});
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 12'000U);
  EXPECT_LE(tenant.asked.size(), 12U);
  for (const auto& asked : tenant.asked) EXPECT_NE(asked.question.at("sortDirection"), "asc");
}

TEST_F(ActivitiesTest, AWindowOfSavedTimeHoldsWhatHappenedLongBefore) {
  auto& archive = tenant.lists["archived_activities/"];
  for (int i = 0; i < 200; ++i) {
    FakeRecord old = activity(fmt::format("old{}", i), now() - 2 * hour + i * 1'000);
    old.date = now() - 40 * day;
    old.raw = fmt::format(R"({{"_id":"old{}","timestamp":{},"created":{}}})", i, old.date, old.created);
    archive.push_back(old);
    list.push_back(activity(fmt::format("new{}", i), now() - 2 * hour + i * 1'000));
  }
  for (const auto manner : {Manner::usual, Manner::otherwise}) {
    Collector collector(tenant, clock, only_activities);
    collector.checkpoint = *collector.source().window(
        {"activities", from_epoch_ms(list[50].created), from_epoch_ms(list[150].created), manner});
    collector.drain();
    EXPECT_EQ(collector.ids("activities"), 200U);
    EXPECT_TRUE(collector.seen.contains("activities/old50"));
    EXPECT_TRUE(collector.seen.contains("activities/new149"));
  }
}

TEST_F(ActivitiesTest, WhatIsSavedNowAndHappenedLongAgoArrives) {
  auto& archive = tenant.lists["archived_activities/"];
  list.push_back(activity("first", now() - hour));
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  for (int i = 0; i < 5; ++i) {
    FakeRecord old = activity(fmt::format("old{}", i), now() - 1'000);
    old.date = now() - 45 * day;
    old.visible = now() + i * 10 * 60'000;
    archive.push_back(old);
    clock.passed += std::chrono::minutes(61);
    collector.drain();
    EXPECT_TRUE(collector.seen.contains(fmt::format("activities/old{}", i)));
  }
}

TEST_F(ActivitiesTest, AnArchiveThatRefusesCreatedIsAskedByEventTimeForWindows) {
  tenant.bend = [](const std::string& path, const json::object& question) -> std::optional<net::Response> {
    if (path != "archived_activities/" || !question.at("filters").as_object().contains("created")) return std::nullopt;
    return FakeTenant::json_answer(400, R"({"filters":[{"error":"created is not valid"}],"error":true})");
  };
  for (int i = 0; i < 100; ++i)
    tenant.lists["archived_activities/"].push_back(activity(fmt::format("old{}", i), now() - 60 * day + i * 60'000));
  Collector collector(tenant, clock, only_activities);
  const auto at = [&](std::size_t i) { return from_epoch_ms(tenant.lists["archived_activities/"][i].created); };
  collector.checkpoint = *collector.source().window({"activities", at(10), at(20), Manner::otherwise});
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 10U);
  EXPECT_NE(collector.notes["activities"].find("refuses to filter by created"), std::string::npos);
}

TEST_F(ActivitiesTest, EveryPollSaysTheServicesTime) {
  list.push_back(activity("a", now() - hour));
  Collector collector(tenant, clock, only_activities, 2);
  for (int i = 0; i < 20; ++i) {
    const auto poll = collector.poll();
    ASSERT_TRUE(poll);
    ASSERT_TRUE(poll->service_time) << i;
    EXPECT_LE(std::chrono::abs(*poll->service_time - from_epoch_ms(now())), std::chrono::seconds(1));
    clock.passed += std::chrono::seconds(7);
  }
}

TEST_F(ActivitiesTest, ABrokenRecordCostsItself) {
  list.push_back(activity("good", now() - 3000));
  list.push_back({"{\"_id\":\"bad\",\"created\":" + std::to_string(now() - 2000) + ",\"name\":\"\xff\"}", now() - 2000,
                  now() - 2000, now() - 2000});
  list.push_back({R"({"created":)" + std::to_string(now() - 1500) + "}", now() - 1500, now() - 1500, now() - 1500});
  list.push_back({"{}", now() - 1200, now() - 1200, now() - 1200});
  list.push_back(activity("good2", now() - 1000));
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  EXPECT_EQ(collector.ids("activities"), 5U);
  EXPECT_EQ(collector.quarantined, 2U);
  EXPECT_EQ(collector.passed_over, 0U);
  EXPECT_NE(collector.notes["activities"].find("1 records without id"), std::string::npos);
  EXPECT_NE(collector.notes["activities"].find("2 records that are not well-formed"), std::string::npos);
}

TEST_F(ActivitiesTest, KeepsTheBytesOfARecordAsTheyCame) {
  const std::string raw = R"({"_id":"big", "created":)" + std::to_string(now() - 1000) +
                          R"(,"n":9007199254740993,"Level":1,"level":2,"entityData":{"0":{"a":null},"1":null}})";
  list.push_back({raw, now() - 1000, now() - 1000, 0});
  Collector collector(tenant, clock, only_activities);
  collector.drain();
  EXPECT_EQ(collector.last_raw, raw);
  EXPECT_EQ(collector.last_saved, from_epoch_ms(now() - 1000));
}

}  // namespace
}  // namespace capstan::mdca
