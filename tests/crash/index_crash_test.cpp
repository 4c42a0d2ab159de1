// Power goes at every durable step of the id index: what the journal holds is known afterwards, and nothing else.
#include <gtest/gtest.h>

#include <iostream>
#include <unordered_set>

#include "crash_workload.h"
#include "simulated_disk.h"
#include "store/id_index.h"

namespace capstan::crash {
namespace {

using equipment::SimulatedDisk;
using equipment::Survival;
using store::IdIndex;
using store::Journal;

const std::string directory = "/data/source";

Result<> live(SimulatedDisk& disk, const Clock& clock, int transactions) {
  auto journal = TRY(Journal::open(disk, clock, directory, {}));
  auto index = TRY(IdIndex::open(disk, directory, {{"activities", Repetition::by_id, {}}}, *journal));
  for (int i = 0; i < transactions; ++i) {
    const std::uint64_t next = journal->report().records + 1;
    const Batch batch = numbered(next, 5);
    TRY(journal->append(batch, {std::to_string(next + 4)}));
    for (std::size_t r = 0; r < batch.size(); ++r) TRY(index->remember(batch[r]));
    TRY(journal->sync());
    TRY(index->advance(journal->report().durable, i % 2 == 1));
  }
  return {};
}

TEST(IndexCrash, KnowsWhatTheJournalHoldsAfterAnyCrash) {
  const SteppingClock clock;
  SimulatedDisk dry;
  ASSERT_TRUE(live(dry, clock, 30));
  std::unordered_set<std::uint64_t> states;
  for (std::uint64_t step = 0; step <= dry.operations(); ++step) {
    SimulatedDisk disk;
    disk.lose_power_at(step);
    // It ends with the power, whatever it was doing.
    static_cast<void>(live(disk, clock, 30).has_value());
    for (std::uint64_t k = 0; k < 12; ++k) {
      const Survival survival = k == 0   ? Survival{Survival::Kind::nothing, 0, 0}
                                : k == 1 ? Survival{Survival::Kind::everything, 0, 0}
                                : k < 5  ? Survival{Survival::Kind::torn, k - 2, 0}
                                         : Survival{Survival::Kind::random, 0, step * 50 + k};
      const auto found = disk.crash(survival);
      if (!states.insert(found->image_hash()).second) continue;
      SCOPED_TRACE("step " + std::to_string(step) + ", state " + std::to_string(k));
      auto journal = Journal::open(*found, clock, directory, {});
      ASSERT_TRUE(journal) << journal.error().text();
      auto index = IdIndex::open(*found, directory, {{"activities", Repetition::by_id, {}}}, **journal);
      ASSERT_TRUE(index) << index.error().text();
      const std::uint64_t records = (*journal)->report().records;
      for (std::uint64_t n = 1; n <= 155; ++n) {
        const auto seen = (*index)->look_up("activities", std::to_string(n), n);
        ASSERT_TRUE(seen) << seen.error().text();
        ASSERT_EQ(*seen == IdIndex::Seen::same, n <= records) << n << " of " << records;
      }
    }
  }
  std::cout << "distinct crash states of the id index: " << states.size() << "\n";
  EXPECT_GT(states.size(), 300U);
}

}  // namespace
}  // namespace capstan::crash
