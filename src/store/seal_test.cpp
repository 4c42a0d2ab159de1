#include "store/seal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "seal_file.h"
#include "store/merkle.h"

namespace capstan::store {
namespace {

class HandClock final : public Clock {
public:
  Timestamp wall = from_epoch_ms(1'700'000'000'000);
  Timestamp now() const override { return wall; }
  MonotonicTime monotonic() const override { return {}; }
};

// A record as the test knows it, and where the journal put it.
struct Known {
  std::string feed;
  std::string id;
  Timestamp saved;
  std::uint64_t content_hash = 0;
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;
  Position position;
};

bool same(const SealedRecord& sealed, const Known& known) {
  return sealed.identity == identity(known.feed, known.id).low && sealed.content_hash == known.content_hash &&
         sealed.saved_time == known.saved && sealed.feed == known.feed && sealed.kind == known.kind &&
         sealed.is_quarantined == known.is_quarantined && sealed.position == known.position;
}

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_whole(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
}

class SealTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_seal_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    options_.reserve = 0_B;
    options_.segment_size = 16_KiB;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<Journal> open() {
    auto journal = Journal::open(files_, clock_, root_, options_);
    if (!journal) ADD_FAILURE() << journal.error().text();
    return journal ? std::move(*journal) : nullptr;
  }

  // One transaction of random records of three feeds; saved times mostly grow, some are late, a few are nonsense.
  void append_random(Journal& journal, std::size_t count, std::size_t body = 200) {
    Batch batch;
    for (std::size_t i = 0; i < count; ++i) {
      Known known;
      known.feed = std::array{"activities", "alerts", "users"}[random_() % 3];
      known.id = std::to_string(random_() % 500);
      known.saved = clock_.wall - std::chrono::seconds(random_() % 100);
      if (random_() % 20 == 0) known.saved -= std::chrono::hours(24 * (1 + random_() % 20));
      known.content_hash = random_();
      known.kind = random_() % 4 == 0 ? RecordKind::updated : RecordKind::created;
      known.is_quarantined = random_() % 9 == 0;
      const std::string raw(random_() % (2 * body), 'r');
      ASSERT_TRUE(batch.add({.feed = known.feed,
                             .id = known.id,
                             .raw = raw,
                             .event_time = known.saved,
                             .saved_time = known.saved,
                             .content_hash = known.content_hash,
                             .kind = known.kind,
                             .is_quarantined = known.is_quarantined}));
      known_.push_back(std::move(known));
    }
    const std::size_t first = known_.size() - count;
    const Position before = journal.report().durable;
    ASSERT_TRUE(journal.append(batch, {"c" + std::to_string(known_.size())}));
    ASSERT_TRUE(journal.sync());
    const Slice slice = journal.read(before, 64_MiB).value();
    ASSERT_EQ(slice.items.size(), count);
    for (std::size_t i = 0; i < count; ++i) known_[first + i].position = slice.items[i].position;
    clock_.wall += std::chrono::seconds(30);
  }

  void fill(Journal& journal, int transactions) {
    for (int i = 0; i < transactions; ++i) ASSERT_NO_FATAL_FAILURE(append_random(journal, 1 + random_() % 30));
  }

  static std::size_t seal_all(Journal& journal) {
    std::size_t steps = 0;
    for (auto more = journal.seal_next(); more && *more; more = journal.seal_next()) ++steps;
    return steps;
  }

  std::unique_ptr<Seals> seals() {
    auto opened = Seals::open(files_, root_);
    if (!opened) ADD_FAILURE() << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }

  std::vector<std::string> paths(const std::string& extension) const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(root_))
      if (entry.path().extension() == extension) result.push_back(entry.path());
    std::ranges::sort(result);
    return result;
  }
  static std::uint64_t base_of(const std::string& path) {
    return std::stoull(std::filesystem::path(path).stem().string());
  }

  // What the seals show between two positions is exactly what the test knows of it.
  void expect_exact(const Seals& seals, std::uint64_t from, std::uint64_t to) {
    std::vector<const Known*> expected;
    for (const Known& known : known_)
      if (known.position.offset >= from && known.position.offset < to) expected.push_back(&known);
    std::size_t next = 0;
    const auto not_read = seals.for_each(Position{from, 0}, Position{to, 0}, [&](const SealedRecord& record) {
      ASSERT_LT(next, expected.size());
      ASSERT_TRUE(same(record, *expected[next])) << to_string(record.position);
      ++next;
    });
    ASSERT_TRUE(not_read) << not_read.error().text();
    EXPECT_TRUE(not_read->is_complete());
    EXPECT_EQ(next, expected.size());
  }

  PosixFileSystem files_;
  HandClock clock_;
  JournalOptions options_;
  std::string root_;
  std::vector<Known> known_;
  std::mt19937_64 random_{7};
};

