#include "store/journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "frame.h"
#include "journal_for_test.h"

namespace capstan::store {
namespace {

using JournalTest = JournalFixture;

TEST_F(JournalTest, ReadsNothingBeforeItIsDurableAndEverythingAfter) {
  auto journal = open();
  ASSERT_TRUE(journal->append(numbered(1, 3), {"3"}));
  EXPECT_TRUE(journal->has_unsynced());
  EXPECT_EQ(ids(*journal, {}), range(1, 0));
  EXPECT_EQ(journal->checkpoint().text, "");
  ASSERT_TRUE(journal->sync());
  EXPECT_EQ(ids(*journal, {}), range(1, 3));
  EXPECT_EQ(journal->checkpoint().text, "3");
  EXPECT_EQ(journal->report().records, 3U);
}

TEST_F(JournalTest, RecordsComeBackAsTheyWentInWithPaddingBehindThem) {
  auto journal = open();
  append(*journal, 1, 2, 50);
  const Slice slice = journal->read({}, 1_MiB).value();
  ASSERT_EQ(slice.items.size(), 2U);
  const RecordView& last = slice.items[1].record;
  EXPECT_EQ(last.feed, "activities");
  EXPECT_EQ(last.raw, std::string(50, 'c'));
  EXPECT_EQ(slice.items[1].ingest_time, clock_.wall);
  int sum = 0;
  for (std::size_t i = 0; i < raw_padding; ++i) sum += last.raw.data()[last.raw.size() + i];  // asan knows
  EXPECT_EQ(slice.items[1].next, slice.end);
  EXPECT_EQ(slice.end, journal->report().durable);
  EXPECT_NE(sum, -1);
}

TEST_F(JournalTest, ReadingInSmallStepsOverManySegmentsGivesEachRecordOnce) {
  options_.segment_size = 8_KiB;
  auto journal = open();
  for (std::uint64_t i = 0; i < 40; ++i) append(*journal, i * 10 + 1, 10);
  EXPECT_GT(journal->report().segments, 3U);
  for (const Bytes step : {1_B, 150_B, 1_KiB, 1_MiB}) EXPECT_EQ(ids(*journal, {}, step), range(1, 400));
  journal.reset();
  journal = open();
  EXPECT_EQ(ids(*journal, {}), range(1, 400));
  EXPECT_EQ(journal->checkpoint().text, "400");
}

TEST_F(JournalTest, TakesARecordOfTenMegabytesAndAnEmptyBatch) {
  auto journal = open();
  append(*journal, 1, 1, 10U << 20);
  ASSERT_TRUE(journal->append({}, {"later"}));
  ASSERT_TRUE(journal->sync());
  EXPECT_EQ(journal->checkpoint().text, "later");
  const Slice slice = journal->read({}, 1_B).value();
  ASSERT_EQ(slice.items.size(), 1U);
  EXPECT_EQ(slice.items[0].record.raw.size(), 10U << 20);
}

TEST_F(JournalTest, CutsATornTailAtTheLastWholeTransaction) {
  auto journal = open();
  append(*journal, 1, 5);
  const std::uint64_t whole = journal->report().durable.offset;
  append(*journal, 6, 5);
  journal.reset();
  std::filesystem::resize_file(segments().front(), whole + 400);
  journal = open();
  EXPECT_EQ(journal->report().truncated_bytes, 400U);
  EXPECT_EQ(journal->report().durable.offset, whole);
  EXPECT_EQ(journal->checkpoint().text, "5");
  append(*journal, 6, 5);
  EXPECT_EQ(ids(*journal, {}), range(1, 10));
}

TEST_F(JournalTest, PassesOverDamageInTheMiddleAndTellsWhatWasThere) {
  auto journal = open();
  std::vector<std::uint64_t> ends;
  for (std::uint64_t i = 0; i < 5; ++i) {
    append(*journal, i * 10 + 1, 10);
    ends.push_back(journal->report().durable.offset);
  }
  journal.reset();
  damage(segments().front(), ends[1] + 300);
  journal = open();
  EXPECT_EQ(journal->report().truncated_bytes, 0U);
  EXPECT_EQ(journal->checkpoint().text, "50");
  auto expected = range(1, 20);
  for (const std::uint64_t n : range(31, 50)) expected.push_back(n);
  EXPECT_EQ(ids(*journal, {}), expected);
  EXPECT_EQ(ids(*journal, {}), expected);
  const JournalReport report = journal->report();
  EXPECT_EQ(report.damaged_frames, 1U);
  ASSERT_EQ(report.damage.size(), 1U);
  EXPECT_EQ(report.damage[0].from.offset, ends[1]);
  EXPECT_EQ(report.damage[0].saved_after, from_epoch_ms(20));
  EXPECT_EQ(report.damage[0].saved_before, from_epoch_ms(40));
}

TEST_F(JournalTest, DamageInAnOlderSegmentIsFoundWhenItIsRead) {
  options_.segment_size = 4_KiB;
  auto journal = open();
  for (std::uint64_t i = 0; i < 10; ++i) append(*journal, i * 10 + 1, 10);
  journal.reset();
  damage(segments()[1], 0, 5000);
  std::filesystem::remove(segments()[2]);
  journal = open();
  const auto found = ids(*journal, {});
  EXPECT_TRUE(std::ranges::is_sorted(found));
  EXPECT_EQ(found.front(), 1U);
  EXPECT_EQ(found.back(), 100U);
  EXPECT_GE(journal->report().damaged_frames, 1U);
}

TEST_F(JournalTest, RefusesASegmentOfANewerVersion) {
  open().reset();
  const HeaderHead payload{.version = format_version + 1};
  const std::string_view bytes{reinterpret_cast<const char*>(&payload), sizeof payload};
  const FrameHead head = sealed({.type = FrameType::header}, bytes);
  std::ofstream(segments().front(), std::ios::binary) << bytes_of(head) << bytes;
  const auto journal = Journal::open(files_, clock_, directory(), options_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code(), ErrorCode::journal_format);
}

TEST_F(JournalTest, BeginsAnewWhereAPowerCutLeftATornHeader) {
  open().reset();
  damage(segments().front(), 0, 56);
  EXPECT_EQ(open()->report().records, 0U);
}

TEST_F(JournalTest, BlocksWhenItIsFullUntilTheRouteIsBehind) {
  options_.max_bytes = 16_KiB;
  auto journal = open();
  Cursor cursor = journal->cursor("siem").value();
  Result<> last;
  std::uint64_t n = 1;
  for (; n < 200; ++n)
    if (last = journal->append(numbered(n, 1, 500), {std::to_string(n)}); !last) break;
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), ErrorCode::journal_full);
  ASSERT_TRUE(journal->sync());
  EXPECT_EQ(ids(*journal, {}), range(1, n - 1));
  cursor.position = journal->report().durable;
  ASSERT_TRUE(journal->acknowledge(cursor));
  EXPECT_TRUE(journal->append(numbered(n, 1, 500), {std::to_string(n)}));
  EXPECT_GT(journal->report().first.offset, 0U);
  EXPECT_EQ(journal->read({}, 1_KiB).error().code(), ErrorCode::position_gone);
}

