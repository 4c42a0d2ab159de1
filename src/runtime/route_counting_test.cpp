// What a route counts in its cursors: conserved at every moment, and on disk before it is sent.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <set>

#include "engine_equipment.h"
#include "runtime/engine.h"
#include "runtime/program.h"

namespace capstan::runtime {
namespace {

using equipment::Answer;
using testing::ElementsAre;
using testing::SizeIs;

// What becomes of the next attempts, and what has arrived.
struct Far {
  struct Attempt {
    std::size_t arrive = 0;  // of the payload's messages
    bool is_well = false;
    std::uint64_t window = 0;  // messages of earlier payloads that are sent again before
    std::size_t keep = 0;      // of those that arrive, the first ones count as delivered and are not sent again
  };
  std::deque<Attempt> attempts;  // when there are none: all arrives and it is well
  std::vector<std::string> arrived;
  std::uint64_t window_arrived = 0;
  bool is_a_file = false;  // recognizes what comes again
  Sink::Doubt doubt;
  bool settles = true;
  std::function<void()> on_deliver = [] {};
};

class FarSink final : public Sink {
public:
  explicit FarSink(Far& far) : far_(far) {}
  Result<> resume(std::string_view) override { return {}; }
  Result<Delivery> deliver(const Payload& payload, const Call&) override {
    Far::Attempt attempt{payload.messages.size(), true, 0, 0};
    if (!far_.attempts.empty()) {
      attempt = far_.attempts.front();
      far_.attempts.pop_front();
    }
    arrived_ = 0;
    far_.on_deliver();
    if (attempt.window > 0) {
      TRY(before_resend_(attempt.window));
      far_.window_arrived += attempt.window;
    }
    const std::size_t first = has_delivered(payload);
    arrived_ = std::min(attempt.arrive, payload.messages.size());
    for (std::size_t i = first; i < arrived_; ++i) far_.arrived.emplace_back(payload.message(i));
    kept_ = attempt.is_well ? 0 : std::max(kept_, attempt.keep);
    if (!attempt.is_well && kept_ > first)
      return Error(ErrorCode::payload_unfinished, "delivering: only a part in this time");
    if (!attempt.is_well) return Error(ErrorCode::destination_closed, "delivering: the connection broke");
    Delivery delivery;
    delivery.accepted = payload.messages.size();
    return delivery;
  }
  std::size_t may_have_arrived() const override { return far_.is_a_file ? 0 : arrived_; }
  std::size_t has_delivered(const Payload& payload) const override { return std::min(kept_, payload.messages.size()); }
  Doubt doubt() const override { return far_.doubt; }
  Result<> settle(const Call&) override {
    return far_.settles ? Result<>() : Error(ErrorCode::destination_closed, "settling: it had not read everything");
  }
  bool recognizes_repeats() const override { return far_.is_a_file; }
  Proof proof() const override { return Proof::acknowledged_by_kernel; }
  void before_resend(BeforeResend tell) override { before_resend_ = std::move(tell); }
  Result<> probe(const Call&) override { return {}; }
  void close() override {}

private:
  Far& far_;
  std::size_t arrived_ = 0;
  std::size_t kept_ = 0;
  BeforeResend before_resend_;
};

// Refuses the file `cursors` when told to, and counts how often it was written.
class WatchedDisk final : public FileSystem {
public:
  bool takes_cursors = true;
  std::uint64_t cursors_written = 0;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override { return real_.open(path, mode); }
  Result<std::vector<std::string>> list(const std::string& directory) const override { return real_.list(directory); }
  Result<bool> exists(const std::string& path) const override { return real_.exists(path); }
  Result<std::optional<FileStatus>> status(const std::string& path) const override { return real_.status(path); }
  Result<std::string> real_path(const std::string& path) const override { return real_.real_path(path); }
  Result<> rename_to_new(const std::string& from, const std::string& to) override {
    return real_.rename_to_new(from, to);
  }
  Result<> make_directories(const std::string& path) override { return real_.make_directories(path); }
  Result<> rename(const std::string& from, const std::string& to) override {
    if (to.ends_with("/cursors")) {
      if (!takes_cursors) return Error(ErrorCode::disk_full, "renaming: no room");
      ++cursors_written;
    }
    return real_.rename(from, to);
  }
  Result<> remove(const std::string& path) override { return real_.remove(path); }
  Result<> sync_directory(const std::string& directory) override { return real_.sync_directory(directory); }
  Result<std::uint64_t> free_bytes(const std::string&) const override { return std::uint64_t{1} << 40; }

private:
  PosixFileSystem real_;
};

class RouteCountingTest : public testing::Test {
protected:
  void SetUp() override {
    const testing::TestInfo& info = *testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        std::filesystem::temp_directory_path() / ("capstan-counting-" + std::to_string(::getpid()) + "-" + info.name());
    std::filesystem::remove_all(directory_);
    options_.reserve = 1_MiB;
  }
  void TearDown() override {
    program_.reset();
    std::filesystem::remove_all(directory_);
  }

