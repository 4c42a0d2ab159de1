#include <set>

#include "answers.h"
#include "tenant_for_test.h"

namespace capstan::simulator {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace json = boost::json;

std::set<std::string> truth_ids(test::Tenant& tenant, std::string_view feed) {
  std::set<std::string> found;
  for (const auto& line : tenant.truth(feed)) found.insert(line.id);
  return found;
}

// A whole scan. Fails the test when a record is listed twice or it takes more than `pages_max` pages.
std::set<std::string> scan(test::Tenant& tenant, json::object filters, std::string_view sort,
                           std::string_view direction, int limit = 500, int pages_max = 50) {
  std::set<std::string> found;
  for (int pages = 1;; ++pages) {
    const auto page = tenant.page("activities/", json::object{{"filters", filters},
                                                              {"isScan", true},
                                                              {"sortField", sort},
                                                              {"sortDirection", direction},
                                                              {"limit", limit}});
    for (const std::string& id : test::ids(page)) EXPECT_TRUE(found.insert(id).second) << id << " listed twice";
    if (!page.at("hasNext").as_bool()) {
      EXPECT_FALSE(page.contains("nextQueryFilters"));
      return found;
    }
    filters = page.at("nextQueryFilters").as_object();
    if (pages == pages_max) {
      ADD_FAILURE() << "the scan takes more than " << pages_max << " pages";
      return found;
    }
  }
}

TEST(Listing, TheNewestComeFirstAHundredAtATime) {
  test::Tenant tenant(test::unhindered());
  const auto page = tenant.page("activities/");
  EXPECT_EQ(page.at("max"), 100);
  EXPECT_TRUE(page.at("hasNext").as_bool());
  const auto times = test::numbers(page, "timestamp");
  EXPECT_THAT(times, SizeIs(100));
  EXPECT_TRUE(std::ranges::is_sorted(times, std::greater{}));
  EXPECT_THAT(tenant.page("activities/", json::object{{"limit", 5000}}).at("data").as_array(), SizeIs(100));
  EXPECT_THAT(tenant.page("activities/", json::object{{"limit", "7"}}).at("data").as_array(), SizeIs(7));
}

TEST(Listing, PagesBySkipGiveEveryRecordOnce) {
  for (const char* sort : {"date", "created"}) {
    test::Tenant tenant(test::unhindered());
    std::set<std::string> found;
    for (int skip = 0;; skip += 100) {
      const auto page = tenant.page(
          "activities/", json::object{{"skip", skip}, {"limit", 100}, {"sortField", sort}, {"sortDirection", "asc"}});
      for (const std::string& id : test::ids(page)) EXPECT_TRUE(found.insert(id).second);
      if (!page.at("hasNext").as_bool()) break;
    }
    EXPECT_EQ(found, truth_ids(tenant, "activities"));
  }
}

TEST(Listing, NotDeeperThanFiveThousand) {
  test::Tenant tenant(test::unhindered());
  EXPECT_EQ(tenant.post("activities/", json::object{{"skip", 4900}}).status, 200);
  const auto answer = tenant.post("activities/", json::object{{"skip", 4901}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("error":true)"));
}

TEST(Listing, AScanGivesEveryRecordOnceInBothDirectionsByBothTimes) {
  SimulatorOptions options = test::unhindered();
  options.activities = 1700;
  options.burst_share = 0.5;
  test::Tenant tenant(options);
  const auto truth = truth_ids(tenant, "activities");
  ASSERT_THAT(truth, SizeIs(1700));
  const json::object range{{"range", json::array{json::object{{"start", 0}, {"end", tenant.now()}}}}};
  for (const char* sort : {"date", "created"})
    for (const char* direction : {"asc", "desc"}) {
      EXPECT_EQ(scan(tenant, {}, sort, direction), truth) << sort << direction;
      EXPECT_EQ(scan(tenant, {{sort, range}}, sort, direction, 700), truth) << sort << direction;
    }
}

TEST(Listing, AScanMovesABoundBesideTheClientsRange) {
  SimulatorOptions options = test::unhindered();
  options.activities = 2000;
  test::Tenant tenant(options);
  const json::object range{{"range", json::array{json::object{{"start", 5}, {"end", tenant.now()}}}}};
  const json::object filters{{"date", range}, {"service", json::object{{"neq", json::array{1}}}}};
  const auto ask = [&](const char* direction) {
    return tenant.page("activities/",
                       json::object{{"filters", filters}, {"isScan", true}, {"sortDirection", direction}});
  };
  const auto up = ask("asc");
  const auto next = up.at("nextQueryFilters").as_object();
  EXPECT_EQ(next.at("service"), filters.at("service"));
  EXPECT_EQ(next.at("date").at("range"), range.at("range"));
  EXPECT_GT(next.at("date").at("gte").as_int64(), test::numbers(up, "timestamp").back());
  const auto down = ask("desc");
  EXPECT_LT(down.at("nextQueryFilters").at("date").at("lte").as_int64(), test::numbers(down, "timestamp").back());
  EXPECT_FALSE(down.at("nextQueryFilters").at("date").as_object().contains("gte"));
  EXPECT_EQ(down.at("max"), 500);
}

TEST(Listing, ACrowdInOneMillisecondIsListedWholeOrHoldsUpTheScan) {
  SimulatorOptions options = test::unhindered();
  options.activities = 3000;
  options.crowd = 1300;
  {
    test::Tenant tenant(options);
    EXPECT_EQ(scan(tenant, {}, "created", "asc"), truth_ids(tenant, "activities"));
  }
  options.crowds_hold_up_scans = true;
  test::Tenant tenant(options);
  json::object filters;
  json::object page;
  for (int i = 0; i < 10; ++i) {
    page = tenant.page(
        "activities/",
        json::object{{"filters", filters}, {"isScan", true}, {"sortDirection", "asc"}, {"sortField", "created"}});
    ASSERT_TRUE(page.at("hasNext").as_bool());
    if (page.at("nextQueryFilters").as_object() == filters) break;
    filters = page.at("nextQueryFilters").as_object();
  }
  EXPECT_EQ(page.at("nextQueryFilters").as_object(), filters) << "no page without progress";
  EXPECT_THAT(test::ids(page), SizeIs(500));
  EXPECT_THAT(test::numbers(page, "created"), Each(filters.at("created").at("gte").as_int64()));
  // A larger page holds the crowd.
  EXPECT_THAT(scan(tenant, {}, "created", "asc", 5000), SizeIs(3000));
}

TEST(Listing, ScanPagesAreFiveHundredToFiveThousand) {
  test::Tenant tenant(test::unhindered());
  for (const auto& [asked, given] : {std::pair{0, 500}, {10, 500}, {1234, 1234}, {5000, 5000}, {9000, 5000}}) {
    const json::object only{{"service", json::object{{"eq", 10489}}}};
    EXPECT_EQ(tenant.page("activities/", json::object{{"filters", only}, {"isScan", true}, {"limit", asked}}).at("max"),
              given);
  }
}

TEST(Listing, AlertsTakeIsScanButNeverEnd) {
  test::Tenant tenant(test::unhindered());
  const auto page = tenant.page("alerts/", json::object{{"isScan", true}, {"limit", 100}});
  EXPECT_THAT(test::ids(page), SizeIs(50));
  EXPECT_TRUE(page.at("hasNext").as_bool());
  EXPECT_FALSE(page.contains("nextQueryFilters"));
}

TEST(Listing, TimesAreComparedAsTheOperatorsSay) {
  test::Tenant tenant(test::unhindered());
  const auto all = tenant.page("activities/", json::object{{"sortField", "created"}, {"sortDirection", "asc"}});
  const std::int64_t middle = test::numbers(all, "created")[40];
  const auto count = [&](const json::object& created) {
    const auto page = tenant.page("activities/", json::object{{"filters", json::object{{"created", created}}},
                                                              {"sortField", "created"},
                                                              {"sortDirection", "asc"}});
    return std::pair(test::numbers(page, "created").front(), page.at("hasNext").as_bool());
  };
  EXPECT_EQ(count({{"gte", middle}}).first, middle);
  EXPECT_GT(count({{"gt", middle}}).first, middle);
  EXPECT_FALSE(count({{"lt", middle}}).second);
  EXPECT_EQ(count({{"eq", middle}}).first, middle);
  EXPECT_EQ(count({{"eq", json::array{middle}}}).first, middle);
  EXPECT_EQ(count({{"range", json::object{{"start", middle}, {"end", middle}}}}).first, middle);
  const json::array two{json::object{{"start", middle}, {"end", middle}}, json::object{{"start", 0}, {"end", 1}}};
  EXPECT_EQ(count({{"range", two}}), std::pair(middle, false));
  const auto days = [&](const char* operation) {
    return tenant.page("activities/", json::object{{"filters", json::object{{"date", json::object{{operation, 1}}}}}});
  };
  const std::int64_t yesterday = tenant.now() - 24LL * 3600 * 1000;
  EXPECT_THAT(test::numbers(days("gte_ndays"), "timestamp"), Each(Ge(yesterday)));
  EXPECT_THAT(test::numbers(days("lte_ndays"), "timestamp"), Each(testing::Le(yesterday)));
}

TEST(Listing, MembersAreComparedAsTheOperatorsSay) {
  test::Tenant tenant(test::unhindered());
  const auto values = [&](const char* filter, const json::object& operations, const char* outer, const char* inner) {
    const auto page = tenant.page("activities/", json::object{{"filters", json::object{{filter, operations}}}});
    std::set<std::string> found;
    for (const auto& record : page.at("data").as_array()) {
      const json::value* value = record.as_object().if_contains(outer);
      if (value != nullptr && inner != nullptr) value = value->as_object().if_contains(inner);
      found.insert(value == nullptr ? "-" : json::serialize(*value));
    }
    return found;
  };
  EXPECT_THAT(values("service", {{"eq", json::array{10489, 15600}}}, "appId", nullptr), ElementsAre("10489", "15600"));
  EXPECT_THAT(values("service", {{"eq", 10489}}, "appId", nullptr), ElementsAre("10489"));
  EXPECT_FALSE(values("service", {{"neq", json::array{10489}}}, "appId", nullptr).contains("10489"));
  EXPECT_THAT(values("userAgent.userAgent", {{"contains", json::array{"firefox"}}}, "userAgent", "family"),
              ElementsAre("\"FIREFOX\""));
  EXPECT_FALSE(values("userAgent.userAgent", {{"ncontains", json::array{"firefox"}}}, "userAgent", "family")
                   .contains("\"FIREFOX\""));
  for (const std::string& ip : values("ip.address", {{"startswith", json::array{"192.0.2."}}}, "device", "clientIP"))
    EXPECT_THAT(ip, testing::StartsWith("\"192.0.2."));
  EXPECT_THAT(values("user.username", {{"isnotset", true}}, "user", "userName"), ElementsAre("-"));
  EXPECT_FALSE(values("user.username", {{"isset", true}}, "user", "userName").contains("-"));
  for (const std::string& url : values("office365url", {{"endswith", json::array{".zip"}}}, "rawDataJson", "ObjectId"))
    EXPECT_THAT(url, HasSubstr(".zip\""));
  EXPECT_THAT(values("text", {{"text", "MAILITEMS"}}, "description", nullptr), ElementsAre("\"MailItemsAccessed\""));
  EXPECT_THAT(values("service", {{"eq", 10489}, {"neq", 10489}}, "appId", nullptr), IsEmpty());
}

TEST(Listing, AlertsAreFilteredByStateAndEntity) {
  test::Tenant tenant(test::unhindered());
  const auto resolution = [&](bool open) {
    const auto page =
        tenant.page("alerts/", json::object{{"filters", json::object{{"alertOpen", json::object{{"eq", open}}}}}});
    return test::numbers(page, "resolutionStatusValue");
  };
  EXPECT_THAT(resolution(true), testing::AllOf(Each(0), SizeIs(Ge(20U))));
  EXPECT_THAT(resolution(false), testing::AllOf(Each(testing::Gt(0)), SizeIs(Ge(5U))));
  const auto all = tenant.page("alerts/");
  const json::object& first = all.at("data").as_array()[0].as_object();
  const auto by_id =
      tenant.page("alerts/", json::object{{"filters", json::object{{"id", json::object{{"eq", first.at("_id")}}}}}});
  EXPECT_EQ(test::ids(by_id), std::vector{std::string(first.at("_id").as_string())});
  const auto box =
      tenant.page("alerts/", json::object{{"filters", json::object{{"entity.service", json::object{{"eq", 10489}}}}}});
  ASSERT_THAT(test::ids(box), testing::Not(IsEmpty()));
  for (const auto& alert : box.at("data").as_array()) EXPECT_THAT(json::serialize(alert), HasSubstr(R"({"id":10489,)"));
}

TEST(Listing, WhatTheServiceDoesNotKnowIsRefusedInItsForm) {
  test::Tenant tenant(test::unhindered());
  for (const json::object& body :
       {json::object{{"filters", json::object{{"colour", json::object{{"eq", 1}}}}}},
        json::object{{"filters", json::object{{"date", json::object{{"startswith", 1}}}}}},
        json::object{{"filters", json::object{{"date", json::object{{"gte", "yesterday"}}}}}},
        json::object{{"filters", json::array{}}}, json::object{{"sortField", "colour"}},
        json::object{{"sortDirection", "up"}}, json::object{{"limit", "many"}}}) {
    const auto answer = tenant.post("activities/", body);
    EXPECT_EQ(answer.status, 400) << json::serialize(body);
    EXPECT_THAT(answer.body, HasSubstr("CONSOLE_FORMS_NOT_VALID_VALUE"));
    EXPECT_THAT(answer.body, HasSubstr(R"("error":true})"));
  }
  const auto broken =
      tenant.send("POST", "/api/v1/activities/", "{\"filters\":", {{"Authorization", tenant.legacy_token()}});
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("JSON parse error"));
}

TEST(Listing, ParametersComeInManyWays) {
  test::Tenant tenant(test::unhindered());
  const std::string token = tenant.legacy_token();
  const std::string filters = R"({"service":{"eq":[10489]}})";
  const std::string body = R"({"filters":)" + filters + R"(,"limit":3})";
  const net::ServerResponse answers[] = {
      tenant.send("POST", "/cas/api/v1/activities/", body, {{"Authorization", token}}),
      tenant.send("GET", "/api/v1/activities/", body, {{"Authorization", token}}),
      tenant.send("GET", "/api/v1/activities", {}, {{"Authorization", token}}, {{"filters", filters}, {"limit", "3"}}),
      tenant.send("POST", "/api/activities/", "limit=3&filters=%7B%22service%22%3A%7B%22eq%22%3A%5B10489%5D%7D%7D",
                  {{"Authorization", token}, {"Content-Type", "application/x-www-form-urlencoded"}})};
  for (const auto& answer : answers) {
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(test::numbers(test::parsed(answer).as_object(), "appId"), ElementsAre(10489, 10489, 10489));
  }
}

TEST(Listing, OldActivitiesAreInTheArchiveOnly) {
  SimulatorOptions options = test::unhindered();
  options.history = 24h * 60;
  test::Tenant tenant(options);
  const std::int64_t border = tenant.now() - 30LL * 24 * 3600 * 1000;
  EXPECT_THAT(test::numbers(tenant.page("activities/", json::object{{"sortDirection", "asc"}}), "timestamp"),
              Each(Ge(border)));
  const auto archived = tenant.page("archived_activities/");
  EXPECT_THAT(test::numbers(archived, "timestamp"), testing::AllOf(SizeIs(100), Each(testing::Lt(border))));
  EXPECT_FALSE(archived.contains("nextQueryFilters"));
  EXPECT_FALSE(tenant.page("archived_activities/", json::object{{"isScan", true}}).contains("nextQueryFilters"));
}

TEST(Listing, TotalsWanderUnlessTheyAreExact) {
  SimulatorOptions options = test::unhindered();
  test::Tenant wandering(options);
  std::set<std::int64_t> totals;
  for (int i = 0; i < 20; ++i) totals.insert(wandering.page("activities/").at("total").as_int64());
  EXPECT_THAT(totals, SizeIs(Ge(2U)));
  options.totals_are_approximate = false;
  test::Tenant exact(options);
  EXPECT_EQ(exact.page("activities/").at("total"), 1000);
  EXPECT_EQ(exact.page("activities/").at("moreThanTotal"), false);
}

TEST(Listing, RecordsAreFetchedByTheirId) {
  test::Tenant tenant(test::unhindered());
  const auto get = [&](const std::string& path) {
    return tenant.send("GET", "/api/v1/" + path, {}, {{"Authorization", tenant.legacy_token()}});
  };
  for (const auto& [feed, path] :
       {std::pair{"activities", "activities"}, {"alerts", "alerts"}, {"files", "files"}, {"subnets", "subnet"}}) {
    for (const auto& line : tenant.truth(feed)) {
      const auto answer = get(fmt::format("{}/{}/", path, line.id));
      ASSERT_EQ(answer.status, 200) << line.id;
      ASSERT_EQ(test::parsed(answer).at("_id"), line.id.c_str());
    }
  }
  const auto entities = tenant.page("entities/");
  const json::object& entity = entities.at("data").as_array()[3].as_object();
  const std::string key =
      base64url(fmt::format(R"({{"saas":11161,"id":{},"inst":0}})", json::serialize(entity.at("id"))));
  EXPECT_EQ(test::parsed(get("entities/" + key + "/")).at("_id"), entity.at("_id"));
  for (const char* path : {"alerts/000000000000000000000000/", "activities/nothing/", "entities/eyJ9/", "unknown/"}) {
    EXPECT_EQ(get(path).status, 404);
    EXPECT_EQ(get(path).body, R"({"detail":"Not found."})");
  }
}

TEST(Listing, InventoriesSortAsTheirResourceDoes) {
  test::Tenant tenant(test::unhindered());
  const auto entities = tenant.page("entities/").at("data").as_array();
  std::string last = "9";
  for (const auto& entity : entities) {
    const json::value* seen = entity.as_object().if_contains("lastSeen");
    const std::string time = seen != nullptr && seen->is_string() ? std::string(seen->as_string()) : std::string{};
    EXPECT_LE(time, last) << "never seen comes last";
    last = time;
  }
  EXPECT_EQ(last, "");
  const auto files = test::numbers(
      tenant.page("files/", json::object{{"sortField", "modifiedDate"}, {"sortDirection", "asc"}}), "modifiedDate");
  EXPECT_TRUE(std::ranges::is_sorted(files));
  const auto subnets =
      tenant.page("subnet/", json::object{{"sortField", "name"}, {"sortDirection", "asc"}}).at("data").as_array();
  std::vector<std::string> names;
  for (const auto& subnet : subnets) names.emplace_back(subnet.at("name").as_string());
  EXPECT_THAT(names, SizeIs(10));
  EXPECT_TRUE(std::ranges::is_sorted(names));
  const auto severities =
      test::numbers(tenant.page("alerts/", json::object{{"sortField", "severity"}}), "severityValue");
  EXPECT_TRUE(std::ranges::is_sorted(severities, std::greater{}));
}

}  // namespace
}  // namespace capstan::simulator
