// An error of the disk while a seal is made: it may be there or not, and the chain goes on from what is there.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crash_workload.h"
#include "simulated_disk.h"
#include "store/journal.h"
#include "store/seal.h"

namespace capstan::crash {
namespace {

using equipment::SimulatedDisk;
using store::Journal;

const std::string directory = "/data/journal";

std::unique_ptr<Journal> five_segments(SimulatedDisk& disk, const Clock& clock) {
  store::JournalOptions options;
  options.segment_size = 3_KiB;
  options.reserve = 0_B;
  auto journal = Journal::open(disk, clock, directory, options).value();
  for (std::uint64_t n = 1; journal->report().segments < 5; n += 4) {
    EXPECT_TRUE(journal->append(numbered(n, 4), {std::to_string(n)}));
    EXPECT_TRUE(journal->sync());
  }
  return journal;
}

// Whichever operation fails; and what was sealed may be lost before the next step.
TEST(SealCrash, TheChainGoesOnAfterAnyErrorOfTheDisk) {
  std::uint64_t errors = 0;
  for (std::uint64_t operation = 0; operation < 40; ++operation) {
    SCOPED_TRACE(operation);
    SimulatedDisk disk;
    SteppingClock clock;
    const auto journal = five_segments(disk, clock);
    disk.fail_at(operation, operation % 2 == 0 ? ErrorCode::disk_failed : ErrorCode::disk_full);
    for (int step = 0; step < 20; ++step) {
      if (journal->seal_next()) continue;
      ++errors;
      const auto seals = store::Seals::open(disk, directory);
      ASSERT_TRUE(seals);
      // The segment of the newest seal goes, as damage or a hand may take it.
      if (!(*seals)->heads().empty()) {
        ASSERT_TRUE(disk.remove(fmt::format("{}/{:020}.segment", directory, (*seals)->heads().back().base)));
      }
    }
    const auto seals = store::Seals::open(disk, directory);
    ASSERT_TRUE(seals);
    EXPECT_GE((*seals)->heads().size(), 4U);
    const store::SealHead* before = nullptr;
    for (const store::SealHead& head : (*seals)->heads()) {
      if (before != nullptr) {
        EXPECT_EQ(head.base, before->end);
        EXPECT_EQ(head.previous, before->chain);
      }
      before = &head;
    }
  }
  EXPECT_GT(errors, 15U);
}

}  // namespace
}  // namespace capstan::crash
