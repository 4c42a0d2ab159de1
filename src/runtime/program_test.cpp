#include "runtime/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine_equipment.h"

namespace capstan::runtime {
namespace {

using equipment::Answer;
using equipment::Inbox;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ProgramTest : public testing::Test {
protected:
  void SetUp() override {
    const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        std::filesystem::temp_directory_path() / ("capstan-program-" + std::to_string(::getpid()) + "-" + info.name());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override {
    program_.reset();
    std::filesystem::remove_all(directory_);
  }

  void start(std::vector<Answer> script, std::vector<std::string> feeds = {}) {
    program_.reset();
    Plan plan;
    plan.data_dir = directory_;
    plan.journal.reserve = 1_MiB;
    auto source = std::make_unique<equipment::ScriptedSource>(std::move(script));
    source->feed = feed_;
    source->repetition = repetition_;
    source_ = source.get();
    plan.sources.push_back({"tenant", "scripted", "", std::move(source), {}});
    RoutePlan route;
    route.name = "road";
    route.from = {"tenant"};
    route.feeds = std::move(feeds);
    equipment::write_raw(route);
    route.sink_name = "inbox";
    route.sink = std::make_unique<equipment::InboxSink>(inbox_);
    plan.routes.push_back(std::move(route));
    auto opened = Program::open(std::move(plan), world_, letters_, 1);
    ASSERT_TRUE(opened) << opened.error().text();
    program_ = std::move(*opened);
  }

  // Steps everybody in turn for so long; with nothing to do, time passes.
  void sail(Duration span) {
    const MonotonicTime end = clock_.monotonic() + span;
    for (int i = 0; clock_.monotonic() < end; ++i) {
      ASSERT_LT(i, 100'000);
      program_->collectors()[0]->step({});
      program_->committer().step();
      for (int n = 0; n < 20; ++n) program_->routes()[0]->step({});
      clock_.advance(std::chrono::milliseconds(100));
    }
  }

  RouteStatus route() const { return program_->status().routes.at(0); }
  FeedStatus feed() const { return program_->status().sources.at(0).feeds.at(0); }

  std::filesystem::path directory_;
  equipment::ManualClock clock_;
  equipment::RoomyDisk disk_;
  equipment::NoHttp http_;
  World world_{clock_, disk_, http_};
  equipment::MemoryLetters letters_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::string feed_ = "activities";
  Repetition repetition_ = Repetition::by_id;
  equipment::ScriptedSource* source_ = nullptr;
  std::unique_ptr<Program> program_;
};

TEST_F(ProgramTest, what_is_polled_is_delivered_in_order_and_repeats_are_counted) {
  start({{{"a", "b"}, "1", {}}, {{"b", "c"}, "1", {}}, {{"a", "c", "d", "d"}, "2", {}}});
  sail(std::chrono::seconds(3));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(feed().journaled, 4U);
  EXPECT_EQ(feed().duplicates, 4U);
  EXPECT_TRUE(program_->is_settled());
  EXPECT_EQ(program_->status().sources[0].state, SourceState::connected);
  EXPECT_EQ(route().delivered, 4U);
  EXPECT_EQ(route().backlog_bytes, 0U);
}

TEST_F(ProgramTest, an_id_with_other_content_is_an_update_where_content_counts) {
  feed_ = "entities";
  repetition_ = Repetition::by_content;
  start({{{"a"}, "1", {}}, {{"a"}, "1", {}}, {{"a"}, "2", {}}});
  sail(std::chrono::seconds(3));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "a"));
  EXPECT_EQ(feed().updates, 1U);
  EXPECT_EQ(feed().duplicates, 1U);
}

TEST_F(ProgramTest, without_room_nothing_is_appended_and_with_room_everything_arrives) {
  start({{{"a", "b"}, "1", {}}, {{"c"}, "1", {}}});
  disk_.room = 0;
  sail(std::chrono::seconds(20));
  EXPECT_THAT(inbox_->messages, IsEmpty());
  EXPECT_EQ(program_->status().sources[0].code, ErrorCode::disk_full);
  EXPECT_FALSE(program_->is_settled());
  EXPECT_LT(source_->polls, 8);  // with growing pauses
  disk_.room = std::uint64_t{1} << 40;
  sail(std::chrono::minutes(2));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "b", "c"));
  EXPECT_EQ(program_->status().sources[0].error, "");
}

TEST_F(ProgramTest, a_source_that_fails_is_asked_again_and_its_pause_is_obeyed) {
  start({{{}, "1", Error(ErrorCode::throttled, "polling: slow down").asking_for(std::chrono::seconds(90))},
         {{"a"}, "1", {}}});
  sail(std::chrono::seconds(85));
  EXPECT_EQ(source_->polls, 1);
  EXPECT_THAT(program_->status().sources[0].error, HasSubstr("E2003"));
  ASSERT_EQ(program_->status().stalled.size(), 1U);
  EXPECT_EQ(program_->status().stalled[0].stage, "source tenant");
  sail(std::chrono::seconds(10));
  EXPECT_THAT(inbox_->messages, ElementsAre("a"));
  EXPECT_TRUE(program_->status().is_ready());
}

