// What lies behind a place, and what is missing at a damaged one, counted exactly.
#include <cstdio>
#include <random>

#include "base/digest.h"
#include "cursor_file.h"
#include "journal_for_test.h"

namespace capstan::store {
namespace {

class JournalNumbersTest : public JournalFixture {
protected:
  // Every record of the journal, with the place before it.
  static std::vector<Slice::Item> items(const Journal& journal) {
    std::vector<Slice::Item> all;
    for (Position at = journal.report().first; at < journal.report().durable;) {
      const Slice slice = journal.read(at, 1_MiB).value();
      for (Slice::Item item : slice.items) {
        item.record = {};
        all.push_back(item);
      }
      if (slice.end <= at) break;
      at = slice.end;
    }
    return all;
  }
  static std::uint64_t missing(const JournalReport& report) {
    std::uint64_t records = 0;
    for (const Damage& damage : report.damage) records += damage.records.value_or(0);
    return records;
  }
  std::unique_ptr<Journal> read_only() {
    auto journal = Journal::open_read_only(files_, clock_, directory());
    if (!journal) ADD_FAILURE() << journal.error().text();
    return journal ? std::move(*journal) : nullptr;
  }
  // 60 records in 6 transactions a segment or less.
  void fill(Journal& journal, std::uint64_t transactions) {
    for (std::uint64_t i = 0; i < transactions; ++i) append(journal, i * 10 + 1, 10);
    ASSERT_TRUE(journal.flush_cursors());
  }
  // The records that are not there are those of [from, from + count), and everybody says so.
  void expect_lost(Journal& journal, std::uint64_t from, std::uint64_t count, std::uint64_t total) {
    const auto left = items(journal);
    EXPECT_EQ(left.size(), total - count);
    const JournalReport report = journal.report();
    EXPECT_EQ(report.records, total);
    EXPECT_EQ(missing(report), count);
    EXPECT_FALSE(report.is_whole());
    const Behind behind = journal.behind(Position{0, 0}, 0);
    EXPECT_EQ(behind.records, total - count);
    EXPECT_EQ(behind.lost_to_damage, count);
    EXPECT_EQ(behind.lost_to_retention, 0U);
    for (const Slice::Item& item : left) EXPECT_TRUE(item.number < from || item.number >= from + count) << item.number;
  }
};

TEST_F(JournalNumbersTest, EveryPlaceHasItsNumberAndWhatLiesBehindIt) {
  options_.segment_size = 4_KiB;
  auto journal = open();
  fill(*journal, 30);
  for (int round = 0; round < 2; ++round) {
    const auto all = items(*journal);
    ASSERT_EQ(all.size(), 300U);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].number, i);
      EXPECT_EQ(journal->number_of(all[i].position), i);
      EXPECT_EQ(journal->behind(all[i].position).records, all.size() - i);
      EXPECT_EQ(journal->number_of(all[i].next), i + 1);
    }
    const Behind nothing = journal->behind(journal->report().durable);
    EXPECT_EQ(nothing.records, 0U);
    EXPECT_EQ(nothing.bytes, 0U);
    journal.reset();
    journal = open();
  }
  // Asked in any order, of a journal that nobody has read yet.
  std::mt19937 random(7);
  const auto all = items(*open());
  journal.reset();
  journal = open();
  for (int i = 0; i < 50; ++i) {
    const auto& item = all[random() % all.size()];
    EXPECT_EQ(journal->number_of(item.position), item.number);
  }
}

TEST_F(JournalNumbersTest, ACheckpointWithoutRecordsIsNoBacklog) {
  auto journal = open();
  append(*journal, 1, 3);
  const Position end = journal->report().durable;
  ASSERT_TRUE(journal->append({}, {"further"}));
  ASSERT_TRUE(journal->sync());
  EXPECT_EQ(journal->behind(end).records, 0U);
  EXPECT_EQ(journal->behind(end).bytes, 0U);
}