  static std::vector<std::string> ids(int first, int end) {
    std::vector<std::string> all;
    for (int n = first; n < end; ++n) all.push_back(fmt::format("r{}", n));
    return all;
  }
  RoutePlan plan_of_route() {
    RoutePlan route;
    route.name = "road";
    route.from = {"tenant"};
    route.feeds = feeds_;
    equipment::write_raw(route);
    route.sink_name = "far";
    route.sink = std::make_unique<FarSink>(far_);
    route.batch = batch_;
    route.reserve = reserve_;
    return route;
  }
  // In the place of one that was killed, if there was one.
  void start(std::vector<Answer> script) {
    program_.reset();
    Plan plan;
    plan.data_dir = directory_;
    plan.journal = options_;
    plan.sources.push_back(
        {"tenant", "scripted", "", std::make_unique<equipment::ScriptedSource>(std::move(script)), {}});
    plan.routes.push_back(plan_of_route());
    auto opened = Program::open(std::move(plan), world_, letters_, 1);
    ASSERT_TRUE(opened) << opened.error().text();
    program_ = std::move(*opened);
  }
  void kill() { program_.reset(); }
  void end_cleanly() {
    for (const auto& route : program_->routes()) route->close();
    ASSERT_TRUE(program_->committer().finish());
    program_.reset();
  }
  void sail(Duration span) {
    const MonotonicTime end = clock_.monotonic() + span;
    while (clock_.monotonic() < end) {
      program_->collectors()[0]->step({});
      program_->committer().step();
      for (int n = 0; n < 20; ++n) {
        program_->routes()[0]->step({});
        expect_conserved();
      }
      clock_.advance(std::chrono::milliseconds(100));
    }
  }
  RouteStatus route() const { return program_->status().routes.at(0); }
  const store::Journal& journal() const { return *program_->running_sources()[0]->journal; }
  void expect_conserved() const {
    const RouteCursor stands = route().cursors.at(0);
    EXPECT_EQ(stands.cursor.counted() + stands.backlog_records - stands.repeated, journal().report().records);
  }
  // What another process would read now.
  store::Cursor cursor_on_disk() {
    const auto reader = store::Journal::open_read_only(disk_, clock_, journal_directory(directory_, "tenant"));
    return (*reader)->cursors().at(0);
  }
  std::uint64_t doubles() const {
    return far_.arrived.size() - std::set<std::string>(far_.arrived.begin(), far_.arrived.end()).size() +
           far_.window_arrived;
  }

