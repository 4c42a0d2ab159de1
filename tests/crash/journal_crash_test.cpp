// Power goes at every durable step of a journal's life, and the disk is found in every kind of legal state.
#include <gtest/gtest.h>

#include <iostream>
#include <set>
#include <unordered_set>

#include "crash_workload.h"
#include "simulated_disk.h"
#include "store/journal.h"
#include "store/seal.h"

namespace capstan::crash {
namespace {

using equipment::SimulatedDisk;
using equipment::Survival;
using store::Cursor;
using store::Journal;

const std::string directory = "/data/journal";

store::JournalOptions small_options() {
  store::JournalOptions options;
  options.segment_size = 3_KiB;
  options.max_bytes = 14_KiB;
  options.max_age = std::chrono::seconds(5);
  options.reserve = 0_B;
  return options;
}

// What was promised before the power went.
struct Promise {
  std::uint64_t appended = 0;      // newest record that append() took
  std::uint64_t attempted = 0;     // newest record that append() was given: the power may go behind its write
  std::uint64_t durable = 0;       // newest record before the last good sync()
  std::uint64_t acknowledged = 0;  // by the route, in memory
};

// One source and one route, stepped. Ends at the first error, as a machine without power does.
class Life {
public:
  Life(SimulatedDisk& disk, std::uint64_t seed) : disk_(disk), seed_(seed) {}

  Promise run(int transactions) {
    if (auto ended = steps(transactions); !ended) error_ = ended.error().text();
    return promise_;
  }
  const std::string& error() const { return error_; }

private:
  Result<> steps(int transactions) {
    auto journal = TRY(Journal::open(disk_, clock_, directory, small_options()));
    Cursor cursor = TRY(journal->cursor("siem"));
    for (int i = 0; i < transactions; ++i) {
      const std::uint64_t count = (static_cast<std::uint64_t>(i) * 7 + seed_) % 4;
      promise_.attempted = promise_.appended + count;
      TRY(journal->append(numbered(promise_.appended + 1, count), {std::to_string(promise_.appended + count)}));
      promise_.appended += count;
      clock_.wall += std::chrono::seconds(1);
      if ((static_cast<std::uint64_t>(i) + seed_) % 3 != 0) TRY(sync(*journal));
      if (i % 4 == 3) TRY(route(*journal, cursor));
      if (i % 5 == 1) TRY(journal->seal_next());
      if (i % 9 == 8) TRY(journal->enforce_retention());
    }
    TRY(sync(*journal));
    return {};
  }

  Result<> sync(Journal& journal) {
    const std::uint64_t before = promise_.appended;
    TRY(journal.sync());
    promise_.durable = before;
    return {};
  }

  Result<> route(Journal& journal, Cursor& cursor) {
    const store::Slice slice = TRY(journal.read(cursor.position, 1_KiB));
    cursor.position = slice.end;
    cursor.delivered += slice.items.size();
    promise_.acknowledged = cursor.delivered;
    TRY(journal.acknowledge(cursor));
    return journal.flush_cursors();
  }

