#include "runtime/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "engine_equipment.h"

namespace capstan::runtime {
namespace {

using equipment::Answer;
using equipment::Inbox;
using testing::ElementsAre;

class EngineTest : public testing::Test {
protected:
  void SetUp() override {
    const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        std::filesystem::temp_directory_path() / ("capstan-engine-" + std::to_string(::getpid()) + "-" + info.name());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Plan plan(std::vector<Answer> script) {
    Plan plan;
    plan.data_dir = directory_;
    plan.journal.reserve = 1_MiB;
    plan.sources.push_back(
        {"tenant", "scripted", "", std::make_unique<equipment::ScriptedSource>(std::move(script)), {}});
    RoutePlan route;
    route.name = "road";
    route.from = {"tenant"};
    equipment::write_raw(route);
    route.sink_name = "inbox";
    route.sink = std::make_unique<equipment::InboxSink>(inbox_);
    plan.routes.push_back(std::move(route));
    return plan;
  }

  std::filesystem::path directory_;
  SystemClock clock_;
  PosixFileSystem files_;
  equipment::NoHttp http_;
  World world_{clock_, files_, http_};
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
};

TEST_F(EngineTest, until_caught_up_ends_when_everything_is_delivered) {
  std::vector<Answer> script;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    script.push_back({{"id" + std::to_string(i)}, "1", {}});
    expected.push_back("id" + std::to_string(i));
  }
  auto engine = Engine::start(plan(std::move(script)), world_);
  ASSERT_TRUE(engine) << engine.error().text();
  const Result<> done = (*engine)->run_until_caught_up({});
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(inbox_->taken(), expected);
  const Status status = (*engine)->status();
  EXPECT_GT(status.memory.resident_bytes, 0U);
  EXPECT_TRUE(status.is_ready());
  (*engine)->stop();
  EXPECT_TRUE(inbox_->is_closed);
}

TEST_F(EngineTest, until_caught_up_says_what_is_held) {
  auto engine =
      Engine::start(plan({{{"a"}, "1", {}}, {{}, "1", Error(ErrorCode::token_refused, "polling: 401")}}), world_);
  ASSERT_TRUE(engine);
  const Result<> done = (*engine)->run_until_caught_up({});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::token_refused);
  EXPECT_THAT(inbox_->taken(), ElementsAre("a"));
}

TEST_F(EngineTest, a_second_engine_in_the_same_directory_is_refused) {
  auto engine = Engine::start(plan({}), world_);
  ASSERT_TRUE(engine);
  auto second = Engine::start(plan({}), world_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::already_running);
  engine->reset();
  EXPECT_TRUE(Engine::start(plan({}), world_));
}

TEST_F(EngineTest, a_sink_that_hangs_is_stopped_at_once) {
  inbox_->hangs = true;
  auto engine = Engine::start(plan({{{"a"}, "1", {}}}), world_);
  ASSERT_TRUE(engine);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  (*engine)->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(EngineTest, run_ends_when_it_is_told_to) {
  auto engine = Engine::start(plan({}), world_);
  ASSERT_TRUE(engine);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_TRUE((*engine)->run(stop.get_token()));
}

TEST_F(EngineTest, replay_knows_its_routes_and_counts) {
  auto engine = Engine::start(plan({{{"a", "b"}, "1", {}}}), world_);
  ASSERT_TRUE(engine);
  ASSERT_TRUE((*engine)->run_until_caught_up({}));
  const auto unknown = (*engine)->replay("raod", {}, {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::not_found);
  EXPECT_THAT(unknown.error().sentence(), testing::HasSubstr("did you mean \"road\""));
  const auto replay = (*engine)->replay("road", Timestamp{}, {});
  ASSERT_TRUE(replay);
  EXPECT_EQ(replay->records, 2U);
  ASSERT_TRUE((*engine)->run_until_caught_up({}));
  EXPECT_THAT(inbox_->taken(), ElementsAre("a", "b", "a", "b"));
}

TEST_F(EngineTest, explain_finds_what_was_delivered) {
  auto engine = Engine::start(plan({{{"a", "b"}, "1", {}}}), world_);
  ASSERT_TRUE(engine);
  ASSERT_TRUE((*engine)->run_until_caught_up({}));
  const auto life = (*engine)->explain("b", {});
  ASSERT_TRUE(life) << life.error().text();
  ASSERT_EQ(life->versions.size(), 1U);
  EXPECT_EQ(life->versions[0].routes.at(0).state, RouteFate::State::delivered);
}

TEST_F(EngineTest, the_service_manager_is_told) {
  std::filesystem::create_directories(directory_);
  const std::string path = directory_ / "notify";
  const int inbox = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(inbox, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  auto engine = Engine::start(plan({}), world_);
  ::unsetenv("NOTIFY_SOCKET");
  ASSERT_TRUE(engine);
  (*engine)->stop();
  std::string said;
  for (int i = 0; i < 2; ++i) {
    char text[64];
    const ssize_t size = ::recv(inbox, text, sizeof text, MSG_DONTWAIT);
    if (size > 0) said += std::string(text, static_cast<std::size_t>(size)) + ";";
  }
  ::close(inbox);
  EXPECT_EQ(said, "READY=1;STOPPING=1;");
}

}  // namespace
}  // namespace capstan::runtime
