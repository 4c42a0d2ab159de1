#include <filesystem>
#include <fstream>
#include <set>

#include "tenant_for_test.h"

namespace capstan::simulator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace json = boost::json;

TEST(TenantModel, TheSameSeedGivesTheSameBytes) {
  SimulatorOptions options = test::unhindered();
  options.rate = 100;
  const auto bytes = [&](std::uint64_t seed) {
    options.seed = seed;
    test::Tenant tenant(options);
    tenant.clock.pass(3s);
    std::string all;
    for (const char* path : {"activities/", "alerts/", "entities/", "files/", "subnet/"}) all += tenant.post(path).body;
    return all + tenant.send("GET", "/_sim/truth").body + tenant.options().client_secret;
  };
  EXPECT_EQ(bytes(4), bytes(4));
  EXPECT_NE(bytes(4), bytes(5));
}

TEST(TenantModel, TheTruthNamesEveryRecord) {
  test::Tenant tenant;
  std::map<std::string, std::set<std::string>> ids;
  for (const auto& line : tenant.truth()) {
    ids[line.feed].insert(line.id);
    EXPECT_EQ(line.version, 1);
    EXPECT_LE(line.created, line.visible_since);
  }
  EXPECT_THAT(ids["activities"], SizeIs(1000));
  EXPECT_THAT(ids["alerts"], SizeIs(50));
  EXPECT_THAT(ids["entities"], SizeIs(100));
  EXPECT_THAT(ids["files"], SizeIs(50));
  EXPECT_THAT(ids["subnets"], SizeIs(10));
}

TEST(TenantModel, EventsHappenAtTheRateTheyAreToldTo) {
  SimulatorOptions options = test::unhindered();
  options.rate = 20;
  options.history = 24h;
  test::Tenant tenant(options);
  const std::int64_t start = tenant.now();
  tenant.clock.pass(100s);
  std::size_t fresh_activities = 0;
  std::size_t fresh_alerts = 0;
  std::map<std::string, std::size_t> changes;
  for (const auto& line : tenant.truth()) {
    if (line.version > 1) ++changes[line.feed];
    if (line.version > 1 || line.created <= start) continue;
    EXPECT_LE(line.created, tenant.now());
    if (line.feed == "activities") ++fresh_activities;
    if (line.feed == "alerts") ++fresh_alerts;
  }
  EXPECT_EQ(fresh_activities, 1800U);
  EXPECT_EQ(fresh_alerts, 100U);
  for (const char* feed : {"alerts", "entities", "files", "subnets"}) EXPECT_GE(changes[feed], 10U) << feed;
  const auto page =
      tenant.page("activities/", json::object{{"filters", json::object{{"created", json::object{{"gt", start}}}}},
                                              {"isScan", true},
                                              {"limit", 5000}});
  EXPECT_THAT(test::ids(page), SizeIs(1800));
}

TEST(TenantModel, ALateRecordAppearsBehindWhatWasThere) {
  SimulatorOptions options = test::unhindered();
  options.activities = 0;
  options.rate = 20;
  options.lateness = 5s;
  test::Tenant tenant(options);
  std::set<std::string> seen;
  std::int64_t newest = 0;
  int late = 0;
  for (int second = 0; second < 30; ++second) {
    tenant.clock.pass(1s);
    const auto page = tenant.page(
        "activities/",
        json::object{{"isScan", true}, {"limit", 5000}, {"sortField", "created"}, {"sortDirection", "asc"}});
    const std::int64_t before = newest;
    for (const auto& record : page.at("data").as_array()) {
      const std::int64_t created = record.at("created").as_int64();
      if (seen.insert(std::string(record.at("_id").as_string())).second && created < before) {
        ++late;
        EXPECT_GT(created, tenant.now() - 6000);
      }
      newest = std::max(newest, created);
    }
  }
  EXPECT_GT(late, 100);
  for (const auto& line : tenant.truth("activities")) {
    EXPECT_LE(line.visible_since, tenant.now());
    EXPECT_LE(line.visible_since, line.created + 5000);
    EXPECT_TRUE(seen.contains(line.id)) << "the truth names what the API has not shown";
  }
}

