#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "api/client.h"
#include "api/status_json.h"
#include "exposition_for_test.h"
#include "metrics.h"
#include "problem.h"
#include "questions.h"
#include "router.h"
#include "status_for_test.h"

namespace capstan::api {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

// --- metrics ---------------------------------------------------------------------------------------------------------

TEST(Metrics, are_well_formed_and_named_by_the_rules) {
  const Exposition read = ExpositionReader().read(metrics_text(busy_status(), "0.1.0"));
  for (const auto& mistake : read.mistakes) ADD_FAILURE() << mistake;
  EXPECT_GT(read.types.size(), 40U);
  EXPECT_EQ(read.at(R"(capstan_build_info{version="0.1.0"})"), 1);
  const std::string feed = R"({source="contoso_mdca",tenant="contoso",feed="activities"})";
  EXPECT_EQ(read.at("capstan_events_received_total" + feed), 120);
  EXPECT_EQ(read.at("capstan_events_received_total" + feed),
            read.at("capstan_events_kept_total" + feed) + read.at("capstan_events_duplicate_total" + feed));
  EXPECT_EQ(read.at("capstan_feed_lag_seconds" + feed), 90);
  EXPECT_EQ(read.at("capstan_feed_lateness_seconds" + feed), 1.5);
  EXPECT_EQ(read.at("capstan_feed_up" + feed), 1);
  EXPECT_EQ(read.at(R"(capstan_feed_held{source="contoso_mdca",tenant="contoso",feed="files"})"), 1);
  EXPECT_EQ(read.at(R"(capstan_events_delivered_total{route="alerts_to_\"arcsight\"\\\n",sink="arcsight"})"), 60);
  EXPECT_EQ(read.at(R"(capstan_route_state{route="alerts_to_\"arcsight\"\\\n",sink="arcsight",state="retrying"})"), 1);
  EXPECT_EQ(read.at(R"(capstan_tenant_requests_per_minute_limit{tenant="contoso"})"), 25);
  const std::string table = R"({table="offices",from="/etc/capstan/offices.csv"})";
  EXPECT_EQ(read.at("capstan_table_rows" + table), 12);
  EXPECT_EQ(read.at("capstan_table_reloads_total" + table), 2);
  EXPECT_EQ(read.at("capstan_table_loaded_timestamp_seconds" + table), 1'760'000'000);
  EXPECT_EQ(read.at(R"re(capstan_error{part="table",name="offices from /etc/capstan/offices.csv",code="E6005",)re"
                    R"re(class="configuration"})re"),
            1);
  EXPECT_EQ(read.at("capstan_ready"), 0);
  EXPECT_EQ(read.at("capstan_resident_memory_bytes"), 30'000'000);
}

TEST(Metrics, of_an_empty_program_are_well_formed) {
  const Exposition read = ExpositionReader().read(metrics_text({}, "0.1.0"));
  for (const auto& mistake : read.mistakes) ADD_FAILURE() << mistake;
  EXPECT_EQ(read.at("capstan_ready"), 1);
}

TEST(Metrics, a_name_that_is_not_utf8_does_not_break_the_rest) {
  runtime::Status status = busy_status();
  status.routes[0].name = "\xff";
  const Exposition read = ExpositionReader().read(metrics_text(status, "0.1.0"));
  EXPECT_TRUE(read.mistakes.empty());
}

TEST(Metrics, the_reader_of_this_test_sees_mistakes) {
  EXPECT_FALSE(ExpositionReader().read("capstan_a_total 1\n").mistakes.empty());
  EXPECT_FALSE(ExpositionReader().read("# HELP capstan_a One thing.\n# TYPE capstan_a counter\n").mistakes.empty());
  EXPECT_FALSE(ExpositionReader()
                   .read("# HELP capstan_a One thing.\n# TYPE capstan_a gauge\ncapstan_a{b=c} 1\n")
                   .mistakes.empty());
  EXPECT_FALSE(ExpositionReader()
                   .read("# HELP capstan_a One thing.\n# TYPE capstan_a gauge\ncapstan_a 1\ncapstan_a 2\n")
                   .mistakes.empty());
  EXPECT_TRUE(
      ExpositionReader().read("# HELP capstan_a One thing.\n# TYPE capstan_a gauge\ncapstan_a 1\n").mistakes.empty());
}

// --- status ----------------------------------------------------------------------------------------------------------

TEST(StatusJson, tells_every_part) {
  const json::object all = json::parse(to_json(busy_status())).as_object();
  const json::object& source = all.at("sources").as_array().at(0).as_object();
  EXPECT_EQ(source.at("state").as_string(), "Connected");
  const json::object& files = source.at("feeds").as_array().at(1).as_object();
  EXPECT_EQ(files.at("code").as_string(), "E2002");
  EXPECT_TRUE(files.at("newest").is_null());
  EXPECT_FALSE(files.at("advice").as_string().empty());
  const json::object& route = all.at("routes").as_array().at(0).as_object();
  EXPECT_EQ(route.at("backlog_records").to_number<int>(), 40);
  EXPECT_NE(route.at("last_error").as_string().find("E3001"), json::string::npos);
  EXPECT_FALSE(all.at("is_ready").as_bool());
}

// --- the router and its guard ----------------------------------------------------------------------------------------

struct Asked {
  std::vector<runtime::VerifyOptions> verify;
  std::vector<std::string> explain;
  std::vector<std::string> replay;
  std::vector<std::pair<std::string, bool>> reload;  // the file, whether it only shows
};

Services services(Asked& asked) {
  Services s;
  s.status = [] { return busy_status(); };
  s.verify = [&asked](const runtime::VerifyOptions& options, const std::stop_token&, const auto& progress) {
    progress("asking");
    asked.verify.push_back(options);
    return Result<runtime::VerifyReport>(runtime::VerifyReport{});
  };
  s.explain = [&asked](const std::string& id, const std::stop_token&) -> Result<runtime::EventLife> {
    asked.explain.push_back(id);
    if (id == "nobody") return Error(ErrorCode::not_found, "looking for \"nobody\": nothing");
    runtime::EventLife life;
    life.id = id;
    return life;
  };
  s.replay = [&asked](std::string_view route, Timestamp, std::optional<Timestamp>) -> Result<runtime::Replay> {
    asked.replay.emplace_back(route);
    return runtime::Replay{std::string(route), 12, {"contoso_mdca"}};
  };
  s.reload = [&asked](const std::string& file, runtime::ReloadOptions options) -> Result<runtime::ReloadReport> {
    asked.reload.emplace_back(file, options.only_shows);
    if (file == "/other.yaml") return Error(ErrorCode::wrong_usage, "reloading: expected the running one's file");
    runtime::ReloadReport report;
    report.outcome = runtime::ReloadOutcome::refused;
    report.findings.add(ErrorCode::unknown_option, {"capstan.yaml", 3, 5}, "there is no option \"x\"");
    return report;
  };
  return s;
}

struct Api : testing::Test {
  Api() : router("0.1.0", Guard({"proxy.example"}, Secret("s3cret-token")), services(asked), clock) {}

  static net::ServerRequest get(std::string path) {
    net::ServerRequest request;
    request.method = "GET";
    request.path = std::move(path);
    request.headers = {{"Host", "127.0.0.1:9477"}};
    return request;
  }
  static net::ServerRequest post(std::string path, std::string body) {
    net::ServerRequest request = get(std::move(path));
    request.method = "POST";
    request.body = std::move(body);
    request.headers.push_back({"Content-Type", "application/json"});
    request.headers.push_back({"Authorization", "Bearer s3cret-token"});
    return request;
  }
  static void set(net::ServerRequest& request, const std::string& name, const std::string& value) {
    std::erase_if(request.headers, [&](const auto& header) { return header.name == name; });
    request.headers.push_back({name, value});
  }
  int status(const net::ServerRequest& request) { return router.answer(request).status; }

  SystemClock clock;
  Asked asked;
  Router router;
};

TEST_F(Api, healthz_and_readyz) {
  EXPECT_EQ(status(get("/healthz")), 200);
  const auto ready = router.answer(get("/readyz"));
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("route alerts_to_arcsight"), std::string::npos);
  EXPECT_NE(ready.body.find("E3001"), std::string::npos);
}

TEST_F(Api, metrics_say_their_version_of_the_format) {
  const auto response = router.answer(get("/metrics"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at(0).value, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(Api, an_unknown_path_or_method_is_a_problem_with_advice) {
  const auto response = router.answer(get("/api/v1/statuss"));
  EXPECT_EQ(response.status, 404);
  const json::object body = json::parse(response.body).as_object();
  for (const char* member : {"code", "name", "message", "advice"}) EXPECT_TRUE(body.contains(member)) << member;
  EXPECT_EQ(status(get("/api/v1/replay")), 405);
  EXPECT_EQ(status(post("/api/v1/status", "{}")), 405);
  auto remove = get("/api/v1/status");
  remove.method = "DELETE";
  EXPECT_EQ(status(remove), 405);
}

TEST_F(Api, explain_asks_for_the_id) {
  auto request = get("/api/v1/explain");
  EXPECT_EQ(status(request), 400);
  request.query = {{"id", "a b/ä"}};
  EXPECT_EQ(status(request), 200);
  EXPECT_EQ(asked.explain, std::vector<std::string>{"a b/ä"});
  request.query = {{"id", "nobody"}};
  const auto missing = router.answer(request);
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(missing.body.find("E1016"), std::string::npos);
}

TEST_F(Api, verify_runs_beside_and_its_report_can_be_fetched) {
  EXPECT_EQ(json::parse(router.answer(get("/api/v1/verify")).body).as_object().at("number").to_number<int>(), 0);
  const auto started =
      router.answer(post("/api/v1/verify", R"({"since":"2d","until":"2026-11-24T08:00:00Z","repair":true,)"
                                           R"("sources":["contoso_mdca"],"tenants":["contoso"],"late_after":"1m"})"));
  ASSERT_EQ(started.status, 202) << started.body;
  json::object state;
  for (int i = 0; i < 1000; ++i) {  // at most ten seconds
    state = json::parse(router.answer(get("/api/v1/verify")).body).as_object();
    if (!state.at("is_running").as_bool()) break;
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(state.contains("report"));
  EXPECT_EQ(state.at("number").to_number<int>(), 1);
  ASSERT_EQ(asked.verify.size(), 1U);
  EXPECT_TRUE(asked.verify[0].repair);
  EXPECT_EQ(asked.verify[0].sources, std::vector<std::string>{"contoso_mdca"});
  EXPECT_EQ(asked.verify[0].tenants, std::vector<std::string>{"contoso"});
  EXPECT_EQ(asked.verify[0].since, runtime::VerifyMoment(Duration(std::chrono::hours(48))));
  EXPECT_EQ(asked.verify[0].until, runtime::VerifyMoment(parse_iso8601("2026-11-24T08:00:00Z").value()));
  EXPECT_EQ(asked.verify[0].late_after, std::chrono::minutes(1));
}

TEST_F(Api, reload_says_what_came_of_it) {
  EXPECT_EQ(status(get("/api/v1/reload")), 405);
  EXPECT_EQ(status(post("/api/v1/reload", R"({"dry_run":"yes"})")), 400);
  EXPECT_EQ(status(post("/api/v1/reload", R"({"file":"/other.yaml"})")), 400);
  asked.reload.clear();
  const auto response = router.answer(post("/api/v1/reload", R"({"file":"/capstan.yaml","dry_run":true})"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(asked.reload, (std::vector<std::pair<std::string, bool>>{{"/capstan.yaml", true}}));
  const auto report = boost::json::parse(response.body);
  EXPECT_EQ(report.at("outcome").as_string(), "refused");
  EXPECT_EQ(report.at("findings").at(0).at("code").as_string(), "E1004");
  EXPECT_EQ(report.at("findings").at(0).at("line").to_number<int>(), 3);
}

TEST_F(Api, replay_needs_a_route_and_a_time) {
  EXPECT_EQ(status(post("/api/v1/replay", "{}")), 400);
  EXPECT_EQ(status(post("/api/v1/replay", R"({"route":"all"})")), 400);
  EXPECT_EQ(status(post("/api/v1/replay", R"({"route":"all","since":"yesterday"})")), 400);
  EXPECT_EQ(status(post("/api/v1/replay", R"({"route":"all","since":"1h","until":"2h"})")), 400);
  EXPECT_TRUE(asked.replay.empty());
  const auto response = router.answer(post("/api/v1/replay", R"({"route":"all","since":"1d"})"));
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(json::parse(response.body).as_object().at("records").to_number<int>(), 12);
}

TEST_F(Api, an_unknown_member_is_refused_with_a_suggestion) {
  const auto response = router.answer(post("/api/v1/replay", R"({"rout":"all","since":"1d"})"));
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("did you mean \\\"route\\\""), std::string::npos) << response.body;
}

TEST_F(Api, a_web_page_cannot_reach_it) {
  auto rebinding = get("/metrics");
  set(rebinding, "Host", "evil.example:9477");
  EXPECT_EQ(status(rebinding), 403);
  set(rebinding, "Host", "");
  EXPECT_EQ(status(rebinding), 403);
  auto foreign = get("/api/v1/status");
  set(foreign, "Origin", "https://evil.example");
  EXPECT_EQ(status(foreign), 403);
  auto null_origin = get("/api/v1/status");
  set(null_origin, "Origin", "null");
  EXPECT_EQ(status(null_origin), 403);
  auto fetched = get("/api/v1/status");
  set(fetched, "Sec-Fetch-Site", "cross-site");
  EXPECT_EQ(status(fetched), 403);
  auto form = post("/api/v1/replay", "route=all&since=1d");
  set(form, "Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(status(form), 415);
  auto text = post("/api/v1/replay", R"({"route":"all","since":"1d"})");
  set(text, "Content-Type", "text/plain");
  EXPECT_EQ(status(text), 415);
  EXPECT_TRUE(asked.replay.empty());
}

TEST_F(Api, its_own_names_are_known) {
  for (const char* host :
       {"127.0.0.1:9477", "localhost:9477", "LOCALHOST", "[::1]:9477", "192.0.2.7:9477", "proxy.example"}) {
    auto request = get("/healthz");
    set(request, "Host", host);
    EXPECT_EQ(status(request), 200) << host;
  }
  auto own = get("/healthz");
  set(own, "Origin", "http://127.0.0.1:9477");
  EXPECT_EQ(status(own), 200);
}

TEST_F(Api, a_post_needs_the_token) {
  auto request = post("/api/v1/replay", R"({"route":"all","since":"1d"})");
  for (const char* authorization :
       {"", "Bearer", "Bearer ", "Bearer s3cret-toke", "Bearer s3cret-tokem", "Basic s3cret-token"}) {
    set(request, "Authorization", authorization);
    const auto response = router.answer(request);
    EXPECT_EQ(response.status, 401) << authorization;
    EXPECT_EQ(response.body.find("s3cret"), std::string::npos);
  }
  EXPECT_TRUE(asked.replay.empty());
}

TEST(Problem, goes_there_and_back) {
  const auto answered = problem(Error(ErrorCode::wrong_usage, "reading: a \"quote\" and \xff"));
  const Error back = error_of_problem(answered.status, answered.body);
  EXPECT_EQ(back.code(), ErrorCode::wrong_usage);
  EXPECT_NE(back.sentence().find("a \"quote\""), std::string::npos);
  EXPECT_EQ(error_of_problem(502, "<html>").code(), ErrorCode::unexpected_answer);
}

// --- the running process, found and asked ----------------------------------------------------------------------------

// Sends requests straight to a router, as the network would.
class Wire final : public net::HttpClient {
public:
  explicit Wire(Router* to) : to_(to) {}
  Result<net::Response> send(const net::Request& request, const Call&) override {
    if (to_ == nullptr) return Error(ErrorCode::connection_failed, "connecting: refused");
    net::ServerRequest arrived;
    arrived.method = request.method;
    const std::size_t path = request.url.find('/', 7);
    arrived.path = request.url.substr(path, request.url.find('?') - path);
    arrived.headers = request.headers;
    arrived.headers.push_back({"Host", request.url.substr(7, path - 7)});
    if (!request.authorization.is_empty())
      arrived.headers.push_back({"Authorization", std::string(request.authorization.reveal())});
    arrived.body = request.body.reveal();
    const auto answer = to_->answer(arrived);
    net::Response response;
    response.status = answer.status;
    response.body = answer.body;
    return response;
  }
  using Call = net::Call;

private:
  Router* to_;
};

struct Found : Api {
  Found() {
    directory = testing::TempDir() + "capstan_api_test_" + std::to_string(::getpid());
    EXPECT_TRUE(files.make_directories(directory).has_value());
  }
  ~Found() override {
    (void)files.remove(path());
    ::rmdir(directory.c_str());
  }
  std::string path() const { return directory + "/admin.json"; }
  void leave(const std::string& text) { EXPECT_TRUE(replace_file(files, path(), text).has_value()); }

  PosixFileSystem files;
  std::string directory;
};

TEST_F(Found, a_client_asks_and_posts) {
  leave(R"({"address":"http://127.0.0.1:9477","token":"s3cret-token","process_id":7})");
  Wire wire(&router);
  auto client = Client::find(files, directory, wire);
  ASSERT_TRUE(client.has_value());
  EXPECT_TRUE(client->get("/api/v1/status", {}).has_value());
  const auto replayed = client->post("/api/v1/replay", R"({"route":"all","since":"1d"})", {});
  ASSERT_TRUE(replayed.has_value());
  const auto refused = client->post("/api/v1/replay", R"({"route":"all"})", {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::wrong_usage);
}

TEST_F(Found, no_file_a_stale_one_or_a_broken_one_is_not_running) {
  Wire wire(&router);
  Wire cut(nullptr);
  EXPECT_EQ(Client::find(files, directory, wire).error().code(), ErrorCode::process_not_running);
  leave("{");
  EXPECT_EQ(Client::find(files, directory, wire).error().code(), ErrorCode::process_not_running);
  leave(R"({"address":"http://127.0.0.1:9477","token":"x","process_id":7})");
  const auto stale = Client::find(files, directory, cut);
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().code(), ErrorCode::process_not_running);
  EXPECT_NE(stale.error().text().find("process 7"), std::string::npos);
}

TEST(Query, is_percent_encoded) { EXPECT_EQ(encode_query("a b/ä&=+"), "a%20b%2F%C3%A4%26%3D%2B"); }

}  // namespace
}  // namespace capstan::api
