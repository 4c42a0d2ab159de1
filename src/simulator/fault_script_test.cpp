#include "fault_script.h"

#include "tenant_for_test.h"

namespace capstan::simulator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace json = boost::json;

SimulatorOptions with(std::string faults) {
  SimulatorOptions options = test::unhindered();
  options.faults = std::move(faults);
  return options;
}

std::vector<int> statuses(test::Tenant& tenant, int count, const std::string& path = "activities/") {
  std::vector<int> found;
  for (int i = 0; i < count; ++i) found.push_back(tenant.post(path).status);
  return found;
}

TEST(FaultScript, AnswersByPathAndCount) {
  test::Tenant tenant(
      with(R"([{"path":"/api/v1/alerts","count":2,"status":503},{"path":"/api/v1/","count":1,"status":500}])"));
  EXPECT_THAT(statuses(tenant, 3), ElementsAre(500, 200, 200));
  EXPECT_THAT(statuses(tenant, 3, "alerts/"), ElementsAre(503, 503, 200));
}

TEST(FaultScript, AnswersByNumberAndByTurn) {
  test::Tenant tenant(with(R"([{"from_request":2,"to_request":3,"status":502},{"every":3,"status":504}])"));
  EXPECT_THAT(statuses(tenant, 7), ElementsAre(200, 502, 502, 200, 200, 504, 200));
}

TEST(FaultScript, AnswersByTime) {
  test::Tenant tenant(with(R"({"from":10,"to":20.5,"status":401,"body":{"detail":"Invalid token"}})"));
  EXPECT_THAT(statuses(tenant, 1), ElementsAre(200));
  tenant.clock.pass(10s);
  EXPECT_EQ(tenant.post("files/").body, R"({"detail":"Invalid token"})");
  EXPECT_THAT(statuses(tenant, 1), ElementsAre(401));
  tenant.clock.pass(10'499ms);
  EXPECT_THAT(statuses(tenant, 1), ElementsAre(401));
  tenant.clock.pass(1ms);
  EXPECT_THAT(statuses(tenant, 1), ElementsAre(200));
}

TEST(FaultScript, GoesForTheIdentityPlatformToo) {
  test::Tenant tenant;
  tenant.send(
      "POST", "/_sim/faults",
      fmt::format(R"([{{"path":"/{}/","count":1,"status":429,"retry_after":60}}])", tenant.options().tenant_id));
  const auto answer = tenant.ask_token(tenant.form());
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(test::header(answer, "Retry-After"), "60");
  EXPECT_EQ(tenant.ask_token(tenant.form()).status, 200);
}

TEST(FaultScript, HtmlGarbageAndAnEmptyBody) {
  test::Tenant tenant(with(R"([{"count":1,"html":true},{"count":1,"garbage":true},{"count":1,"body":""}])"));
  const auto html = tenant.post("alerts/");
  EXPECT_EQ(html.status, 200);
  EXPECT_THAT(test::header(html, "Content-Type"), HasSubstr("text/html"));
  const auto garbage = tenant.post("alerts/");
  EXPECT_EQ(garbage.status, 200);
  EXPECT_THROW(test::parsed(garbage), std::runtime_error);
  EXPECT_EQ(tenant.post("alerts/").body, "");
}

TEST(FaultScript, TheTrueAnswerLateCutOrWithOtherHeaders) {
  test::Tenant tenant(with(R"({"count":1,"delay_ms":1500,"cut_after":100,"headers":{"X-Trouble":"yes"}})"));
  const auto answer = tenant.post("alerts/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.delay, 1500ms);
  EXPECT_EQ(answer.cut_after, 100U);
  EXPECT_EQ(test::header(answer, "X-Trouble"), "yes");
  EXPECT_THAT(test::ids(test::parsed(answer).as_object()), SizeIs(50));
  EXPECT_EQ(tenant.post("alerts/").cut_after, std::nullopt);
}

TEST(FaultScript, AWrongHasNext) {
  test::Tenant tenant(with(R"([{"count":1,"wrong_has_next":false},{"count":1,"wrong_has_next":true}])"));
  const json::object scan{{"isScan", true}};
  const auto ends_early = tenant.page("activities/", scan);
  EXPECT_FALSE(ends_early.at("hasNext").as_bool());
  EXPECT_FALSE(ends_early.contains("nextQueryFilters"));
  const auto never_ends = tenant.page("alerts/");
  EXPECT_TRUE(never_ends.at("hasNext").as_bool());
  EXPECT_TRUE(tenant.page("activities/", scan).contains("nextQueryFilters"));
}

TEST(FaultScript, APageWithoutItsDataMovesNothing) {
  test::Tenant tenant(with(R"({"count":1,"no_data":true})"));
  const json::object filters{{"date", json::object{{"gte", 5}}}};
  const auto page = tenant.page("activities/", json::object{{"isScan", true}, {"filters", filters}});
  EXPECT_THAT(page.at("data").as_array(), IsEmpty());
  EXPECT_TRUE(page.at("hasNext").as_bool());
  EXPECT_EQ(page.at("nextQueryFilters"), json::value(filters));
}

TEST(FaultScript, ARecordThatTheServiceCannotShow) {
  test::Tenant tenant(test::unhindered());
  const auto truth = tenant.truth("activities");
  const auto& poisoned = truth[500];
  tenant.send("POST", "/_sim/faults", json::serialize(json::object{{"record", poisoned.id}, {"status", 500}}));
  const auto window = [&](std::int64_t from, std::int64_t to) {
    const json::object created{{"gte", from}, {"lte", to}};
    return tenant
        .post("activities/",
              json::object{{"filters", json::object{{"created", created}}}, {"isScan", true}, {"limit", 5000}})
        .status;
  };
  EXPECT_EQ(window(0, tenant.now()), 500);
  EXPECT_EQ(window(0, poisoned.created - 1), 200);
  EXPECT_EQ(window(poisoned.created, poisoned.created), 500);
  EXPECT_EQ(window(poisoned.created + 1, tenant.now()), 200);
  EXPECT_EQ(test::parsed(tenant.send("GET", "/_sim/requests")).at("faults"), 2);
  tenant.send("DELETE", "/_sim/faults");
  EXPECT_EQ(window(0, tenant.now()), 200);
}

TEST(FaultScript, SaysWhatItDoesNotUnderstand) {
  const test::FakeClock clock;
  FaultScript script(clock);
  const auto text = [&](const char* faults) {
    const auto added = script.add(faults);
    return added ? std::string{"taken"} : added.error().text();
  };
  EXPECT_THAT(text(R"([{"statu":500}])"), HasSubstr("there is no member \"statu\"; expected path, from"));
  EXPECT_THAT(text(R"([{"status":"500"}])"), HasSubstr("\"status\": expected a number, got \"500\""));
  EXPECT_THAT(text(R"([{"status":99}])"), HasSubstr("expected 200 to 599, got 99"));
  EXPECT_THAT(text(R"([{"every":0}])"), HasSubstr("expected a number above 0"));
  EXPECT_THAT(text(R"([{"html":1}])"), HasSubstr("expected true or false, got 1"));
  EXPECT_THAT(text("[1]"), HasSubstr("expected an object per fault, got 1"));
  EXPECT_THAT(text("nonsense"), HasSubstr("expected a JSON list of faults"));
  EXPECT_FALSE(script.next("/").has_value()) << "a script with a mistake is not taken in part";

  SimulatorOptions options;
  options.faults_file = "/nonexistent/faults.json";
  const auto made = TenantModel::create(options, clock);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::unreadable_file);
}

}  // namespace
}  // namespace capstan::simulator
