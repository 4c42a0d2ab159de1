// CAPSTAN_VOYAGES=N      how many voyages (default: 5,000 in an optimised build, 100 in others)
// CAPSTAN_VOYAGE_SEED=S  only this one
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "voyage.h"

namespace capstan::voyages {
namespace {

#ifdef __OPTIMIZE__
constexpr std::uint64_t voyages_by_default = 5'000;
#else
constexpr std::uint64_t voyages_by_default = 100;
#endif
constexpr std::uint64_t first_seed = 1;
constexpr unsigned shards = 2;
constexpr std::size_t failures_shown = 12;

std::optional<std::uint64_t> number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

struct Total {
  std::uint64_t voyages = 0;
  std::uint64_t steps = 0;
  std::uint64_t crashes = 0;
  std::uint64_t requests = 0;
  std::uint64_t troubled_requests = 0;
  std::uint64_t shown = 0;
  std::uint64_t arrived = 0;
  std::uint64_t doubles = 0;
  std::uint64_t letters = 0;
  std::uint64_t seals = 0;
  std::uint64_t receipts = 0;
  std::uint64_t sums = 0;
  std::uint64_t double_counts = 0;
  std::uint64_t resent = 0;
  std::uint64_t lost = 0;
  std::uint64_t damages = 0;
  std::uint64_t replays = 0;
  std::uint64_t reloads = 0;
  std::set<std::uint64_t> disk_states;
  std::vector<Logbook> sunk;

  void add(Logbook&& logbook) {
    ++voyages;
    steps += logbook.steps;
    crashes += logbook.crashes;
    requests += logbook.requests;
    troubled_requests += logbook.troubled_requests;
    shown += logbook.shown;
    arrived += logbook.arrived;
    doubles += logbook.doubles;
    letters += logbook.letters;
    seals += logbook.seals;
    receipts += logbook.receipts;
    sums += logbook.sums;
    double_counts += logbook.double_counts;
    resent += logbook.resent;
    lost += logbook.lost;
    damages += logbook.damages;
    replays += logbook.replays;
    reloads += logbook.reloads;
    disk_states.insert(logbook.disk_states.begin(), logbook.disk_states.end());
    if (!logbook.complaints.empty()) sunk.push_back(std::move(logbook));
  }
};

TEST(Voyages, nothing_is_lost_whatever_happens) {
  log::configure(log::Level::error, log::Format::text);
  const auto only = number("CAPSTAN_VOYAGE_SEED");
  const std::uint64_t count = only ? 1 : number("CAPSTAN_VOYAGES").value_or(voyages_by_default);
  const std::uint64_t first = only.value_or(first_seed);
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  Total total;
  {
    std::vector<std::jthread> crews;
    for (unsigned i = 0; i < shards; ++i)
      crews.emplace_back([&] {
        for (std::uint64_t n = next++; n < count; n = next++) {
          Logbook logbook = sail(first + n);
          const std::lock_guard lock(mutex);
          total.add(std::move(logbook));
        }
      });
  }
  fmt::print(
      "voyages: {} runs, {} steps, {} crashes, {} distinct crash states, {} requests ({} troubled), {} events shown, "
      "{} arrived, {} dead letters, {} seals and {} receipts compared\n",
      total.voyages, total.steps, total.crashes, total.disk_states.size(), total.requests, total.troubled_requests,
      total.shown, total.arrived, total.letters, total.seals, total.receipts);
  fmt::print(
      "conservation: {} sums and {} counts of doubles right after every step; {} doubles, {} counted as resent; {} "
      "lost "
      "and counted; {} journals damaged, {} replays, {} reloads\n",
      total.sums, total.double_counts, total.doubles, total.resent, total.lost, total.damages, total.replays,
      total.reloads);
  for (std::size_t i = 0; i < std::min(total.sunk.size(), failures_shown); ++i) {
    std::string text;
    for (const std::string& complaint : total.sunk[i].complaints) text += "  " + complaint + "\n";
    ADD_FAILURE() << "CAPSTAN_VOYAGE_SEED=" << total.sunk[i].seed << "\n" << text;
  }
  EXPECT_EQ(total.sunk.size(), 0U);
  EXPECT_EQ(total.voyages, count);
}

// A check of the equipment: voyages that meet nothing would prove nothing.
TEST(Voyages, the_same_seed_is_the_same_voyage) {
  const Logbook one = sail(4711);
  const Logbook again = sail(4711);
  EXPECT_EQ(one.steps, again.steps);
  EXPECT_EQ(one.arrived, again.arrived);
  EXPECT_EQ(one.disk_states, again.disk_states);
}

}  // namespace
}  // namespace capstan::voyages