TEST_F(SealTest, SaysEveryRecordOfClosedSegmentsExactly) {
  auto journal = open();
  fill(*journal, 60);
  EXPECT_GT(journal->report().segments, 5U);
  seal_all(*journal);
  const auto sealed = seals();
  const auto segments = paths(".segment");
  ASSERT_EQ(sealed->heads().size(), segments.size() - 1);
  const std::uint64_t newest = base_of(segments.back());
  expect_exact(*sealed, 0, newest);
  EXPECT_TRUE(sealed->not_covered(0, newest).empty());
  EXPECT_EQ(sealed->not_covered(10, newest + 50), (std::vector<OffsetSpan>{{newest, newest + 50}}));
  EXPECT_EQ(sealed->find(newest), nullptr);
  EXPECT_EQ(sealed->find(newest - 1), &sealed->heads().back());
  for (const SealHead& head : sealed->heads()) {
    std::map<std::string, SealedFeed> feeds;
    std::uint64_t records = 0;
    for (const Known& known : known_) {
      if (known.position.offset < head.base || known.position.offset >= head.end) continue;
      auto& feed = feeds.try_emplace(known.feed, SealedFeed{known.feed, 0, known.saved, known.saved}).first->second;
      ++feed.records;
      ++records;
      feed.oldest_saved = std::min(feed.oldest_saved, known.saved);
      feed.newest_saved = std::max(feed.newest_saved, known.saved);
    }
    EXPECT_EQ(head.records, records);
    ASSERT_EQ(head.feeds.size(), feeds.size());
    for (const SealedFeed& feed : head.feeds) {
      EXPECT_EQ(feed.records, feeds[feed.name].records);
      EXPECT_EQ(feed.oldest_saved, feeds[feed.name].oldest_saved);
      EXPECT_EQ(feed.newest_saved, feeds[feed.name].newest_saved);
    }
  }
}

TEST_F(SealTest, WindowsOfSavedTimeAreThoseOfANaiveList) {
  auto journal = open();
  fill(*journal, 80);
  seal_all(*journal);
  const auto sealed = seals();
  const std::uint64_t newest = base_of(paths(".segment").back());
  for (int i = 0; i < 200; ++i) {
    const std::string feed = std::array{"activities", "alerts", "users", "files"}[random_() % 4];
    const Timestamp from = clock_.wall - std::chrono::minutes(random_() % (60 * 24 * 22));
    const Timestamp to = from + std::chrono::minutes(random_() % (i % 2 == 0 ? 60 : 60 * 24 * 10));
    std::vector<Position> expected;
    for (const Known& known : known_)
      if (known.feed == feed && known.saved >= from && known.saved < to && known.position.offset < newest)
        expected.push_back(known.position);
    std::vector<Position> shown;
    const auto not_read =
        sealed->for_each(feed, from, to, [&](const SealedRecord& record) { shown.push_back(record.position); });
    ASSERT_TRUE(not_read);
    EXPECT_TRUE(not_read->is_complete());
    ASSERT_EQ(shown, expected) << feed;
  }
}

TEST_F(SealTest, HashesAreOfTheBytesOnDiskAndTheChainGoesThroughAllSegments) {
  auto journal = open();
  fill(*journal, 40);
  seal_all(*journal);
  const auto sealed = seals();
  Sha256 chain{};
  for (const SealHead& head : sealed->heads()) {
    const std::string bytes = read_whole(fmt::format("{}/{:020}.segment", root_, head.base));
    MerkleRoot root;
    const std::vector<SealedFrame> frames = sealed->frames(head.base).value();
    for (const SealedFrame& frame : frames) {
      const std::string part = bytes.substr(frame.offset - head.base, frame.end - frame.offset);
      EXPECT_EQ(to_hex(sha256(part)), to_hex(frame.hash));
      EXPECT_EQ(part.substr(0, 4), "CNSJ");
      root.add(frame.hash);
    }
    EXPECT_EQ(root.size(), head.frames);
    EXPECT_EQ(root.root(), head.root);
    EXPECT_EQ(head.previous, chain);
    chain = chain_hash(chain, head.root, head.base, head.end);
    EXPECT_EQ(head.chain, chain);
    const FrameScan scan = scan_frames(files_, root_, head.base, head.end, [](const SealedFrame&) {}).value();
    EXPECT_EQ(scan.root, head.root);
    EXPECT_EQ(scan.frames, head.frames);
    EXPECT_EQ(scan.records, head.records);
  }
}

