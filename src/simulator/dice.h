// Chance from a seed: the same seed, stream and index give the same throws on every machine.
#pragma once

#include <cstdint>
#include <span>

namespace capstan::simulator {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class Dice {
public:
  constexpr Dice(std::uint64_t seed, std::uint64_t stream, std::uint64_t index)
      : state_(mix(mix(seed) ^ mix(stream * 0x2545f4914f6cdd1d + 1) ^ mix(index))) {}

  constexpr std::uint64_t next() { return state_ = mix(state_); }
  // Evenly from 0 to n - 1; n is above zero.
  constexpr std::uint64_t below(std::uint64_t n) { return next() % n; }
  constexpr std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  constexpr bool chance(double share) { return static_cast<double>(next() >> 11) < share * 9007199254740992.0; }
  template <class T, std::size_t n>
  constexpr const T& pick(const T (&from)[n]) {
    return from[below(n)];
  }

private:
  std::uint64_t state_;
};

}  // namespace capstan::simulator
