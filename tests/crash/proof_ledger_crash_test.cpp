// Power goes at every durable step of writing a proof ledger: it is the old one or the new one afterwards.
#include <gtest/gtest.h>

#include <iostream>

#include "simulated_disk.h"
#include "store/proof_ledger.h"

namespace capstan::crash {
namespace {

using equipment::SimulatedDisk;
using equipment::Survival;

const std::string path = "/data/sources/mdca/proof";

store::ProofLedger ledger(std::uint64_t version) {
  store::ProofLedger ledger;
  for (const char* name : {"activities", "alerts"}) {
    store::ProofFeed feed{.feed = name, .is_inventory = false, .since = {}, .windows = {}};
    for (std::int64_t hour = 0; hour < 40; ++hour) {
      store::ProofWindow window;
      window.from = from_epoch_ms(hour * 3'600'000);
      window.to = from_epoch_ms((hour + 1) * 3'600'000);
      window.outcome = store::Proof::proved;
      window.shown = version;
      feed.windows.push_back(window);
    }
    ledger.feeds.push_back(std::move(feed));
  }
  return ledger;
}

TEST(ProofLedgerCrash, IsOldOrNewAfterAnyCrash) {
  std::uint64_t states = 0;
  for (std::uint64_t step = 0; step < 24; ++step) {
    SimulatedDisk disk;
    ASSERT_TRUE(disk.make_directories("/data/sources/mdca"));
    ASSERT_TRUE(store::store_proof_ledger(disk, path, ledger(1)));
    disk.lose_power_at(step);
    const bool is_stored = store::store_proof_ledger(disk, path, ledger(2)).has_value();
    for (std::uint64_t k = 0; k < 12; ++k) {
      const Survival survival = k == 0   ? Survival{Survival::Kind::nothing, 0, 0}
                                : k == 1 ? Survival{Survival::Kind::everything, 0, 0}
                                : k < 5  ? Survival{Survival::Kind::torn, k - 2, 0}
                                         : Survival{Survival::Kind::random, 0, step * 50 + k};
      const auto found = disk.crash(survival);
      const auto read = store::read_proof_ledger(*found, path);
      ASSERT_TRUE(read.has_value()) << read.error().text();
      EXPECT_TRUE(*read == ledger(2) || (*read == ledger(1) && !is_stored)) << "step " << step << ", state " << k;
      ++states;
    }
  }
  std::cout << "crash states of the proof ledger: " << states << "\n";
}

}  // namespace
}  // namespace capstan::crash
