#include "mdca_checkpoint.h"

#include <gtest/gtest.h>

namespace capstan::mdca {
namespace {

TEST(MdcaCheckpoint, HoldsEverything) {
  State state;
  FeedState& feed = state.feeds["activities"];
  feed.floor = 1;
  feed.base = 1'790'000'000'000;
  feed.newest = 3;
  feed.overlap = 4;
  feed.archived_to = 5;
  feed.dialect = 2;
  feed.archive_refused_at = 19;
  feed.archive_refused_created_at = 20;
  feed.poisoned.push_back({7, 8, 9, 10, true, true});
  Walk walk;
  walk.started = 11;
  Piece piece;
  piece.from = 0;
  piece.to = -1;
  piece.also = R"("type":{"eq":[1]})";
  piece.level = 1;
  piece.reading = Reading::scan;
  piece.descending = true;
  piece.from_other_end = true;
  piece.archived = true;
  piece.by_saved_time = true;
  piece.scans_when_long = true;
  piece.only_when_short = true;
  piece.confirms_end = true;
  piece.at = 12;
  walk.pieces = {piece, Piece{}};
  walk.pieces[1].reading = Reading::singles;
  walk.next_filters = R"({"a":"\"ü"})";
  walk.skip = 13;
  walk.is_unsorted = true;
  walk.doubts = 2;
  walk.asks_behind = true;
  walk.first_id = 0xffff'ffff'ffff'fff2;
  walk.fresh_here = 21;
  walk.oddities = 22;
  walk.fruitful = 23;
  walk.barren = 24;
  walk.last_page = 0xffff'ffff'ffff'fff1;
  walk.singles_left = 14;
  walk.failed_singles = 15;
  feed.jobs["main"] = {walk, 16};
  state.window = Window{"alerts", from_epoch_ms(17), from_epoch_ms(18), Manner::otherwise};
  state.window_unread = "why";

  const std::string text = write(state);
  const auto read = read_state(text);
  ASSERT_TRUE(read) << text;
  EXPECT_EQ(write(*read), text);
  const FeedState& again = read->feeds.at("activities");
  EXPECT_EQ(again.jobs.at("main").walk, walk);
  EXPECT_EQ(again.jobs.at("main").done_at, 16);
  EXPECT_EQ(again.base, feed.base);
  EXPECT_EQ(again.dialect, 2U);
  EXPECT_EQ(again.archive_refused_at, 19);
  EXPECT_EQ(again.archive_refused_created_at, 20);
  ASSERT_EQ(again.poisoned.size(), 1U);
  EXPECT_EQ(again.poisoned[0].records, 9U);
  EXPECT_TRUE(again.poisoned[0].archived);
  EXPECT_TRUE(again.poisoned[0].by_saved_time);
  EXPECT_EQ(read->window->to, from_epoch_ms(18));
  EXPECT_EQ(read->window->manner, Manner::otherwise);
  EXPECT_EQ(read->window_unread, "why");
}

TEST(MdcaCheckpoint, OfAQuietSourceIsSmall) {
  State state;
  for (const auto* name : {"alerts", "activities", "entities", "subnets"})
    state.feeds[name].jobs["main"].done_at = 1'790'000'000'000;
  EXPECT_LT(write(state).size(), 400U);
}

TEST(MdcaCheckpoint, NothingIsNothing) {
  const auto state = read_state("");
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->feeds.empty());
}

}  // namespace
}  // namespace capstan::mdca