TEST_F(JournalNumbersTest, ADamagedHeadIsCountedToTheLastRecord) {
  auto journal = open();
  fill(*journal, 10);
  journal.reset();
  // Header and the first six transactions.
  damage(segments().front(), 4, 6 * 1700);
  journal = open();
  const auto left = items(*journal);
  ASSERT_FALSE(left.empty());
  expect_lost(*journal, 0, left.front().number, 100);
  EXPECT_GE(left.front().number, 10U);
}

TEST_F(JournalNumbersTest, ADamagedHeadOfALaterSegmentIsCountedFromTheSegmentBefore) {
  options_.segment_size = 4_KiB;
  auto journal = open();
  fill(*journal, 20);
  journal.reset();
  const auto paths = segments();
  ASSERT_GT(paths.size(), 3U);
  // The header alone, then the header with all of its segment.
  damage(paths[1], 0);
  journal = open();
  EXPECT_EQ(items(*journal).size(), 200U);
  EXPECT_EQ(missing(journal->report()), 0U);
  EXPECT_FALSE(journal->report().is_whole());
  journal.reset();
  damage(paths[1], 0, std::filesystem::file_size(paths[1]));
  journal = open();
  const auto left = items(*journal);
  ASSERT_LT(left.size(), 200U);
  EXPECT_EQ(missing(journal->report()), 200 - left.size());
}

TEST_F(JournalNumbersTest, AFirstSegmentThatIsGoneIsDamageAndNotRetention) {
  options_.segment_size = 4_KiB;
  auto journal = open();
  fill(*journal, 20);
  Cursor cursor = journal->cursor("siem").value();
  journal.reset();
  std::filesystem::remove(segments().front());
  for (const bool only_reads : {true, false}) {
    journal = only_reads ? read_only() : open();
    const JournalReport report = journal->report();
    EXPECT_FALSE(report.is_whole());
    EXPECT_EQ(report.removed_to, 0U);
    EXPECT_GT(report.first_number, 0U);
    ASSERT_EQ(report.damage.size(), 1U);
    EXPECT_EQ(report.damage[0].records, report.first_number);
    EXPECT_TRUE(report.damage[0].saved_before);
    const Behind behind = journal->behind(cursor);
    EXPECT_EQ(behind.lost_to_damage, report.first_number);
    EXPECT_EQ(behind.lost_to_retention, 0U);
    EXPECT_EQ(behind.records, items(*journal).size());
    // A route that begins now has lost nothing.
    EXPECT_EQ(journal->cursor("new").value().number, report.first_number);
  }
}

TEST_F(JournalNumbersTest, ANewestSegmentThatIsGoneOrCutIsDamageAndNoBacklog) {
  for (const std::string how : {"emptied", "removed", "cut", "last frames overwritten"}) {
    SCOPED_TRACE(how);
    std::filesystem::remove_all(directory());
    options_.segment_size = 4_KiB;
    auto journal = open();
    fill(*journal, 19);
    Cursor cursor = journal->cursor("siem").value();
    journal.reset();
    const std::string newest = segments().back();
    const auto size = std::filesystem::file_size(newest);
    if (how == "emptied") std::filesystem::resize_file(newest, 0);
    if (how == "removed") std::filesystem::remove(newest);
    if (how == "cut") std::filesystem::resize_file(newest, size / 2);
    if (how == "last frames overwritten") damage(newest, size - 600, 600);
    std::uint64_t lost = 0;
    {
      const auto reader = read_only();
      lost = 190 - items(*reader).size();
      EXPECT_GE(lost, 10U);
      expect_lost(*reader, 190 - lost, lost, 190);
    }
    journal = open();
    expect_lost(*journal, 190 - lost, lost, 190);
    EXPECT_EQ(journal->behind(cursor).records, 190 - lost);
    // It goes on behind what was lost: no number and no place is given twice.
    append(*journal, 191, 10);
    EXPECT_EQ(items(*journal).back().number, 199U);
    journal.reset();
    journal = open();
    expect_lost(*journal, 190 - lost, lost, 200);
  }
}

