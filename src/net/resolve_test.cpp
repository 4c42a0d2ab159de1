#include "net/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "name_lookups.h"

namespace capstan::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

// Leaving a look-up takes no time of its own; the rest is for a machine that is busy with other tests.
constexpr auto prompt = 1500ms;
// Longer than any of these tests lasts.
constexpr auto for_ever = 60s;

// A name server that answers when it is told to.
class SilentServer {
public:
  Result<std::vector<std::string>> ask(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return answers_; });
    return std::vector<std::string>{"192.0.2.7", host};
  }
  void answer() {
    const std::lock_guard lock(mutex_);
    answers_ = true;
    changed_.notify_all();
  }
  bool await_asked(int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return asked_ >= times; });
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answers_ = false;
  int asked_ = 0;
};

class LookUps : public testing::Test {
protected:
  ~LookUps() override { server_->answer(); }

  // The server outlives the test with whatever hangs in it.
  std::shared_ptr<SilentServer> server_ = std::make_shared<SilentServer>();
  NameLookups::LookUp look_up_ = [server = server_](const std::string& host) { return server->ask(host); };
};

TEST(Resolve, gives_a_literal_as_it_is) {
  for (const auto* literal : {"127.0.0.1", "::1", "192.0.2.7"}) {
    const auto found = resolve({literal, 514}, Call{0ms, {}});
    ASSERT_TRUE(found) << found.error().text();
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(to_string(found->front()), to_string(Address{literal, 514}));
  }
}

TEST(Resolve, finds_this_machine_by_its_name) {
  const auto found = resolve({"localhost", 514}, Call{for_ever, {}});
  ASSERT_TRUE(found) << found.error().text();
  for (const auto& each : *found) EXPECT_THAT(each.host, testing::AnyOf("127.0.0.1", "::1"));
}

TEST(Resolve, says_that_a_name_is_unknown) {
  // RFC 6761, 6.4: no name under "invalid" exists.
  const auto found = resolve({"siem.invalid", 514}, Call{for_ever, {}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::name_not_resolved);
  EXPECT_THAT(found.error().text(), HasSubstr("siem.invalid"));
}

TEST_F(LookUps, end_with_their_time) {
  NameLookups lookups(look_up_);
  const auto begun = std::chrono::steady_clock::now();
  const auto found = lookups.find("siem.example", Call{100ms, {}});
  EXPECT_LT(std::chrono::steady_clock::now() - begun, prompt);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::name_not_resolved);
  EXPECT_THAT(found.error().text(), HasSubstr("no answer in time"));
}

TEST_F(LookUps, end_when_they_are_stopped) {
  NameLookups lookups(look_up_);
  std::stop_source stop;
  auto found =
      std::async(std::launch::async, [&] { return lookups.find("siem.example", {for_ever, stop.get_token()}); });
  ASSERT_TRUE(server_->await_asked(1));
  stop.request_stop();
  ASSERT_EQ(found.wait_for(prompt), std::future_status::ready);
  EXPECT_EQ(found.get().error().code(), ErrorCode::interrupted);
}

TEST_F(LookUps, of_one_name_are_shared) {
  NameLookups lookups(look_up_);
  const auto ask = [&] { return lookups.find("siem.example", Call{for_ever, {}}); };
  auto first = std::async(std::launch::async, ask);
  ASSERT_TRUE(server_->await_asked(1));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(lookups.find("siem.example", Call{1ms, {}}));
  EXPECT_EQ(server_->asked(), 1);
  server_->answer();
  EXPECT_THAT(first.get().value(), ElementsAre("192.0.2.7", "siem.example"));
}

TEST_F(LookUps, of_another_name_do_not_wait) {
  NameLookups lookups([server = server_](const std::string& host) -> Result<std::vector<std::string>> {
    if (host == "dead.example") return server->ask(host);
    return std::vector<std::string>{"192.0.2.8"};
  });
  EXPECT_FALSE(lookups.find("dead.example", Call{1ms, {}}));
  EXPECT_THAT(lookups.find("living.example", Call{for_ever, {}}).value(), ElementsAre("192.0.2.8"));
}

TEST_F(LookUps, that_are_lost_are_begun_again_but_not_without_end) {
  NameLookups lookups(look_up_, 0ns);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(lookups.find("siem.example", Call{1ms, {}}));
  EXPECT_TRUE(server_->await_asked(4));
  EXPECT_EQ(server_->asked(), 4);
}

TEST_F(LookUps, that_hang_outlive_who_began_them) {
  EXPECT_FALSE(NameLookups(look_up_).find("siem.example", Call{1ms, {}}));
  server_->answer();
}

}  // namespace
}  // namespace capstan::net
