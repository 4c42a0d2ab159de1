// The prover against an oracle: a seed makes a tenant whose records appear late, a collector that misses some of them,
// a disk that loses bits, kills, restarts, and times at which the tenant does not answer. At the end every record that
// the tenant showed is journaled exactly once, and the ledger says so.
//
// CAPSTAN_PROVER_ORACLE=N  how many seeds (default: 150)
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "base/log.h"
#include "prover_equipment.h"

namespace capstan::runtime {
namespace {

using namespace std::chrono_literals;
using equipment::hour_ms;
using equipment::Made;
using equipment::Workshop;

struct Figures {
  std::uint64_t records = 0;
  std::uint64_t late = 0;
  std::uint64_t missed = 0;
  std::uint64_t damaged = 0;
  std::uint64_t restarts = 0;
  std::uint64_t repaired = 0;
};

store::JournalOptions small_segments() {
  store::JournalOptions options;
  options.segment_size = 64_KiB;
  options.reserve = 0_B;
  return options;
}

class Voyage {
public:
  explicit Voyage(std::uint64_t seed) : random_(seed), shop_(small_segments()) {
    shop_.proof.ages = {"1h", "3h", "8h", "1d"};
    shop_.close();
    shop_.open();
    damages_ = chance(0.6);
    kills_ = chance(0.6);
    silences_ = chance(0.4);
    misses_ = chance(0.6);
    shop_.entries_max = chance(0.3) ? 40 : 200'000;
    shop_.service_speed = chance(0.2) ? 20 : 1;
  }

  void sail(Figures& figures) {
    make();
    const auto span = Duration(static_cast<std::int64_t>(static_cast<double>(hours_ * hour_ms) / shop_.service_speed));
    const Duration step = span / 60;
    for (Duration passed{}; passed < span && !testing::Test::HasFailure(); passed += step) {
      shop_.clock.passed += step;
      collect(figures);
      befall(figures);
      shop_.settle();
    }
    // Calm: the oldest age passes for everything.
    shop_.tenant.trouble.reset();
    misses_ = false;
    const auto calm = Duration(static_cast<std::int64_t>(static_cast<double>(40 * hour_ms) / shop_.service_speed));
    for (Duration passed{}; passed < calm; passed += calm / 40) {
      shop_.clock.passed += calm / 40;
      collect(figures);
      shop_.journaled();  // somebody reads: damage is met
      shop_.settle();
    }
    judge(figures);
  }

private:
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }
  bool chance(double p) { return static_cast<double>(random_() >> 11) * 0x1.0p-53 < p; }

  void make() {
    hours_ = 6 + below(20);
    const std::int64_t count = 20 + below(300);
    for (std::int64_t i = 0; i < count; ++i) {
      const bool is_late = chance(0.15);
      shop_.made(below(hours_ * 60), "r" + std::to_string(i),
                 is_late ? Duration(std::chrono::minutes(below(22 * 60))) : Duration{});
    }
  }

  // What is shown, back to half an hour; sometimes a record is passed over for ever.
  void collect(Figures& figures) {
    if (shop_.tenant.trouble) return;
    Batch batch;
    for (const auto& shown : shop_.tenant.records) {
      const Timestamp now = shop_.service_now();
      if (from_epoch_ms(shown.shown_ms) > now || collected_.contains(shown.made.id)) continue;
      collected_.insert(shown.made.id);
      figures.late += shown.shown_ms - shown.made.saved_ms > hour_ms ? 1U : 0U;
      if (now - from_epoch_ms(shown.made.saved_ms) > 40min && !chance(0.3)) continue;  // beyond its overlap
      if (misses_ && chance(0.1)) {
        ++figures.missed;
        continue;
      }
      EXPECT_TRUE(batch.add(shown.made.view()).has_value());
    }
    if (!batch.is_empty()) shop_.committer->submit(shop_.number, std::move(batch), std::nullopt);
    // Sometimes the prover runs between submission and commit.
    if (chance(0.3)) shop_.prover->step({});
    shop_.committer->step();
  }

  void befall(Figures& figures) {
    if (damages_ && chance(0.05)) {
      const auto ids = shop_.journaled();
      if (!ids.empty()) {
        shop_.damage(std::next(ids.begin(), below(static_cast<std::int64_t>(ids.size())))->first);
        ++figures.damaged;
        if (chance(0.7)) shop_.journaled();
      }
    }
    if (silences_ && chance(0.1))
      shop_.tenant.trouble =
          shop_.tenant.trouble ? std::nullopt : std::optional(Error(ErrorCode::timed_out, "asking: no answer"));
    if (!kills_ || !chance(0.05)) return;
    ++figures.restarts;
    if (chance(0.5))
      shop_.kill();
    else
      shop_.close();
    shop_.open();
  }

  void judge(Figures& figures) const {
    const auto ids = shop_.journaled();
    for (const auto& shown : shop_.tenant.records) {
      const auto journaled = ids.find(shown.made.id);
      EXPECT_TRUE(journaled != ids.end())
          << shown.made.id << " is missing; saved minute " << (shown.made.saved_ms - Workshop::start_ms) / 60'000
          << ", shown " << (shown.shown_ms - shown.made.saved_ms) / 60'000 << " minutes later";
      if (journaled != ids.end()) {
        EXPECT_EQ(journaled->second, 1) << shown.made.id;
      }
    }
    EXPECT_EQ(ids.size(), shop_.tenant.records.size());
    const ProofStatus status = shop_.prover->status();
    ASSERT_EQ(status.feeds.size(), 1U);
    EXPECT_EQ(status.feeds[0].missing + status.feeds[0].not_comparable, 0U);
    ASSERT_TRUE(status.feeds[0].proved_until.has_value()) << status.feeds[0].why_not_later;
    EXPECT_GE(*status.feeds[0].proved_until, shop_.service_now() - 3h);
    EXPECT_EQ(status.damaged_places, 0U);
    figures.records += ids.size();
    figures.repaired += status.feeds[0].repaired;
  }

  std::mt19937_64 random_;
  Workshop shop_;
  std::int64_t hours_ = 0;
  bool damages_ = false;
  bool kills_ = false;
  bool silences_ = false;
  bool misses_ = false;
  std::set<std::string> collected_;
};

TEST(ProverOracle, everything_that_was_shown_is_journaled_once_whatever_befell) {
  log::configure(log::Level::error, log::Format::text);
  const char* wanted = std::getenv("CAPSTAN_PROVER_ORACLE");
  const std::uint64_t seeds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 150;
  Figures figures;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Voyage(seed).sail(figures);
    if (testing::Test::HasFailure()) return;
  }
  std::printf(
      "prover oracle: %llu seeds, %llu records, %llu late, %llu missed by the collector, %llu damaged places, "
      "%llu restarts and kills, %llu repaired\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(figures.records),
      static_cast<unsigned long long>(figures.late), static_cast<unsigned long long>(figures.missed),
      static_cast<unsigned long long>(figures.damaged), static_cast<unsigned long long>(figures.restarts),
      static_cast<unsigned long long>(figures.repaired));
  EXPECT_GT(figures.repaired, 0U);
  EXPECT_GT(figures.damaged, 0U);
}

}  // namespace
}  // namespace capstan::runtime