TEST_F(ProgramTest, a_held_source_says_so_and_goes_on_after_a_person_acted) {
  start({{{}, "1", Error(ErrorCode::token_refused, "polling: 401")}, {{"a"}, "1", {}}});
  sail(std::chrono::seconds(2));
  EXPECT_TRUE(program_->status().sources[0].is_held);
  EXPECT_TRUE(program_->is_settled());
  EXPECT_EQ(program_->held_by()->code(), ErrorCode::token_refused);
  sail(std::chrono::minutes(6));
  EXPECT_THAT(inbox_->messages, ElementsAre("a"));
  EXPECT_FALSE(program_->held_by());
}

TEST_F(ProgramTest, a_source_is_in_error_after_two_hours_and_disconnected_after_twelve) {
  std::vector<Answer> script{{{"a"}, "1", {}}};
  for (int i = 0; i < 400; ++i) script.push_back({{}, "1", Error(ErrorCode::connection_failed, "polling: no")});
  start(std::move(script));
  sail(std::chrono::seconds(2));
  EXPECT_EQ(program_->status().sources[0].state, SourceState::connected);
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(program_->status().sources[0].state, SourceState::connection_error);
  clock_.advance(std::chrono::hours(10));
  EXPECT_EQ(program_->status().sources[0].state, SourceState::disconnected);
}

TEST_F(ProgramTest, a_feed_that_is_behind_says_when_it_will_have_caught_up_or_that_it_never_will) {
  using std::chrono::hours;
  struct Expected {
    double possible_per_second;
    bool is_outpaced;
    std::optional<Duration> caught_up_in;
  };
  for (const Expected& expected : {Expected{40, false, hours(1)}, Expected{20, false, hours(3)},
                                   Expected{10, true, std::nullopt}, Expected{5, true, std::nullopt}}) {
    start({{{"a"}, "1", {}}, {{"b"}, "1", {}}});
    source_->says.newest = clock_.now() - hours(3);
    source_->says.arriving_per_second = 10;
    source_->says.possible_per_second = expected.possible_per_second;
    program_->collectors()[0]->step({});
    const FeedPace pace = feed().pace;
    EXPECT_EQ(pace.is_outpaced, expected.is_outpaced) << expected.possible_per_second;
    EXPECT_EQ(pace.caught_up_at.has_value(), expected.caught_up_in.has_value()) << expected.possible_per_second;
    if (pace.caught_up_at) {
      EXPECT_EQ(*pace.caught_up_at - clock_.now(), expected.caught_up_in.value_or(Duration{}));
    }
    program_.reset();
    std::filesystem::remove_all(directory_);
  }
}

TEST_F(ProgramTest, a_dead_sink_holds_its_route_and_loses_nothing) {
  start({{{"a", "b"}, "1", {}}});
  for (int i = 0; i < 5; ++i) inbox_->errors.emplace_back(ErrorCode::destination_unreachable, "delivering: no");
  sail(std::chrono::seconds(12));
  EXPECT_THAT(inbox_->messages, IsEmpty());
  EXPECT_EQ(route().state, RouteState::retrying);
  EXPECT_EQ(route().backlog_records > 0, true);
  sail(std::chrono::seconds(40));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "b"));
  EXPECT_EQ(route().state, RouteState::idle);
}

TEST_F(ProgramTest, a_route_without_progress_is_named) {
  start({{{"a"}, "1", {}}});
  for (int i = 0; i < 50; ++i) inbox_->errors.emplace_back(ErrorCode::destination_unreachable, "delivering: no");
  sail(std::chrono::seconds(20));
  EXPECT_TRUE(program_->status().is_ready());
  sail(std::chrono::seconds(20));
  ASSERT_FALSE(program_->status().is_ready());
  EXPECT_EQ(program_->status().stalled[0].stage, "route road");
}

TEST_F(ProgramTest, too_much_at_once_is_halved_until_it_fits) {
  start({{{"a", "b", "c", "d", "e", "f", "g"}, "1", {}}});
  inbox_->messages_max = 2;
  sail(std::chrono::seconds(2));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "b", "c", "d", "e", "f", "g"));
  EXPECT_THAT(letters_.ids, IsEmpty());
}

