#include <algorithm>
#include <set>

#include "tenant_for_test.h"

namespace capstan::simulator {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;
namespace json = boost::json;

// All records of a feed, as texts and as values.
std::vector<std::string> texts(test::Tenant& tenant, const char* path, std::uint32_t count) {
  std::vector<std::string> found;
  for (std::uint32_t skip = 0; skip < count; skip += 100) {
    const json::object page = tenant.page(path, json::object{{"skip", skip}});
    for (const auto& record : page.at("data").as_array()) found.push_back(json::serialize(record));
  }
  EXPECT_EQ(found.size(), count);
  return found;
}

std::size_t containing(const std::vector<std::string>& records, std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(records, [&](const auto& record) { return record.contains(text); }));
}

TEST(Activities, AreAsLargeAsRealOnes) {
  test::Tenant tenant(test::unhindered());
  const auto records = texts(tenant, "activities/", 1000);
  std::size_t size = 0;
  for (const auto& record : records) size += record.size();
  EXPECT_GT(size / 1000, 2600U);
  EXPECT_LT(size / 1000, 3200U);
}

TEST(Activities, HaveTheOdditiesOfRealOnes) {
  test::Tenant tenant(test::unhindered());
  const auto records = texts(tenant, "activities/", 1000);
  EXPECT_EQ(containing(records, R"("entityData":{"0":{"displayName":)"), 1000U);
  EXPECT_EQ(containing(records, R"("1":null,"2":{)"), 1000U);
  EXPECT_EQ(containing(records, R"("Level":"Informational","level":)"), 1000U);
  EXPECT_EQ(containing(records, R"("objType":"23")"), 1000U);
  EXPECT_EQ(containing(records, R"(x=1\nsecond line\tafter)"), 1000U);
  for (const char* some : {"|", "=", "\\\\", "Ü", "価格表", "📷", "2001:db8:", R"("adminEvent":true)",
                           R"("failedUserData")", R"("session")"})
    EXPECT_GT(containing(records, some), 5U) << some;
  EXPECT_LT(containing(records, R"("userName")"), 1000U) << "log ons carry no user name";
  for (const auto& record : records) {
    const json::object value = json::parse(record).as_object();
    EXPECT_EQ(value.at("_id"), value.at("uid"));
    EXPECT_GT(value.at("rawDataJson").at("id").as_int64(), 1LL << 53);
    EXPECT_LE(value.at("timestamp").as_int64(), value.at("instantiation").as_int64());
    EXPECT_LE(value.at("instantiation").as_int64(), value.at("created").as_int64());
  }
}

TEST(Activities, HaveIdsOfThreeForms) {
  test::Tenant tenant(test::unhindered());
  std::size_t guid = 0;
  std::size_t time = 0;
  std::size_t hash = 0;
  std::set<std::string> distinct;
  for (const auto& line : tenant.truth("activities")) {
    distinct.insert(line.id);
    if (testing::Value(line.id, MatchesRegex("[0-9]{8}_[0-9]{5}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"))) ++guid;
    if (testing::Value(line.id, MatchesRegex("[0-9]{8}_[0-9]{13}_[0-9a-f]{32}"))) ++time;
    if (testing::Value(line.id, MatchesRegex("[0-9a-f]{64}"))) ++hash;
  }
  EXPECT_EQ(guid + time + hash, 1000U);
  EXPECT_GT(std::min({guid, time, hash}), 50U);
  EXPECT_THAT(distinct, SizeIs(1000));
}