TEST(TenantModel, SomeRecordsAppearHoursOrDaysLate) {
  SimulatorOptions options = test::unhindered();
  options.rate = 1;
  options.late_by = {6h, 47h, 480h};
  options.late_share = 0.1;
  test::Tenant tenant(options);
  tenant.clock.pass(1h);
  tenant.page("activities/");
  const std::size_t shown = tenant.truth("activities").size();
  // 3,240 activities are new in an hour, and 1,000 were there: a tenth of them is not shown yet, or waited for 6 hours.
  EXPECT_NEAR(static_cast<double>(shown), 4240 * 0.9 + 1000 * 0.1 / 3 * 42 / 48, 80);
  tenant.clock.pass(480h);
  std::map<std::int64_t, int> late;
  for (const auto& line : tenant.truth("activities"))
    if (line.created < tenant.now() - std::int64_t{3'600'000} * 480)
      ++late[(line.visible_since - line.created) / 3'600'000];
  EXPECT_THAT(late, ElementsAre(testing::Pair(0, testing::Gt(3000)), testing::Pair(6, testing::Gt(100)),
                                testing::Pair(47, testing::Gt(100)), testing::Pair(480, testing::Gt(100))));
}

TEST(TenantModel, SomeActivitiesAreSavedLongAfterTheyHappenedAndAreInTheArchive) {
  SimulatorOptions options = test::unhindered();
  options.old_share = 0.1;
  test::Tenant tenant(options);
  const json::object lately{
      {"filters", json::object{{"created", json::object{{"gte", tenant.now() - std::int64_t{3'600'000} * 48}}}}}};
  const auto archived = tenant.page("archived_activities/", lately);
  EXPECT_THAT(test::ids(archived), SizeIs(testing::Gt(50)));
  for (const std::int64_t time : test::numbers(archived, "timestamp"))
    EXPECT_LT(time, tenant.now() - std::int64_t{3'600'000} * 720);
  const std::int64_t all = archived.at("total").as_int64();
  EXPECT_NEAR(static_cast<double>(all), 100, 40);
}

