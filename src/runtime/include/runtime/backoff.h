// How long to wait after the n-th error in a row: doubling, spread by jitter so that many sources that lost the same
// service do not come back in the same second, and never shorter than the other side asked for.
#pragma once

#include <cstdint>
#include <random>

#include "base/error.h"

namespace capstan::runtime {

// It does not pass by itself: tried again all the same, but slowly, and said in the status.
constexpr bool waits_for_a_person(ErrorClass error_class) {
  return error_class != ErrorClass::retry && error_class != ErrorClass::split && error_class != ErrorClass::dead_letter;
}

struct BackoffLimits {
  Duration shortest = std::chrono::seconds(1);
  Duration longest = std::chrono::minutes(5);
  // A person has to act: doubling would make them wait after they did.
  Duration held = std::chrono::minutes(5);
};

class Backoff {
public:
  Backoff(BackoffLimits limits, std::uint64_t seed) : limits_(limits), random_(seed) {}

  // Between three quarters and the whole of the doubled span; a pause that was asked for is obeyed in full.
  Duration next(const Error& error);
  void reset() { errors_ = 0; }
  std::uint32_t errors_in_a_row() const { return errors_; }

private:
  BackoffLimits limits_;
  std::mt19937_64 random_;
  std::uint32_t errors_ = 0;
};

}  // namespace capstan::runtime