TEST_F(JournalNumbersTest, ATornTailThatNobodyKnewToBeDurableIsNoDamage) {
  auto journal = open();
  fill(*journal, 5);
  ASSERT_TRUE(journal->append(numbered(51, 5), {"55"}));
  journal.reset();
  std::filesystem::resize_file(segments().back(), std::filesystem::file_size(segments().back()) - 40);
  journal = open();
  EXPECT_TRUE(journal->report().is_whole());
  EXPECT_EQ(journal->report().records, 50U);
}

TEST_F(JournalNumbersTest, TwoDamagedPlacesOfOneTransactionAreCountedTogether) {
  auto journal = open();
  append(*journal, 1, 10);
  // Frames of 256 KiB: three of them are one transaction.
  append(*journal, 11, 12, 60U << 10);
  append(*journal, 23, 5);
  ASSERT_TRUE(journal->flush_cursors());
  const auto whole = items(*journal);
  std::vector<std::uint64_t> frames;
  for (const auto& item : whole)
    if (item.position.index == 0) frames.push_back(item.position.offset);
  ASSERT_EQ(frames.size(), 5U);
  journal.reset();
  damage(segments().front(), frames[1] + 100);
  damage(segments().front(), frames[3] + 100);
  journal = open();
  const std::uint64_t lost = 27 - items(*journal).size();
  EXPECT_EQ(lost, 8U);
  const JournalReport report = journal->report();
  ASSERT_EQ(report.damage.size(), 2U);
  EXPECT_FALSE(report.damage[0].records);
  EXPECT_EQ(report.damage[1].records, lost);
  EXPECT_EQ(journal->behind(Position{0, 0}, 0).lost_to_damage, lost);
}

TEST_F(JournalNumbersTest, ATransactionLargerThanTheJournalIsTakenWhenNothingElseIsThere) {
  options_.max_bytes = 2_KiB;
  for (const auto when_full : {JournalOptions::WhenFull::block, JournalOptions::WhenFull::drop_oldest}) {
    std::filesystem::remove_all(directory());
    options_.when_full = when_full;
    auto journal = open();
    Cursor cursor = journal->cursor("siem").value();
    ASSERT_TRUE(journal->append(numbered(1, 10, 1000), {"10"}));
    ASSERT_TRUE(journal->sync());
    // It stays until something else needs the room.
    ASSERT_TRUE(journal->enforce_retention());
    EXPECT_EQ(journal->behind(cursor).records, 10U);
    const auto second = journal->append(numbered(11, 10, 1000), {"20"});
    if (when_full == JournalOptions::WhenFull::block) {
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().code(), ErrorCode::journal_full);
      cursor.position = journal->report().durable;
      cursor.number = cursor.delivered = 10;
      ASSERT_TRUE(journal->acknowledge(cursor));
      ASSERT_TRUE(journal->append(numbered(11, 10, 1000), {"20"}));
    } else {
      ASSERT_TRUE(second) << second.error().text();
    }
    ASSERT_TRUE(journal->sync());
    const Behind behind = journal->behind(cursor);
    EXPECT_EQ(behind.records, 10U);
    EXPECT_EQ(behind.lost_to_retention, when_full == JournalOptions::WhenFull::block ? 0U : 10U);
    EXPECT_TRUE(journal->report().is_whole());
  }
}