TEST_F(SealTest, ABigSegmentIsSealedInBoundedSteps) {
  options_.segment_size = 24_MiB;
  auto journal = open();
  for (int i = 0; i < 110; ++i) append_random(*journal, 50, 5000);
  ASSERT_GE(journal->report().segments, 2U);
  EXPECT_GE(seal_all(*journal), 5U);
  EXPECT_EQ(seals()->heads().size(), journal->report().segments - 1);
  expect_exact(*seals(), 0, base_of(paths(".segment").back()));
}

TEST_F(SealTest, AMissingSealIsMadeAnewAndTheChainStays) {
  auto journal = open();
  fill(*journal, 50);
  seal_all(*journal);
  const auto before = paths(".seal");
  ASSERT_GT(before.size(), 3U);
  const std::string content = read_whole(before[1]);
  std::filesystem::remove(before[1]);
  EXPECT_FALSE(seals()->not_covered(0, base_of(before[3])).empty());
  journal.reset();
  journal = open();
  seal_all(*journal);
  EXPECT_EQ(read_whole(before[1]), content);
  EXPECT_TRUE(seals()->not_covered(0, base_of(before[3])).empty());
}

TEST_F(SealTest, RetentionRemovesSegmentsAndKeepsTheirSeals) {
  options_.max_age = std::chrono::minutes(5);
  auto journal = open();
  fill(*journal, 60);
  Cursor cursor = journal->cursor("siem").value();
  cursor.position = journal->report().durable;
  ASSERT_TRUE(journal->acknowledge(cursor));
  // Nobody made seals before: retention makes them.
  ASSERT_TRUE(journal->enforce_retention());
  const std::uint64_t first = journal->report().first.offset;
  ASSERT_GT(first, 0U);
  EXPECT_TRUE(seals()->not_covered(0, first).empty());
  expect_exact(*seals(), 0, first);
}

TEST_F(SealTest, DroppingTheOldestLeavesSealsToo) {
  options_.max_bytes = 64_KiB;
  options_.when_full = JournalOptions::WhenFull::drop_oldest;
  auto journal = open();
  ASSERT_TRUE(journal->cursor("siem"));
  for (int i = 0; i < 80; ++i) {
    Batch batch;
    ASSERT_TRUE(batch.add({.feed = "activities", .id = std::to_string(i), .raw = std::string(3000, 'x')}));
    ASSERT_TRUE(journal->append(batch, {"c"}));
    ASSERT_TRUE(journal->sync());
  }
  ASSERT_GT(journal->report().first.offset, 0U);
  std::uint64_t count = 0;
  const auto sealed = seals();
  ASSERT_TRUE(sealed->for_each(Position{}, journal->report().first, [&](const SealedRecord& record) {
    EXPECT_EQ(record.identity, sealed_identity("activities", std::to_string(count)));
    ++count;
  }));
  EXPECT_GT(count, 10U);
  EXPECT_TRUE(sealed->not_covered(0, journal->report().first.offset).empty());
}

