// One voyage: a seed in, a verdict out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace capstan::voyages {

struct Logbook {
  std::uint64_t seed = 0;
  std::vector<std::string> complaints;  // of the oracle; none: the voyage went well
  std::uint64_t steps = 0;
  std::uint64_t crashes = 0;
  std::vector<std::uint64_t> disk_states;  // hash of what each start found
  std::uint64_t requests = 0;
  std::uint64_t troubled_requests = 0;
  std::uint64_t shown = 0;    // records and versions that the tenant showed
  std::uint64_t arrived = 0;  // messages at the receivers
  std::uint64_t doubles = 0;  // of those: more than once, each explained
  std::uint64_t letters = 0;
  std::uint64_t seals = 0;          // compared with the journal
  std::uint64_t receipts = 0;       // compared with what arrived
  std::uint64_t sums = 0;           // that were found right: a journal and a route, after a step
  std::uint64_t double_counts = 0;  // resent compared with the receiver, after a step
  std::uint64_t resent = 0;         // what the routes counted
  std::uint64_t lost = 0;           // to retention and damage, as the routes counted it
  std::uint64_t damages = 0;
  std::uint64_t replays = 0;
  std::uint64_t reloads = 0;  // with hung ones
};

// The first few are enough to look for the cause.
void complain(Logbook& logbook, std::string sentence);

Logbook sail(std::uint64_t seed);

}  // namespace capstan::voyages