TEST_F(JournalTest, DropsTheOldestByPolicyAndSaysWhatTheRouteLost) {
  options_.max_bytes = 16_KiB;
  options_.when_full = JournalOptions::WhenFull::drop_oldest;
  auto journal = open();
  Cursor cursor = journal->cursor("siem").value();
  append(*journal, 1, 2, 500);
  const Slice first = journal->read({}, 1_B).value();
  cursor.position = first.end;  // had one record
  cursor.number = first.end_number;
  cursor.delivered = 1;
  ASSERT_TRUE(journal->acknowledge(cursor));
  for (std::uint64_t n = 3; n <= 100; ++n) append(*journal, n, 1, 500);
  const auto left = ids(*journal, journal->report().first);
  EXPECT_EQ(left.back(), 100U);
  EXPECT_LE(journal->report().bytes, options_.max_bytes.count);
  // The cursor is its owner's: the journal has not touched it.
  EXPECT_EQ(journal->cursors().at(0).position, cursor.position);
  EXPECT_EQ(journal->cursors().at(0).lost_to_retention, 0U);
  const Behind behind = journal->behind(cursor);
  EXPECT_EQ(behind.lost_to_retention, left.front() - 2);
  EXPECT_EQ(behind.lost_to_damage, 0U);
  EXPECT_EQ(behind.records, left.size());
  EXPECT_TRUE(journal->report().is_whole());
  EXPECT_EQ(journal->report().removed_to, left.front() - 1);
  journal.reset();
  journal = open();
  EXPECT_EQ(journal->behind(journal->cursors().at(0)).lost_to_retention, left.front() - 2);
  EXPECT_TRUE(journal->report().is_whole());
}

