// Events and bytes a second over the last minute, from one sample a second at most.
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.h"
#include "runtime/status.h"

namespace capstan::runtime {

class RateMeter {
public:
  void add(MonotonicTime now, std::uint64_t events, std::uint64_t bytes);
  Rates rates(MonotonicTime now) const;

private:
  struct Second {
    MonotonicTime begin;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
  };
  std::deque<Second> seconds_;  // at most window seconds
};

}  // namespace capstan::runtime