TEST_F(JournalNumbersTest, ASegmentThatRetentionHadMarkedIsRemovedAtTheNextStart) {
  options_.segment_size = 4_KiB;
  options_.max_bytes = 8_KiB;
  options_.when_full = JournalOptions::WhenFull::drop_oldest;
  auto journal = open();
  append(*journal, 1, 10);
  const std::string first = segments().front();
  std::string kept;
  {
    std::ifstream file(first, std::ios::binary);
    kept.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (std::uint64_t i = 1; i < 12; ++i) append(*journal, i * 10 + 1, 10);
  ASSERT_FALSE(std::filesystem::exists(first));
  const JournalReport before = journal->report();
  journal.reset();
  std::ofstream(first, std::ios::binary) << kept;
  EXPECT_EQ(read_only()->report().first_number, before.first_number);
  journal = open();
  EXPECT_EQ(journal->report().first_number, before.first_number);
  EXPECT_TRUE(journal->report().is_whole());
  EXPECT_FALSE(std::filesystem::exists(first));
}

// Any number of places, anywhere: what is left and what is said to be missing is what was appended.
TEST_F(JournalNumbersTest, WhateverIsDamagedTheSumIsRight) {
  std::mt19937 random(42);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    std::filesystem::remove_all(directory());
    options_.segment_size = Bytes{2000 + below(10'000)};
    auto journal = open();
    std::uint64_t total = 0;
    for (std::uint64_t i = 0, end = 5 + below(30); i < end; ++i) {
      const std::uint64_t count = 1 + below(20);
      ASSERT_TRUE(journal->append(numbered(total + 1, count, 20 + below(300)), {std::to_string(total + count)}));
      total += count;
    }
    ASSERT_TRUE(journal->sync());
    ASSERT_TRUE(journal->flush_cursors());
    std::vector<std::pair<Position, std::uint64_t>> places;
    for (const auto& item : items(*journal)) places.emplace_back(item.position, item.number);
    journal.reset();
    for (std::uint64_t i = 0, end = 1 + below(4); i < end; ++i) {
      const auto paths = segments();
      if (paths.empty()) break;
      const std::string path = paths[below(paths.size())];
      const auto size = std::filesystem::file_size(path);
      if (size == 0) continue;
      if (below(8) == 0)
        std::filesystem::remove(path);
      else if (below(8) == 0)
        std::filesystem::resize_file(path, below(size));
      else
        damage(path, below(size), std::min<std::size_t>(1 + below(3000), size));
    }
    for (const bool only_reads : {true, false}) {
      journal = only_reads ? read_only() : open();
      // From every place that was there, as a route that stands there would.
      const auto [position, number] = places[below(places.size())];
      std::uint64_t can_be_read = 0;
      std::uint64_t at = position < journal->report().first ? journal->report().first_number : number;
      std::uint64_t lost = at - number;
      for (Position from = std::max(position, journal->report().first); from < journal->report().durable;) {
        const Slice slice = journal->read(from, 1_KiB).value();
        for (const auto& item : slice.items) {
          const std::uint64_t next = std::max(item.number, at);
          lost += next - at;
          at = next + 1;
          ++can_be_read;
        }
        lost += std::max(slice.end_number, at) - at;
        at = std::max(slice.end_number, at);
        if (slice.end <= from) break;
        from = slice.end;
      }
      EXPECT_EQ(number + can_be_read + lost, total);
      EXPECT_EQ(journal->report().records, total);
      const auto left = items(*journal);
      const JournalReport report = journal->report();
      EXPECT_EQ(left.size() + missing(report), total);
      EXPECT_EQ(journal->behind(Position{0, 0}, 0).records, left.size());
    }
  }
}

// What is written between two damages is numbered on, and no place has a number that is higher than what there is.
TEST_F(JournalNumbersTest, DamagedAgainAndAgainNoNumberPassesTheTotal) {
  std::mt19937 random(43);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 30; ++round) {
    std::filesystem::remove_all(directory());
    options_.segment_size = Bytes{2000 + below(10'000)};
    auto journal = open();
    for (int life = 0; life < 6; ++life) {
      SCOPED_TRACE(round * 10 + life);
      for (std::uint64_t i = 0, end = 1 + below(6); i < end; ++i)
        ASSERT_TRUE(journal->append(numbered(1, below(12), 20 + below(300)), {std::to_string(i)}));
      ASSERT_TRUE(journal->sync());
      const std::uint64_t written = journal->report().records;
      if (below(2) == 0) static_cast<void>(journal->flush_cursors());
      journal.reset();
      const auto paths = segments();
      const std::string path = below(2) == 0 ? paths.front() : paths[below(paths.size())];
      const auto size = std::filesystem::file_size(path);
      if (below(3) == 0) std::filesystem::resize_file(paths.back(), 0);
      if (size > 0 && below(3) > 0) {
        const std::uint64_t at = below(std::min<std::uint64_t>(size, 3000));
        damage(path, at, std::min<std::size_t>(1 + below(400), size));
      }
      journal = open();
      const JournalReport report = journal->report();
      EXPECT_LE(report.records, written);
      EXPECT_EQ(journal->number_of(report.durable), report.records);
      std::uint64_t at = 0;
      for (Position from = report.first; from < report.durable;) {
        const Slice slice = journal->read(from, 1_KiB).value();
        for (const auto& item : slice.items) {
          EXPECT_GE(item.number, at);
          at = item.number + 1;
        }
        EXPECT_GE(slice.end_number, at);
        at = slice.end_number;
        if (slice.end <= from) break;
        from = slice.end;
      }
      EXPECT_EQ(at, report.records);
    }
  }
}

TEST_F(JournalNumbersTest, ReadsTheCursorsOfVersionOne) {
  auto journal = open();
  fill(*journal, 5);
  const auto all = items(*journal);
  journal.reset();
  const Position at = all[23].position;
  // As version 1 wrote them: route, offset, index, delivered, dropped, rejected, resent, lost to retention, unsure
  // offset and index, receipt. The second one had replayed 6 records, which counted as delivered once more.
  const std::string lines = "siem\t" + std::to_string(at.offset) + "\t" + std::to_string(at.index) +
                            "\t20\t2\t1\t4\t0\t-\t-\t7 receipt\n" + "twice\t" + std::to_string(at.offset) + "\t" +
                            std::to_string(at.index) + "\t29\t0\t0\t1\t0\t-\t-\t\n";
  char head[40];
  std::snprintf(head, sizeof head, "capstan cursors 1 %08x\n", crc32c(lines));
  std::ofstream(directory() + "/cursors", std::ios::binary) << head << lines;
  journal = open();
  ASSERT_EQ(journal->cursors().size(), 2U);
  const Cursor siem = journal->cursors()[0];
  EXPECT_EQ(siem.number, 23U);
  EXPECT_EQ(siem.began_at, 0U);
  EXPECT_EQ(siem.attempted_to, 23U);
  EXPECT_EQ(siem.receipt, "7 receipt");
  const Cursor twice = journal->cursors()[1];
  EXPECT_EQ(twice.counted(), 23U);
  EXPECT_EQ(twice.delivered, 23U);
  EXPECT_EQ(twice.resent, 7U);
  EXPECT_EQ(journal->behind(siem).records, 27U);
}

TEST(CursorFile, ComesBackAsItWentInAndPassesOverWhatItDoesNotKnow) {
  Cursor cursor;
  cursor.route = "a\tb%=\n";
  cursor.receipt = "size=5;\x01";
  cursor.position = {1234, 5};
  cursor.number = 77;
  cursor.unsure_from = Position{1000, 2};
  cursor.began_at = 1;
  cursor.attempted_to = 99;
  cursor.delivered = 60;
  cursor.dropped = 7;
  cursor.rejected = 2;
  cursor.resent = 11;
  cursor.lost_to_retention = 3;
  cursor.lost_to_damage = 4;
  const CursorFile::Marks marks{{5000, 80}, {100, 1}};
  std::string text = write_cursors(marks, {cursor});
  const auto file = read_cursors(text);
  ASSERT_TRUE(file && file->marks);
  EXPECT_EQ(file->marks->durable, marks.durable);
  EXPECT_EQ(file->marks->removed, marks.removed);
  ASSERT_EQ(file->cursors.size(), 1U);
  EXPECT_EQ(write_cursors(marks, file->cursors), text);
  EXPECT_EQ(file->cursors[0].counted(), 77U);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(read_cursors(damaged)) << i;
  }
  const std::string lines = text.substr(text.find('\n') + 1);
  const std::string more = "journal\tdurable=5000\tof=tomorrow\n" + lines.substr(lines.find('\n') + 1) + "note\tx=1\n";
  char head[40];
  std::snprintf(head, sizeof head, "capstan cursors 2 %08x\n", crc32c(more));
  ASSERT_TRUE(read_cursors(head + more));
  EXPECT_EQ(read_cursors(head + more)->cursors.size(), 1U);
}

}  // namespace
}  // namespace capstan::store