TEST_F(SealTest, SealsAgeOutAndAreBoundedOldestFirst) {
  options_.max_age = std::chrono::minutes(1);
  auto journal = open();
  fill(*journal, 60);
  Cursor cursor = journal->cursor("siem").value();
  cursor.position = journal->report().durable;
  ASSERT_TRUE(journal->acknowledge(cursor));
  ASSERT_TRUE(journal->enforce_retention());
  const auto all = paths(".seal");
  ASSERT_GT(all.size(), 4U);
  std::uint64_t size = 0;
  for (const std::string& path : all) size += std::filesystem::file_size(path);

  // By size: about half of them.
  journal.reset();
  options_.proof_bytes = Bytes{size / 2};
  journal = open();
  ASSERT_TRUE(journal->enforce_retention());
  const auto rest = paths(".seal");
  ASSERT_LT(rest.size(), all.size());
  std::uint64_t rest_size = 0;
  for (const std::string& path : rest) rest_size += std::filesystem::file_size(path);
  EXPECT_LE(rest_size, size / 2);
  EXPECT_TRUE(std::ranges::equal(rest, std::span(all).last(rest.size())));

  // By age: all but the newest, which the chain goes on from.
  clock_.wall += std::chrono::hours(24 * 36);
  ASSERT_TRUE(journal->enforce_retention());
  EXPECT_EQ(paths(".seal").size(), 1U);
  EXPECT_GE(paths(".seal")[0], all.back());

  fill(*journal, 20);
  seal_all(*journal);
  const auto sealed = seals();
  ASSERT_GT(sealed->heads().size(), 1U);
  EXPECT_EQ(sealed->heads()[1].previous, sealed->heads()[0].chain);
}

// Every place of a segment in turn is damaged after the seal was made: the seal says exactly which records were there.
TEST_F(SealTest, DamageAfterTheSealIsNamedRecordByRecord) {
  auto journal = open();
  fill(*journal, 12);
  seal_all(*journal);
  journal.reset();
  const auto sealed = seals();
  const SealHead head = sealed->heads()[0];
  const std::string path = paths(".segment")[0];
  const std::string whole = read_whole(path);
  for (std::size_t at = 60; at < whole.size(); at += 97) {
    std::string bytes = whole;
    bytes[at] ^= 0x40;
    write_whole(path, bytes);
    {
      auto again = Journal::open_read_only(files_, clock_, root_).value();
      const Slice slice = again->read({}, 1_MiB).value();
      std::vector<Position> read;
      for (const auto& item : slice.items)
        if (item.position.offset < head.end) read.push_back(item.position);
      const JournalReport report = again->report();
      ASSERT_EQ(report.damage.size(), 1U) << at;
      std::vector<Position> lost;
      const auto held = sealed->records_in(head.base, report.damage[0].from.offset, report.damage[0].to.offset);
      ASSERT_TRUE(held);
      for (const SealedRecord& record : *held) lost.push_back(record.position);
      std::vector<Position> expected;
      for (const Known& known : known_)
        if (known.position.offset < head.end && std::ranges::find(read, known.position) == read.end())
          expected.push_back(known.position);
      ASSERT_EQ(lost, expected) << at;
    }
  }
}

TEST_F(SealTest, DamageBeforeTheSealIsAGap) {
  auto journal = open();
  fill(*journal, 12);
  const std::string path = paths(".segment")[0];
  const Position second = known_[known_.size() / 4].position;
  std::string bytes = read_whole(path);
  ASSERT_LT(second.offset + 50, bytes.size());
  bytes[second.offset + 50] ^= 1;
  write_whole(path, bytes);
  seal_all(*journal);
  const auto sealed = seals();
  const SealHead& head = sealed->heads()[0];
  ASSERT_EQ(head.gaps.size(), 1U);
  EXPECT_EQ(head.gaps[0].from, second.offset);
  EXPECT_EQ(sealed->not_covered(0, head.end), head.gaps);
  const auto not_read = sealed->for_each("activities", from_epoch_ms(0), clock_.wall, [](const SealedRecord&) {});
  ASSERT_TRUE(not_read);
  EXPECT_EQ(not_read->spans, head.gaps);
  // A window behind everything that the segment may hold is not touched by it.
  const auto later = sealed->for_each("activities", *head.last_ingest + std::chrono::hours(2), Timestamp::max(),
                                      [](const SealedRecord&) {});
  EXPECT_TRUE(later->is_complete());
}

