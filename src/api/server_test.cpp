// The API over real sockets on 127.0.0.1, asked by the real client.
#include "api/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "api/client.h"
#include "base/file_system.h"
#include "net/curl_client.h"
#include "status_for_test.h"

namespace capstan::api {
namespace {

using namespace std::chrono_literals;

struct OverSockets : testing::Test {
  OverSockets() {
    directory = testing::TempDir() + "capstan_server_test_" + std::to_string(::getpid());
    std::filesystem::create_directories(directory);
    services.status = [] { return busy_status(); };
    services.verify = [](const runtime::VerifyOptions&, const std::stop_token& stop,
                         const auto&) -> Result<runtime::VerifyReport> {
      while (!stop.stop_requested()) std::this_thread::sleep_for(5ms);
      return Error(ErrorCode::interrupted, "verifying: stopped");
    };
    services.explain = [](const std::string& id, const std::stop_token&) -> Result<runtime::EventLife> {
      runtime::EventLife life;
      life.id = id;
      return life;
    };
    services.replay = [](std::string_view, Timestamp, std::optional<Timestamp>) -> Result<runtime::Replay> {
      return Error(ErrorCode::not_found, "replaying: there is no such route");
    };
  }
  ~OverSockets() override { std::filesystem::remove_all(directory); }

  std::unique_ptr<Server> start() {
    auto server = Server::start({.listen = "127.0.0.1:0", .data_dir = directory, .version = "0.1.0", .host_names = {}},
                                services, clock);
    EXPECT_TRUE(server.has_value()) << server.error().text();
    return server ? std::move(*server) : nullptr;
  }
  std::string admin() const { return directory + "/admin.json"; }

  SystemClock clock;
  PosixFileSystem files;
  net::CurlClient http{"capstan-test"};
  Services services;
  std::string directory;
};

TEST_F(OverSockets, admin_file_is_for_its_owner_only_and_goes_with_the_server) {
  std::filesystem::create_directories(directory);
  std::string first;
  {
    const auto server = start();
    ASSERT_NE(server, nullptr);
    struct stat status{};
    ASSERT_EQ(::stat(admin().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const auto read = read_admin_file(files, directory);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->address, server->address());
    EXPECT_EQ(read->process_id, ::getpid());
    EXPECT_EQ(read->token.reveal().size(), 64U);
    first = read->token.reveal();
  }
  EXPECT_FALSE(std::filesystem::exists(admin()));
  const auto server = start();
  EXPECT_NE(read_admin_file(files, directory)->token.reveal(), first) << "every start has its own token";
}

TEST_F(OverSockets, the_client_finds_and_asks_it) {
  const auto server = start();
  ASSERT_NE(server, nullptr);
  const auto client = Client::find(files, directory, http);
  ASSERT_TRUE(client.has_value()) << client.error().text();
  const auto metrics = client->get("/metrics", {});
  ASSERT_TRUE(metrics.has_value());
  EXPECT_NE(metrics->find("capstan_build_info"), std::string::npos);
  const auto life = client->get("/api/v1/explain?id=" + encode_query("a b/&=ä"), {});
  ASSERT_TRUE(life.has_value()) << life.error().text();
  EXPECT_NE(life->find("a b/&=ä"), std::string::npos) << *life;
  const auto replayed = client->post("/api/v1/replay", R"({"route":"x","since":"1h"})", {});
  ASSERT_FALSE(replayed.has_value());
  EXPECT_EQ(replayed.error().code(), ErrorCode::not_found);
}

TEST_F(OverSockets, it_answers_while_verify_runs_and_stops_at_once) {
  auto server = start();
  ASSERT_NE(server, nullptr);
  const auto client = Client::find(files, directory, http);
  ASSERT_TRUE(client.has_value());
  ASSERT_TRUE(client->post("/api/v1/verify", "{}", {}).has_value());
  const auto second = client->post("/api/v1/verify", "{}", {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::busy);
  EXPECT_TRUE(client->get("/healthz", {.timeout = 5s, .stop = {}}).has_value());
  const auto begin = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(Client::find(files, directory, http).error().code(), ErrorCode::process_not_running);
}

TEST_F(OverSockets, a_port_in_use_and_a_wrong_address_are_said) {
  const auto server = start();
  ASSERT_NE(server, nullptr);
  const std::string taken = "127.0.0.1:" + std::to_string(server->port());
  const auto second =
      Server::start({.listen = taken, .data_dir = "", .version = "", .host_names = {}}, services, clock);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::port_in_use);
  EXPECT_NE(second.error().text().find(taken), std::string::npos);
  const auto wrong =
      Server::start({.listen = "nowhere", .data_dir = "", .version = "", .host_names = {}}, services, clock);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), ErrorCode::wrong_value);
}

TEST_F(OverSockets, a_data_directory_that_cannot_be_written_is_said) {
  const auto server = Server::start(
      {.listen = "127.0.0.1:0", .data_dir = directory + "/nowhere", .version = "", .host_names = {}}, services, clock);
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code(), ErrorCode::directory_not_writable);
}

}  // namespace
}  // namespace capstan::api