TEST(Activities, AreSavedMinutesAfterTheyHappened) {
  test::Tenant tenant(test::unhindered());
  std::vector<std::int64_t> delays;
  for (const auto& text : texts(tenant, "activities/", 1000)) {
    const json::object record = json::parse(text).as_object();
    delays.push_back(record.at("created").as_int64() - record.at("timestamp").as_int64());
  }
  std::ranges::sort(delays);
  EXPECT_LT(delays[100], 200);
  EXPECT_GT(delays[500], 60'000);
  EXPECT_GT(delays.back(), 30 * 60'000);
  EXPECT_LE(delays.back(), 60 * 60'000);
}

TEST(Alerts, AreOfManyShapes) {
  SimulatorOptions options = test::unhindered();
  options.alerts = 300;
  test::Tenant tenant(options);
  const auto records = texts(tenant, "alerts/", 300);
  for (const char* type : {"account", "user", "service", "policyRule", "ip", "country", "device", "groupTag", "file"})
    EXPECT_GT(containing(records, fmt::format(R"("type":"{}")", type)), 5U) << type;
  EXPECT_LT(containing(records, R"("entities")"), 300U) << "some have none";
  EXPECT_GT(containing(records, R"("audits":[")"), 100U);
  EXPECT_LT(containing(records, R"("resolveTime")"), 200U);
  EXPECT_GT(containing(records, "<a href="), 10U);
  EXPECT_GT(containing(records, "__siteIcon__"), 10U);
  const json::object first = json::parse(records.front()).as_object();
  EXPECT_THAT(std::string(first.at("_id").as_string()), MatchesRegex("[0-9a-f]{24}"));
  EXPECT_THAT(std::string(first.at("URL").as_string()), testing::EndsWith(first.at("_id").as_string().c_str()));
}

TEST(Alerts, ReferToActivitiesThatExist) {
  SimulatorOptions options = test::unhindered();
  options.activities = 20;
  test::Tenant tenant(options);
  std::set<std::string> activities;
  for (const auto& line : tenant.truth("activities")) activities.insert(line.id);
  std::size_t references = 0;
  for (const auto& text : texts(tenant, "alerts/", 50)) {
    const json::object record = json::parse(text).as_object();
    if (!record.contains("audits")) continue;
    for (const auto& id : record.at("audits").as_array()) {
      ++references;
      EXPECT_TRUE(activities.contains(std::string(id.as_string())));
    }
  }
  EXPECT_GT(references, 20U);
}

TEST(Entities, AreUsersAndAccounts) {
  test::Tenant tenant(test::unhindered());
  std::size_t users = 0;
  for (const auto& text : texts(tenant, "entities/", 100)) {
    const json::object record = json::parse(text).as_object();
    const json::object name = json::parse(record.at("username").as_string()).as_object();
    EXPECT_EQ(name.at("id"), record.at("id"));
    EXPECT_THAT(text, HasSubstr(R"(\"saas\": 11161)"));
    if (record.at("type") == 2) {
      ++users;
      EXPECT_TRUE(record.contains("accounts"));
      EXPECT_TRUE(record.at("threatScore").is_int64());
    } else {
      EXPECT_TRUE(record.at("threatScore").is_null());
    }
  }
  EXPECT_GT(users, 60U);
  EXPECT_LT(users, 95U);
}

TEST(Files, HaveMembersThatArePairs) {
  test::Tenant tenant(test::unhindered());
  std::size_t folders = 0;
  for (const auto& text : texts(tenant, "files/", 50)) {
    const json::object record = json::parse(text).as_object();
    EXPECT_EQ(record.at("fileAccessLevel").at(0), record.at("facl"));
    EXPECT_TRUE(record.at("fileAccessLevel").at(1).is_string());
    if (record.at("isFolder").as_bool()) {
      ++folders;
      EXPECT_FALSE(record.contains("fileType"));
    }
  }
  EXPECT_GT(folders, 0U);
}

TEST(Subnets, AreStoredAsMappedIpv6) {
  SimulatorOptions options = test::unhindered();
  options.subnets = 60;
  test::Tenant tenant(options);
  for (const auto& text : texts(tenant, "subnet/", 60)) {
    EXPECT_THAT(text, HasSubstr("\"address\":\"0000:0000:0000:0000:0000:ffff:0a"));
    const json::object record = json::parse(text).as_object();
    for (const auto& net : record.at("subnets").as_array()) {
      const std::string original(net.at("originalString").as_string());
      EXPECT_EQ(net.at("mask").as_int64(), 96 + std::stoll(original.substr(original.find('/') + 1)));
    }
    EXPECT_TRUE(record.at("lastModified").is_double()) << text;
  }
}

}  // namespace
}  // namespace capstan::simulator
