// CAPSTAN_PROOF_VOYAGES=N  how many (default: 40 in an optimised build, 4 in others); CAPSTAN_VOYAGE_SEED=S  only this
// one
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "proof_voyage.h"

namespace capstan::voyages {
namespace {

#ifdef __OPTIMIZE__
constexpr std::uint64_t voyages_by_default = 40;
#else
constexpr std::uint64_t voyages_by_default = 4;
#endif
constexpr unsigned shards = 2;

std::optional<std::uint64_t> number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

TEST(ProofVoyages, what_appears_late_and_what_damage_took_arrives) {
  log::configure(log::Level::error, log::Format::text);
  const auto only = number("CAPSTAN_VOYAGE_SEED");
  const std::uint64_t count = only ? 1 : number("CAPSTAN_PROOF_VOYAGES").value_or(voyages_by_default);
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  ProofLogbook total;
  std::vector<ProofLogbook> sunk;
  {
    std::vector<std::jthread> crews;
    for (unsigned i = 0; i < shards; ++i)
      crews.emplace_back([&] {
        for (std::uint64_t n = next++; n < count; n = next++) {
          ProofLogbook one = sail_for_proof(only.value_or(1) + n);
          const std::lock_guard lock(mutex);
          total.steps += one.steps;
          total.hours += one.hours;
          total.crashes += one.crashes;
          total.damages += one.damages;
          total.shown += one.shown;
          total.repaired += one.repaired;
          total.questions += one.questions;
          total.doubles += one.doubles;
          total.resent += one.resent;
          if (!one.complaints.empty()) sunk.push_back(std::move(one));
        }
      });
  }
  fmt::print(
      "proof voyages: {} runs, {} hours, {} steps, {} crashes, {} damages, {} events shown, {} repaired, {} "
      "questions, {} doubles, {} counted as resent\n",
      count, total.hours, total.steps, total.crashes, total.damages, total.shown, total.repaired, total.questions,
      total.doubles, total.resent);
  for (std::size_t i = 0; i < std::min<std::size_t>(sunk.size(), 8); ++i) {
    std::string text;
    for (const std::string& complaint : sunk[i].complaints) text += "  " + complaint + "\n";
    ADD_FAILURE() << "CAPSTAN_VOYAGE_SEED=" << sunk[i].seed << "\n" << text;
  }
  EXPECT_EQ(sunk.size(), 0U);
}

}  // namespace
}  // namespace capstan::voyages
