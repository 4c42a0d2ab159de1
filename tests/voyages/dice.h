// What happens by chance in one voyage, all of it from one seed.
#pragma once

#include <cstdint>
#include <random>

namespace capstan::voyages {

class Dice {
public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  // 0 … below-1
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  std::uint64_t between(std::uint64_t lowest, std::uint64_t highest) { return lowest + below(highest - lowest + 1); }
  bool chance(double probability) { return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability; }
  std::uint64_t seed() { return random_(); }

private:
  std::mt19937_64 random_;
};

}  // namespace capstan::voyages