TEST_F(JournalTest, RemovesOldSegmentsThatEveryRouteHasHad) {
  options_.segment_size = 4_KiB;
  options_.max_age = std::chrono::hours(1);
  auto journal = open();
  Cursor slow = journal->cursor("slow").value();
  for (std::uint64_t i = 0; i < 10; ++i) append(*journal, i * 10 + 1, 10);
  clock_.wall += std::chrono::hours(2);
  ASSERT_TRUE(journal->enforce_retention());
  EXPECT_EQ(journal->report().first.offset, 0U);
  slow.position = journal->report().durable;
  ASSERT_TRUE(journal->acknowledge(slow));
  ASSERT_TRUE(journal->enforce_retention());
  EXPECT_EQ(journal->report().segments, 1U);
  EXPECT_EQ(segments().size(), 1U);
}

TEST_F(JournalTest, LeavesTheReserveOfTheDiskAlone) {
  options_.reserve = Bytes{std::uint64_t{1} << 60};
  auto journal = open();
  const auto appended = journal->append(numbered(1, 1), {"1"});
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code(), ErrorCode::disk_full);
}

TEST_F(JournalTest, KeepsCursorsAndBeginsAtTheOldestWhenTheyAreDamaged) {
  auto journal = open();
  append(*journal, 1, 5);
  Cursor cursor = journal->cursor("a\tb%\n").value();
  cursor.position = journal->report().durable;
  cursor.receipt = "size=5;\x01";
  cursor.delivered = 5;
  ASSERT_TRUE(journal->acknowledge(cursor));
  ASSERT_TRUE(journal->flush_cursors());
  journal.reset();
  journal = open();
  ASSERT_EQ(journal->cursors().size(), 1U);
  EXPECT_EQ(journal->cursors()[0].route, cursor.route);
  EXPECT_EQ(journal->cursors()[0].receipt, cursor.receipt);
  EXPECT_EQ(journal->cursors()[0].position, cursor.position);
  journal.reset();
  damage(directory() + "/cursors", 30, 1);
  journal = open();
  EXPECT_TRUE(journal->cursors().empty());
  EXPECT_EQ(journal->cursor("a\tb%\n").value().position, (Position{0, 0}));
}

TEST_F(JournalTest, FindsThePositionOfATimeEvenWhenTheClockWentBack) {
  options_.segment_size = 4_KiB;
  auto journal = open();
  const Timestamp start = clock_.wall;
  for (std::uint64_t i = 0; i < 20; ++i) {
    append(*journal, i * 10 + 1, 10);
    clock_.wall += i == 10 ? -std::chrono::minutes(30) : std::chrono::minutes(10);
  }
  const Position at = journal->position_at(start + std::chrono::minutes(35)).value();
  EXPECT_EQ(ids(*journal, at).front(), 41U);
  EXPECT_EQ(journal->position_at(start - std::chrono::hours(1)).value() <= (Position{200, 0}), true);
  EXPECT_EQ(journal->position_at(start + std::chrono::hours(99)).value(), journal->report().durable);
}

TEST_F(JournalTest, ReadingOnlyChangesNothing) {
  auto journal = open();
  append(*journal, 1, 5);
  journal.reset();
  std::ofstream(segments().front(), std::ios::app | std::ios::binary) << std::string(100, 'x');
  const auto size = std::filesystem::file_size(segments().front());
  auto reader = Journal::open_read_only(files_, clock_, directory());
  ASSERT_TRUE(reader) << reader.error().text();
  EXPECT_EQ(ids(**reader, {}), range(1, 5));
  EXPECT_FALSE((*reader)->append({}, {"no"}));
  EXPECT_EQ(std::filesystem::file_size(segments().front()), size);
}

TEST_F(JournalTest, ReadersOnOtherThreadsSeeEveryRecordOnceAndInOrder) {
  options_.segment_size = 64_KiB;
  auto journal = open();
  constexpr std::uint64_t total = 5000;
  std::vector<std::jthread> readers;
  std::atomic<int> complete{0};
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&](const std::stop_token& stop) {
      Position at;
      std::uint64_t expected = 1;
      while (!stop.stop_requested() && expected <= total) {
        auto slice = journal->read(at, 8_KiB);
        if (!slice) return;
        for (const auto& item : slice->items)
          if (std::to_string(expected++) != item.record.id) return;
        at = slice->end;
      }
      if (expected == total + 1) ++complete;
    });
  for (std::uint64_t n = 1; n <= total; n += 50) append(*journal, n, 50);
  for (int i = 0; i < 1000 && complete < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  for (auto& reader : readers) reader.request_stop();
  readers.clear();
  EXPECT_EQ(complete, 2);
}

}  // namespace
}  // namespace capstan::store