TEST(TenantModel, ItsTimeMayPassFasterThanThatOfOthers) {
  SimulatorOptions options = test::unhindered();
  options.speed = 60;
  options.rate = 0.1;
  test::Tenant tenant(options);
  const std::int64_t start = tenant.now();
  tenant.clock.pass(60s);
  const auto response = tenant.post("activities/");
  const auto created = test::numbers(test::parsed(response).as_object(), "created");
  EXPECT_NEAR(static_cast<double>(created.front()), static_cast<double>(start + 3'600'000), 60'000);
  // It began at Wed, 18 Nov 2026 11:06:40.
  EXPECT_THAT(test::header(response, "Date"), testing::HasSubstr(" 12:06:40 GMT"));
}

TEST(TenantModel, SomeActivitiesShareTheirMillisecond) {
  SimulatorOptions options = test::unhindered();
  options.activities = 5000;
  options.burst_share = 0.2;
  test::Tenant tenant(options);
  std::map<std::int64_t, int> by_time;
  for (const auto& line : tenant.truth("activities")) ++by_time[line.created];
  int sharing = 0;
  int largest = 0;
  for (const auto& [time, count] : by_time) {
    if (count > 1) sharing += count;
    largest = std::max(largest, count);
  }
  EXPECT_GT(sharing, 500);
  EXPECT_LT(sharing, 2000);
  EXPECT_GT(largest, 5);
  EXPECT_LE(largest, 42);
}

TEST(TenantModel, AChangedAlertIsAnotherVersionOfTheSameId) {
  SimulatorOptions options = test::unhindered();
  options.alerts = 5;
  options.activities = 0;
  options.rate = 50;
  test::Tenant tenant(options);
  const auto before = tenant.page("alerts/");
  tenant.clock.pass(60s);
  std::map<std::string, std::int64_t> versions;
  for (const auto& line : tenant.truth("alerts")) versions[line.id] = std::max(versions[line.id], line.version);
  int changed = 0;
  for (const auto& old : before.at("data").as_array()) {
    const std::string id(old.at("_id").as_string());
    const auto answer =
        tenant.send("GET", "/api/v1/alerts/" + id + "/", {}, {{"Authorization", tenant.legacy_token()}});
    const auto now = test::parsed(answer).as_object();
    EXPECT_EQ(now.at("timestamp"), old.at("timestamp"));
    if (versions[id] == 1) {
      EXPECT_EQ(answer.body, json::serialize(old));
      continue;
    }
    ++changed;
    EXPECT_NE(answer.body, json::serialize(old));
    EXPECT_EQ(now.at("statusValue"), 1);
    if (versions[id] >= 3) {
      EXPECT_GE(now.at("resolutionStatusValue").as_int64(), 2);
      EXPECT_TRUE(now.contains("resolveTime"));
    }
  }
  EXPECT_GE(changed, 2);
}

TEST(TenantModel, InventoriesMoveWhenTheyChange) {
  SimulatorOptions options = test::unhindered();
  options.entities = options.files = options.subnets = 20;
  options.rate = 50;
  test::Tenant tenant(options);
  const auto newest = [&](const char* path, const char* member) {
    return json::serialize(tenant.page(path, json::object{{"limit", 1}}).at("data").at(0).at(member));
  };
  const std::string before = newest("files/", "modifiedDate");
  const std::string subnets = tenant.post("subnet/").body;
  tenant.clock.pass(60s);
  EXPECT_GT(newest("files/", "modifiedDate"), before);
  EXPECT_GE(newest("entities/", "lastSeen"), "\"" + to_iso8601(from_epoch_ms(tenant.now() - 30'000)).substr(0, 19));
  EXPECT_NE(tenant.post("subnet/").body, subnets);
}

TEST(TenantModel, AllowsSoManyRequestsAMinute) {
  for (const bool says_so : {true, false}) {
    SimulatorOptions options;
    options.sends_retry_after = says_so;
    test::Tenant tenant(options);
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(tenant.post(i % 2 == 0 ? "activities/" : "alerts/").status, 200);
      tenant.clock.pass(1s);
    }
    const auto answer = tenant.post("entities/");
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.body, R"({"detail":"Request was throttled. Expected available in 30 seconds."})");
    EXPECT_EQ(test::header(answer, "Retry-After"), says_so ? "30" : "");
    EXPECT_EQ(tenant.ask_token(tenant.form()).status, 200) << "the identity platform is another service";
    tenant.clock.pass(30s);
    EXPECT_EQ(tenant.post("activities/").status, 200);
    EXPECT_EQ(tenant.post("activities/").status, 429);
    const auto tally = test::parsed(tenant.send("GET", "/_sim/requests"));
    EXPECT_EQ(tally.at("throttled"), 2);
    EXPECT_EQ(tally.at("served"), 32);
    EXPECT_EQ(tally.at("paths").at("/alerts/"), 15);
  }
}

TEST(TenantModel, WhoMayAskWhat) {
  SimulatorOptions options = test::unhindered();
  test::Tenant tenant(options);
  const std::string token = tenant.token();
  const auto ask = [&](const char* path, const std::string& authorization) {
    return tenant.send("POST", fmt::format("/api/v1/{}/", path), "{}", {{"Authorization", authorization}});
  };
  for (const char* path : {"activities", "archived_activities", "alerts", "entities", "subnet"})
    EXPECT_EQ(ask(path, token).status, 200);
  const auto files = ask("files", token);
  EXPECT_EQ(files.status, 403);
  EXPECT_THAT(files.body, HasSubstr(R"({"detail":"Insufficient role based permissions","correlation_id":")"));
  EXPECT_EQ(ask("files", "Token " + tenant.options().files_token).status, 200);
  EXPECT_EQ(ask("alerts", "Token " + tenant.options().api_token).status, 200);
  EXPECT_EQ(ask("alerts", "Token:" + tenant.options().api_token).body, R"({"detail":"Invalid token"})");
  EXPECT_EQ(ask("alerts", "Bearer nonsense").status, 401);
  EXPECT_EQ(tenant.send("POST", "/api/v1/alerts/", "{}").status, 401);
  EXPECT_EQ(tenant.send("PUT", "/api/v1/alerts/", "{}").status, 405);

  options.permissions = {"settings.read"};
  test::Tenant narrow(options);
  const std::string narrow_token = narrow.token();
  EXPECT_EQ(narrow.send("POST", "/api/v1/subnet/", "{}", {{"Authorization", narrow_token}}).status, 200);
  EXPECT_EQ(narrow.send("POST", "/api/v1/activities/", "{}", {{"Authorization", narrow_token}}).status, 403);
}

TEST(TenantModel, AnswersCarryTheTenantsDate) {
  test::Tenant tenant;
  EXPECT_EQ(test::header(tenant.post("alerts/"), "Date"), "Wed, 18 Nov 2026 11:06:40 GMT");
}

class Directory {
public:
  Directory() : path_(std::filesystem::temp_directory_path() / fmt::format("capstan-simulator-{}", ::getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_;
};

TEST(TenantModel, RecordsOfADirectoryAreServedByteByByte) {
  const Directory directory;
  const std::int64_t now = test::FakeClock().now().time_since_epoch().count() - 3'600'000;
  const std::string lines[] = {
      fmt::format(R"({{"_id":"first", "timestamp":{},"created":{},"n":9007199254740993,"A":1,"a":2}})", now, now + 9),
      fmt::format("{{\"_id\":\"not utf-8\",\"created\":{},\"text\":\"\xff\xfe\"}}", now + 5),
      fmt::format(R"({{"_id":"half","created":{},"text":"ends)", now + 7),
      fmt::format(R"({{"timestamp":{},"name":"no id"}})", now + 8),
      fmt::format(R"({{"_id":"large","created":{},"text":"{}"}})", now + 6, std::string(1'000'000, 'x'))};
  std::string file;
  for (const auto& line : lines) file += line + "\n";
  directory.write("activities.ndjson", file);
  directory.write("subnets.ndjson", R"({"_id":"net","name":"n","lastModified":1607952165309.8032})");
  SimulatorOptions options = test::unhindered();
  options.records_directory = directory.path();
  options.rate = 100;
  test::Tenant tenant(options);
  tenant.clock.pass(10s);
  const auto answer =
      tenant.post("activities/", json::object{{"sortField", "created"}, {"sortDirection", "asc"}, {"isScan", true}});
  EXPECT_THAT(answer.body, testing::StartsWith("{\"data\":[" + lines[1] + "," + lines[4] + "," + lines[2] + "," +
                                               lines[3] + "," + lines[0] + "]"));
  EXPECT_THAT(tenant.post("subnet/").body, HasSubstr("1607952165309.8032"));
  EXPECT_THAT(tenant.page("alerts/").at("data").as_array(), IsEmpty());
  std::vector<std::string> ids;
  for (const auto& line : tenant.truth("activities")) ids.push_back(line.id);
  EXPECT_THAT(ids, ElementsAre("not utf-8", "large", "half", "", "first"));
  EXPECT_EQ(tenant.send("GET", "/api/v1/activities/first/", {}, {{"Authorization", tenant.legacy_token()}}).body,
            lines[0]);
}

TEST(TenantModel, TwoHundredThousandActivitiesAreQuickToAsk) {
  SimulatorOptions options = test::unhindered();
  options.activities = 200'000;
  const auto begin = std::chrono::steady_clock::now();
  test::Tenant tenant(options);
  const std::int64_t middle = tenant.now() - 24LL * 3600 * 1000;
  for (int i = 0; i < 200; ++i) {
    const json::object window{{"gte", middle + i * 1000}, {"lte", middle + i * 1000 + 60'000}};
    EXPECT_THAT(test::ids(tenant.page("activities/",
                                      json::object{{"filters", json::object{{"created", window}}}, {"limit", 1}})),
                SizeIs(1));
    EXPECT_THAT(test::ids(tenant.page(
                    "activities/",
                    json::object{{"filters", json::object{{"date", window}}}, {"sortField", "created"}, {"limit", 1}})),
                SizeIs(1));
  }
  // A walk over all records for each of the 400 would take minutes in this build.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

}  // namespace
}  // namespace capstan::simulator