TEST_F(ProgramTest, one_record_that_does_not_fit_is_a_dead_letter_and_the_rest_flows_on) {
  start({{{"a", "odd", "b", "wrong", "c"}, "1", {}}});
  inbox_->refuses = "wrong";
  inbox_->errors.emplace_back(ErrorCode::message_too_long, "delivering: too long");
  inbox_->errors.emplace_back(ErrorCode::message_too_long, "delivering: too long");
  inbox_->errors.emplace_back(ErrorCode::message_too_long, "delivering: too long");
  sail(std::chrono::seconds(2));
  // The first is alone after two halvings and then given up.
  EXPECT_THAT(letters_.ids, ElementsAre("a", "odd", "wrong"));
  EXPECT_THAT(inbox_->messages, ElementsAre("b", "c"));
  EXPECT_EQ(route().rejected, 3U);
  EXPECT_EQ(route().delivered, 2U);
}

TEST_F(ProgramTest, a_dead_letter_that_cannot_be_kept_holds_the_route_without_sending_twice) {
  start({{{"a", "wrong", "b"}, "1", {}}});
  inbox_->refuses = "wrong";
  letters_.refusals = 2;
  sail(std::chrono::milliseconds(500));
  EXPECT_EQ(route().delivered, 0U);
  sail(std::chrono::seconds(10));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "b"));
  EXPECT_THAT(letters_.ids, ElementsAre("wrong"));
}

TEST_F(ProgramTest, a_route_takes_only_its_feeds_and_counts_the_rest_as_dropped) {
  start({{{"a", "b"}, "1", {}}}, {"alerts"});
  sail(std::chrono::seconds(2));
  EXPECT_THAT(inbox_->messages, IsEmpty());
  EXPECT_EQ(route().dropped, 2U);
  EXPECT_TRUE(program_->is_settled());
}

TEST_F(ProgramTest, after_a_restart_it_goes_on_where_it_stopped) {
  const std::vector<Answer> script{{{"a", "b"}, "1", {}}, {{"c"}, "1", {}}};
  start(script);
  sail(std::chrono::seconds(3));
  ASSERT_TRUE(program_->committer().finish());
  start(script);
  sail(std::chrono::seconds(3));
  EXPECT_THAT(inbox_->messages, ElementsAre("a", "b", "c"));
  EXPECT_THAT(inbox_->resumed_with, ElementsAre("", "3 messages"));
  EXPECT_EQ(route().delivered, 3U);
}

TEST_F(ProgramTest, the_same_records_have_the_same_payload_id_when_they_come_again) {
  const std::vector<Answer> script{{{"a", "b"}, "1", {}}};
  start(script);
  // Dies before the cursor is written.
  for (int i = 0; i < 3; ++i) {
    program_->collectors()[0]->step({});
    program_->committer().step();
    program_->routes()[0]->step({});
  }
  start(script);
  sail(std::chrono::seconds(2));
  ASSERT_EQ(inbox_->payload_ids.size(), 2U);
  EXPECT_EQ(inbox_->payload_ids[0], inbox_->payload_ids[1]);
}

TEST_F(ProgramTest, a_replay_delivers_again_and_stops_where_it_was_told) {
  start({{{"a", "b"}, "1", {}}, {{"c"}, "1", {}}, {{"d"}, "1", {}}});
  sail(std::chrono::seconds(3));
  const store::Journal& journal = *program_->committer().journal(0);
  const auto slice = journal.read(journal.report().first, 1_MiB);
  ASSERT_TRUE(slice);
  ASSERT_EQ(slice->items.size(), 4U);
  inbox_->messages.clear();
  program_->routes()[0]->replay({{0, slice->items[1].position, slice->items[3].position}});
  EXPECT_FALSE(program_->is_settled());
  sail(std::chrono::seconds(2));
  EXPECT_THAT(inbox_->messages, ElementsAre("b", "c"));
  EXPECT_TRUE(program_->is_settled());
  inbox_->messages.clear();
  program_->routes()[0]->replay({{0, slice->items[2].position, std::nullopt}});
  sail(std::chrono::seconds(2));
  EXPECT_THAT(inbox_->messages, ElementsAre("c", "d"));
}

TEST(BackoffTest, doubles_up_to_a_limit_and_is_spread) {
  Backoff backoff({std::chrono::seconds(1), std::chrono::seconds(10), std::chrono::seconds(60)}, 7);
  const Error error(ErrorCode::connection_failed, "asking: no");
  Duration last{};
  for (int i = 0; i < 40; ++i) last = backoff.next(error);
  EXPECT_LE(last, std::chrono::seconds(10));
  EXPECT_GE(last, std::chrono::milliseconds(7500));
  EXPECT_GE(backoff.next(Error(ErrorCode::token_refused, "asking: 401")), std::chrono::seconds(45));
  backoff.reset();
  EXPECT_LE(backoff.next(error), std::chrono::seconds(1));
}

}  // namespace
}  // namespace capstan::runtime