// A seal may lose what it says, but never says anything wrong, whichever of its bytes is damaged.
TEST_F(SealTest, ADamagedSealNeverSaysAnythingWrong) {
  options_.segment_size = 6_KiB;
  auto journal = open();
  fill(*journal, 4);
  seal_all(*journal);
  journal.reset();
  const std::string path = paths(".seal")[0];
  const std::string whole = read_whole(path);
  const std::uint64_t end = seals()->heads()[0].end;
  std::size_t lost_heads = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] ^= static_cast<char>(1U << (at % 8));
    write_whole(path, bytes);
    const auto sealed = seals();
    ASSERT_NE(sealed, nullptr);
    std::set<Position> shown;
    const auto not_read = sealed->for_each(Position{}, Position{end, 0}, [&](const SealedRecord& record) {
      const auto known = std::ranges::find(known_, record.position, &Known::position);
      ASSERT_NE(known, known_.end());
      ASSERT_TRUE(same(record, *known));
      shown.insert(record.position);
    });
    ASSERT_TRUE(not_read);
    EXPECT_FALSE(not_read->is_complete()) << at;
    lost_heads += sealed->not_covered(0, end).empty() ? 0 : 1;
    for (const Known& known : known_) {
      if (known.position.offset >= end) continue;
      const bool is_excused = std::ranges::any_of(not_read->spans, [&](const OffsetSpan& span) {
        return known.position.offset >= span.from && known.position.offset < span.to;
      });
      ASSERT_NE(shown.contains(known.position), is_excused) << at;
    }
  }
  EXPECT_GT(lost_heads, 100U);
  EXPECT_LT(lost_heads, whole.size());
  // The next start makes it anew where its head is gone.
  std::string bytes = whole;
  bytes.back() ^= 1;
  write_whole(path, bytes);
  journal = open();
  seal_all(*journal);
  EXPECT_EQ(read_whole(path), whole);
}

TEST_F(SealTest, ASegmentThatGrowsAgainLosesItsSealAndGetsAnother) {
  auto journal = open();
  fill(*journal, 12);
  seal_all(*journal);
  journal.reset();
  // The crash took back the newest segment.
  while (paths(".segment").size() > 1) std::filesystem::remove(paths(".segment").back());
  const std::uint64_t end = std::filesystem::file_size(paths(".segment")[0]);
  std::erase_if(known_, [&](const Known& known) { return known.position.offset >= end; });
  journal = open();
  EXPECT_TRUE(seals()->not_covered(0, 1) == (std::vector<OffsetSpan>{{0, 1}}));
  fill(*journal, 12);
  seal_all(*journal);
  expect_exact(*seals(), 0, base_of(paths(".segment").back()));
}

TEST_F(SealTest, TimesOutsideTheRangeAreMovedToItsEnds) {
  auto journal = open();
  Batch batch;
  ASSERT_TRUE(batch.add({.feed = "a", .id = "1", .raw = "{}", .saved_time = from_epoch_ms(-5)}));
  ASSERT_TRUE(batch.add({.feed = "a", .id = "2", .raw = "{}", .saved_time = from_epoch_ms(253'402'300'799'999)}));
  ASSERT_TRUE(batch.add({.feed = "a", .id = "3", .raw = "{}", .saved_time = from_epoch_ms(INT64_MAX)}));
  ASSERT_TRUE(journal->append(batch, {"c"}));
  ASSERT_TRUE(journal->sync());
  fill(*journal, 12);
  seal_all(*journal);
  std::vector<std::int64_t> saved;
  ASSERT_TRUE(seals()->for_each("a", Timestamp::min(), Timestamp::max(),
                                [&](const SealedRecord& r) { saved.push_back(epoch_ms(r.saved_time)); }));
  EXPECT_EQ(saved, (std::vector<std::int64_t>{0, 253'402'300'799'999, (std::int64_t{1} << 48) - 1}));
}

// More feeds than can be told apart: what cannot be said is a gap, nothing is said wrongly.
TEST_F(SealTest, TooManyFeedsAreAGap) {
  auto journal = open();
  Batch batch;
  for (std::size_t i = 0; i < seal_feeds_max + 10; ++i)
    ASSERT_TRUE(batch.add({.feed = "f" + std::to_string(i), .id = "1", .raw = "{}"}));
  ASSERT_TRUE(journal->append(batch, {"c"}));
  ASSERT_TRUE(journal->sync());
  fill(*journal, 12);
  seal_all(*journal);
  const auto sealed = seals();
  EXPECT_EQ(sealed->heads()[0].feeds.size(), seal_feeds_max);
  EXPECT_EQ(sealed->heads()[0].gaps.size(), 1U);
  std::uint64_t shown = 0;
  const auto not_read =
      sealed->for_each("f16390", Timestamp::min(), Timestamp::max(), [&](const SealedRecord&) { ++shown; });
  EXPECT_FALSE(not_read->is_complete());
  EXPECT_EQ(shown, 0U);
}

}  // namespace
}  // namespace capstan::store