  std::filesystem::path directory_;
  equipment::ManualClock clock_;
  WatchedDisk disk_;
  equipment::NoHttp http_;
  World world_{clock_, disk_, http_};
  equipment::MemoryLetters letters_;
  Far far_;
  store::JournalOptions options_;
  BatchOptions batch_;
  std::vector<std::string> feeds_;
  AttemptReserve reserve_;
  std::unique_ptr<Program> program_;
};

TEST_F(RouteCountingTest, attempts_that_brought_nothing_count_nothing) {
  far_.attempts = {{}, {}, {}};
  start({{ids(0, 4), "1", {}}});
  sail(std::chrono::seconds(60));
  EXPECT_EQ(far_.arrived, ids(0, 4));
  EXPECT_EQ(route().resent, 0U);
  EXPECT_EQ(route().attempts, 4U);
}

TEST_F(RouteCountingTest, every_attempt_that_may_have_brought_something_again_counts) {
  far_.attempts = {{4, false}, {2, false}, {}, {4, false}};
  start({{ids(0, 4), "1", {}}});
  sail(std::chrono::seconds(90));
  EXPECT_THAT(far_.arrived, SizeIs(14));
  EXPECT_EQ(doubles(), 10U);
  EXPECT_EQ(route().resent, 10U);
  EXPECT_EQ(route().delivered, 4U);
}

// Three of eight are done, the payload comes again in halves: of the first half the fourth is sent for the first time.
TEST_F(RouteCountingTest, what_an_attempt_has_delivered_before_it_failed_is_not_resent) {
  far_.attempts = {{3, false, 0, 3}};
  start({{ids(0, 8), "1", {}}});
  sail(std::chrono::seconds(60));
  EXPECT_EQ(far_.arrived, ids(0, 8));
  EXPECT_EQ(doubles(), 0U);
  EXPECT_EQ(route().resent, 0U);
  EXPECT_EQ(route().delivered, 8U);
}

TEST_F(RouteCountingTest, a_clean_end_leaves_the_doubt_of_a_destination_that_had_not_read_everything) {
  for (const bool settles : {true, false}) {
    std::filesystem::remove_all(directory_);
    far_.doubt = {1_MiB, std::chrono::minutes(1)};
    far_.settles = settles;
    start({{ids(0, 4), "1", {}}});
    sail(std::chrono::milliseconds(300));
    ASSERT_EQ(route().delivered, 4U);
    program_->routes()[0]->close();
    program_->committer().step();
    EXPECT_EQ(route().cursors.at(0).cursor.unsure_from.has_value(), !settles);
  }
}

TEST_F(RouteCountingTest, the_disk_knows_before_anything_is_sent) {
  int attempts = 0;
  far_.on_deliver = [&] {
    const store::Cursor cursor = cursor_on_disk();
    EXPECT_GE(cursor.attempted_to, 4U);
    EXPECT_LE(cursor.attempted_to, 4 + reserve_.least);
    EXPECT_GE(cursor.resent, static_cast<std::uint64_t>(attempts) * 4);
    ++attempts;
  };
  far_.attempts = {{4, false}, {4, false}, {4, false}};
  start({{ids(0, 4), "1", {}}});
  sail(std::chrono::seconds(90));
  EXPECT_EQ(attempts, 4);
  EXPECT_EQ(route().resent, 12U);
}

// The process dies when all has arrived, again and again. Nothing that it counted is forgotten.
TEST_F(RouteCountingTest, kills_forget_no_double) {
  reserve_ = {2, 8};
  const std::vector<Answer> script{{ids(0, 4), "1", {}}, {ids(4, 6), "1", {}}};
  constexpr std::uint64_t kills = 5;
  for (std::uint64_t i = 0; i < kills; ++i) {
    start(script);
    far_.attempts = {{99, false}};
    sail(std::chrono::milliseconds(300));
    kill();
  }
  start(script);
  sail(std::chrono::seconds(3));
  EXPECT_EQ(route().delivered, 6U);
  EXPECT_GT(doubles(), 4U);
  EXPECT_GE(route().resent, doubles());
  EXPECT_LE(route().resent, doubles() + kills * 2 * (reserve_.most + 4));
  // After a clean end it is exact from there on.
  const std::uint64_t before = route().resent;
  end_cleanly();
  EXPECT_EQ(cursor_on_disk().resent, before);
  EXPECT_EQ(cursor_on_disk().attempted_to, 6U);
  auto more = script;
  more.push_back({ids(6, 9), "1", {}});
  start(more);
  sail(std::chrono::seconds(3));
  EXPECT_EQ(route().resent, before);
  EXPECT_EQ(route().delivered, 9U);
}

// An attempt that brought nothing leaves the disk ahead of what a clean end puts into the cursor. What is written next
// is the cursor: it has to know of the attempt that came after.
TEST_F(RouteCountingTest, a_successor_marks_what_the_disk_knew_before) {
  const std::vector<Answer> script{{ids(0, 4), "1", {}}};
  far_.attempts = {{}};
  start(script);
  sail(std::chrono::milliseconds(200));
  EXPECT_GE(cursor_on_disk().attempted_to, 4U);
  const auto before = program_->running_routes().at(0);
  before->runner->close();
  far_.attempts = {{99, false}, {}};
  program_->put(program_->make_route(plan_of_route(), before->runner->fence()));
  program_->routes()[0]->step({});
  EXPECT_THAT(far_.arrived, SizeIs(4));
  ASSERT_TRUE(program_->committer().write_cursors_of(0));
  EXPECT_GE(cursor_on_disk().attempted_to, 4U);
  kill();
  start(script);
  sail(std::chrono::seconds(30));
  EXPECT_GT(doubles(), 0U);
  EXPECT_GE(route().resent, doubles());
}

TEST_F(RouteCountingTest, what_comes_again_after_a_kill_is_not_delivered_twice) {
  const std::vector<Answer> script{{ids(0, 4), "1", {}}};
  start(script);
  sail(std::chrono::milliseconds(200));
  EXPECT_EQ(route().delivered, 4U);
  kill();  // before the cursors are written, but for the mark
  start(script);
  sail(std::chrono::seconds(2));
  EXPECT_THAT(far_.arrived, SizeIs(8));
  EXPECT_EQ(route().delivered, 4U);
  EXPECT_EQ(route().resent, 4U);
}

TEST_F(RouteCountingTest, a_replay_is_resent_and_not_delivered_once_more) {
  start({{ids(0, 6), "1", {}}});
  sail(std::chrono::seconds(2));
  const auto slice = journal().read({}, 1_MiB);
  program_->routes()[0]->replay({{0, slice->items[2].position, slice->items[5].position}});
  program_->routes()[0]->step({});
  sail(std::chrono::seconds(2));
  EXPECT_THAT(far_.arrived, SizeIs(9));
  EXPECT_EQ(route().delivered, 6U);
  EXPECT_EQ(route().resent, 3U);
  // While the destination is down the replay waits, and is not mistaken for new events.
  far_.attempts.assign(20, {});
  program_->routes()[0]->replay({{0, slice->items[2].position, std::nullopt}});
  sail(std::chrono::seconds(1));
  const RouteCursor stands = route().cursors.at(0);
  EXPECT_EQ(stands.backlog_records, 4U);
  EXPECT_EQ(stands.repeated, 4U);
  EXPECT_EQ(route().resent, 3U);
}

// Nothing new becomes durable meanwhile: nobody would wake it up once more.
TEST_F(RouteCountingTest, a_replay_of_what_the_route_does_not_take_comes_to_its_end) {
  feeds_ = {"alerts"};
  start({{ids(0, 6), "1", {}}});
  sail(std::chrono::seconds(2));
  const auto slice = journal().read({}, 1_MiB);
  const store::Position end = cursor_on_disk().position;
  program_->routes()[0]->replay({{0, {}, slice->items[0].position}});
  for (int n = 0; n < 20; ++n)
    if (!program_->routes()[0]->step({}).at) break;
  EXPECT_TRUE(program_->is_settled());
  sail(std::chrono::seconds(1));
  EXPECT_EQ(cursor_on_disk().position, end);
  EXPECT_EQ(route().dropped, 6U);
}

TEST_F(RouteCountingTest, a_file_recognizes_what_comes_again_but_not_a_replay) {
  far_.is_a_file = true;
  far_.attempts = {{}, {}};
  start({{ids(0, 6), "1", {}}});
  sail(std::chrono::seconds(30));
  EXPECT_EQ(route().resent, 0U);
  const auto slice = journal().read({}, 1_MiB);
  program_->routes()[0]->replay({{0, slice->items[2].position, std::nullopt}});
  sail(std::chrono::seconds(2));
  EXPECT_EQ(route().resent, 4U);
  EXPECT_EQ(route().delivered, 6U);
}

// Compared, then removed by retention before the repair is appended: nobody can see any more that it was journaled.
TEST_F(RouteCountingTest, a_repair_that_retention_has_overtaken_doubles_nothing) {
  options_.segment_size = 1_KiB;
  options_.max_bytes = 4_KiB;
  options_.when_full = store::JournalOptions::WhenFull::drop_oldest;
  std::vector<Answer> script;
  for (int n = 0; n < 200; n += 5) script.push_back({ids(n, n + 5), std::to_string(n + 1), {}});
  start(script);
  sail(std::chrono::seconds(10));
  ASSERT_GT(journal().report().first, (store::Position{0, 0}));
  ASSERT_THAT(far_.arrived, SizeIs(200));
  Batch batch;
  for (const std::string_view id : {"r1", "r2", "not there"})
    ASSERT_TRUE(batch.add({.feed = "activities", .id = id, .raw = id}));
  const auto repair = program_->committer().repair(0, std::move(batch), {});
  sail(std::chrono::seconds(2));
  ASSERT_TRUE(repair->is_done());
  EXPECT_TRUE(repair->take());
  EXPECT_THAT(far_.arrived, SizeIs(201));
}

// Nobody saw the destination alive since: what it may have forgotten when the connection broke is still in doubt.
TEST_F(RouteCountingTest, doubt_does_not_age_while_the_connection_is_broken) {
  far_.doubt = {1_MiB, std::chrono::minutes(1)};
  start({{ids(0, 4), "1", {}}});
  sail(std::chrono::milliseconds(200));
  EXPECT_THAT(far_.arrived, SizeIs(4));
  far_.attempts.assign(5000, {0, false, 0});
  sail(std::chrono::minutes(3));
  end_cleanly();
  EXPECT_TRUE(cursor_on_disk().unsure_from);
  far_.attempts.clear();
  start({{ids(0, 4), "1", {}}});
  sail(std::chrono::seconds(2));
  EXPECT_THAT(far_.arrived, SizeIs(8));
  // Seen alive for a minute, it has stored everything.
  sail(std::chrono::minutes(3));
  end_cleanly();
  EXPECT_FALSE(cursor_on_disk().unsure_from);
}

TEST_F(RouteCountingTest, a_window_that_a_sink_sends_again_is_counted_before) {
  start({{ids(0, 4), "1", {}}, {ids(4, 5), "1", {}}});
  far_.on_deliver = [&] { far_.on_deliver = [] {}; };
  sail(std::chrono::milliseconds(100));
  far_.attempts = {{0, false, 4}, {1, true, 4}};
  sail(std::chrono::seconds(30));
  EXPECT_EQ(far_.window_arrived, 8U);
  EXPECT_EQ(route().resent, 8U);
}

TEST_F(RouteCountingTest, a_runner_with_a_successor_sends_nothing_again) {
  start({{ids(0, 4), "1", {}}});
  std::vector<RouteRunner::From> places;
  far_.attempts = {{4, true, 3}};
  far_.on_deliver = [&] {
    places = program_->routes()[0]->fence();
    far_.on_deliver = [] {};
  };
  sail(std::chrono::milliseconds(200));
  EXPECT_EQ(far_.window_arrived, 0U);
  EXPECT_TRUE(far_.arrived.empty());
  // It held the payload: what the successor sends of it may be there twice.
  ASSERT_THAT(places, SizeIs(1));
  EXPECT_EQ(places[0].cursor.attempted_to, 4U);
  EXPECT_EQ(places[0].cursor.delivered, 0U);
  program_->put(program_->make_route(plan_of_route(), places));
  sail(std::chrono::seconds(2));
  EXPECT_EQ(route().delivered, 4U);
  EXPECT_EQ(route().resent, 4U);
}

TEST_F(RouteCountingTest, what_drop_oldest_takes_is_counted_while_the_destination_is_down) {
  options_.max_bytes = 2_KiB;
  options_.when_full = store::JournalOptions::WhenFull::drop_oldest;
  batch_.max_events = 2;
  far_.attempts.assign(10'000, {});
  std::vector<Answer> script;
  for (int i = 0; i < 20; ++i) script.push_back({ids(i * 10, i * 10 + 10), "1", {}});
  start(script);
  std::uint64_t before = 0;
  for (int i = 0; i < 30; ++i) {
    sail(std::chrono::milliseconds(200));
    EXPECT_GE(route().lost_to_retention, before);
    before = route().lost_to_retention;
  }
  EXPECT_GT(before, 100U);
  EXPECT_EQ(before + route().backlog_records, 200U);
  // What it holds in memory retention cannot take from it.
  far_.attempts.clear();
  sail(std::chrono::minutes(2));
  EXPECT_EQ(route().delivered, far_.arrived.size());
  EXPECT_EQ(route().delivered + route().lost_to_retention, 200U);
  EXPECT_EQ(far_.arrived.front(), "r0");
  EXPECT_EQ(far_.arrived.back(), "r199");
  EXPECT_EQ(route().lost_to_retention, before);
}

TEST_F(RouteCountingTest, the_mark_costs_no_write_of_its_own) {
  batch_.max_events = 10;
  std::vector<Answer> script;
  for (int i = 0; i < 40; ++i) script.push_back({ids(i * 100, i * 100 + 100), "1", {}});
  start(script);
  disk_.cursors_written = 0;
  sail(std::chrono::seconds(12));
  EXPECT_EQ(route().delivered, 4'000U);
  EXPECT_GE(route().attempts, 400U);
  // Four a second at most are written anyway.
  EXPECT_LE(disk_.cursors_written, 12U * 4 + 8);
}

TEST_F(RouteCountingTest, a_disk_that_does_not_take_the_mark_holds_the_route_for_a_minute) {
  start({{ids(0, 4), "1", {}}});
  disk_.takes_cursors = false;
  sail(std::chrono::seconds(50));
  EXPECT_TRUE(far_.arrived.empty());
  EXPECT_EQ(route().code, ErrorCode::disk_full);
  sail(std::chrono::seconds(90));
  EXPECT_EQ(far_.arrived, ids(0, 4));
  EXPECT_EQ(route().delivered, 4U);
}

}  // namespace
}  // namespace capstan::runtime
