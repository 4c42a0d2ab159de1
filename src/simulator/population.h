// All feeds of the tenant: what was there at the start, and what happens from then on.
#pragma once

#include <array>

#include "base/result.h"
#include "feed.h"
#include "simulator/simulator_options.h"

namespace capstan::simulator {

class Population {
public:
  static Result<Population> create(const SimulatorOptions& options, std::int64_t start);

  // Lets everything happen that is due at `now`. A clock that goes back makes nothing undone.
  void advance(std::int64_t now);

  Feed& feed(Stream stream) { return feeds_[static_cast<std::size_t>(stream) - 1]; }
  std::array<Feed, 5>& feeds() { return feeds_; }
  const Company& company() const { return company_; }

private:
  Population(const SimulatorOptions& options, std::int64_t start);
  void populate();
  void happen(std::uint64_t step, std::int64_t time);
  void be_born(Stream stream, std::int64_t time);
  void change_one(Stream stream, std::int64_t time, std::uint64_t random);

  SimulatorOptions options_;
  Company company_;
  std::int64_t start_;
  std::uint64_t steps_ = 0;  // that have happened
  std::array<Feed, 5> feeds_;
};

}  // namespace capstan::simulator