  SimulatedDisk& disk_;
  std::uint64_t seed_;
  SteppingClock clock_;
  Promise promise_;
  std::string error_;
};

std::vector<std::uint64_t> read_all(const Journal& journal, store::Position from) {
  std::vector<std::uint64_t> numbers;
  store::Position at = from;
  while (at < journal.report().durable) {
    auto slice = journal.read(at, 600_B);
    if (!slice) {
      ADD_FAILURE() << slice.error().text();
      break;
    }
    for (const auto& item : slice->items) {
      EXPECT_LE(at, item.position);
      EXPECT_LT(item.position, item.next);
      at = item.next;
      numbers.push_back(std::stoull(std::string(item.record.id)));
    }
    if (slice->end < at || (slice->items.empty() && slice->end == at)) {
      ADD_FAILURE() << "reading does not move on at " << to_string(at);
      break;
    }
    at = slice->end;
  }
  return numbers;
}

void expect_kept(Journal& journal, const Promise& promise) {
  const std::string checkpoint = journal.checkpoint().text;
  const std::uint64_t newest = checkpoint.empty() ? 0 : std::stoull(checkpoint);
  EXPECT_GE(newest, promise.durable);
  EXPECT_LE(newest, promise.attempted);
  const auto report = journal.report();
  EXPECT_EQ(report.records, newest);
  EXPECT_EQ(report.damaged_frames, 0U);
  const auto numbers = read_all(journal, report.first);
  for (std::size_t i = 1; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], numbers[i - 1] + 1);
  if (!numbers.empty()) {
    EXPECT_EQ(numbers.back(), newest);
    EXPECT_LE(numbers.front(), promise.acknowledged + 1);
  } else {
    EXPECT_LE(newest, promise.acknowledged);
  }
  for (const Cursor& cursor : journal.cursors()) {
    EXPECT_LE(cursor.position, report.durable);
    const auto rest = read_all(journal, cursor.position);
    if (!rest.empty()) {
      EXPECT_LE(rest.front(), promise.acknowledged + 1);
      EXPECT_GE(rest.front(), cursor.delivered + 1);
    } else {
      EXPECT_LE(newest, promise.acknowledged);
    }
  }
}

// Removed segments have left their seals, and a seal says of a segment that there is what the segment says.
void expect_sealed(SimulatedDisk& disk, const Journal& journal) {
  auto seals = store::Seals::open(disk, directory);
  ASSERT_TRUE(seals) << seals.error().text();
  const std::uint64_t first = journal.report().first.offset;
  EXPECT_TRUE((*seals)->not_covered(0, first).empty());
  std::uint64_t next = 1;
  const auto not_read =
      (*seals)->for_each(store::Position{}, store::Position{first, 0}, [&](const store::SealedRecord& record) {
        EXPECT_EQ(record.identity, store::sealed_identity("activities", std::to_string(next)));
        ++next;
      });
  ASSERT_TRUE(not_read);
  EXPECT_TRUE(not_read->is_complete());
  if (const auto numbers = read_all(journal, journal.report().first); !numbers.empty()) {
    EXPECT_EQ(numbers.front(), next);
  }
  for (const store::SealHead& head : (*seals)->heads()) {
    if (head.base < first) continue;
    const auto scan = store::scan_frames(disk, directory, head.base, head.end, [](const store::SealedFrame&) {});
    ASSERT_TRUE(scan) << scan.error().text();
    EXPECT_EQ(scan->root, head.root);
    EXPECT_LE(head.end, journal.report().durable.offset);
  }
}

// It goes on as if nothing had been.
void expect_goes_on(SimulatedDisk& disk, Journal& journal) {
  const std::uint64_t next = journal.report().records + 1;
  ASSERT_TRUE(journal.append(numbered(next, 3), {std::to_string(next + 2)}));
  ASSERT_TRUE(journal.sync());
  const auto found = disk.crash({});
  SteppingClock clock;
  auto again = Journal::open(*found, clock, directory, small_options());
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ((*again)->checkpoint().text, std::to_string(next + 2));
  const auto numbers = read_all(**again, (*again)->report().first);
  ASSERT_FALSE(numbers.empty());
  EXPECT_EQ(numbers.back(), next + 2);
}

std::vector<Survival> legal_states(std::uint64_t step) {
  using enum Survival::Kind;
  std::vector<Survival> states{{nothing, 0, 0}, {everything, 0, 0}};
  for (std::uint64_t k = 1; k <= 3; ++k) states.push_back({first_writes, k, 0});
  for (std::uint64_t k = 0; k <= 2; ++k) states.push_back({torn, k, 0});
  for (std::uint64_t k = 0; k < 8; ++k) states.push_back({random, 0, step * 100 + k});
  return states;
}

TEST(JournalCrash, NothingDurableIsMissingAfterAnyCrash) {
  std::unordered_set<std::uint64_t> states;
  std::set<std::pair<std::uint64_t, std::uint64_t>> checked;
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    constexpr int transactions = 36;
    SimulatedDisk dry;
    Life whole(dry, seed);
    const Promise complete = whole.run(transactions);
    ASSERT_EQ(whole.error(), "");
    ASSERT_GT(complete.durable, 40U);
    for (std::uint64_t step = 0; step <= dry.operations(); ++step) {
      SimulatedDisk disk;
      disk.lose_power_at(step);
      Life life(disk, seed);
      const Promise promise = life.run(transactions);
      for (const Survival& survival : legal_states(step + seed * 1000)) {
        const auto found = disk.crash(survival);
        ++crashes;
        states.insert(found->image_hash());
        // The same image is checked again when more had been promised.
        const std::uint64_t promised = promise.durable << 32 | promise.attempted << 16 | promise.acknowledged;
        if (!checked.emplace(found->image_hash(), promised).second) continue;
        SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(step) + ", state " +
                     std::to_string(static_cast<int>(survival.kind)) + "/" + std::to_string(survival.count) + "/" +
                     std::to_string(survival.seed));
        SteppingClock clock;
        auto journal = Journal::open(*found, clock, directory, small_options());
        ASSERT_TRUE(journal) << journal.error().text();
        expect_kept(**journal, promise);
        expect_sealed(*found, **journal);
        expect_goes_on(*found, **journal);
        expect_sealed(*found, **journal);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  std::cout << "distinct crash states of the journal: " << states.size() << " of " << crashes << " crashes\n";
  RecordProperty("crash_states", static_cast<int>(states.size()));
  EXPECT_GT(states.size(), 3000U);
}

// The disk is full, or fails, at every step; then the journal is opened again.
TEST(JournalCrash, NothingDurableIsMissingAfterAnyErrorOfTheDisk) {
  for (const ErrorCode code : {ErrorCode::disk_full, ErrorCode::disk_failed}) {
    SimulatedDisk dry;
    Life(dry, 1).run(30);
    for (std::uint64_t step = 0; step < dry.operations(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      SimulatedDisk disk;
      disk.fail_at(step, code);
      const Promise promise = Life(disk, 1).run(30);
      for (const Survival& survival : legal_states(step)) {
        const auto found = disk.crash(survival);
        SteppingClock clock;
        auto journal = Journal::open(*found, clock, directory, small_options());
        ASSERT_TRUE(journal) << journal.error().text();
        expect_kept(**journal, promise);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace capstan::crash
