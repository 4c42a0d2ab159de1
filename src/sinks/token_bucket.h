// How fast datagrams go out: so many at once after a pause, then so many a second.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace capstan::sinks {

class TokenBucket {
public:
  // `rate` tokens a second, 0: no limit; at most `burst` (at least 1) in store, which is full at the beginning.
  TokenBucket(double rate, double burst) : rate_(rate), burst_(std::max(burst, 1.0)), store_(burst_) {}

  // How long from `now` until `cost` tokens can be taken. What costs more than the burst waits for a full store and
  // leaves a debt.
  std::chrono::nanoseconds wait(double cost, MonotonicTime now) {
    if (rate_ <= 0) return {};
    fill(now);
    const double lacking = std::min(cost, burst_) - store_;
    if (lacking <= 0) return {};
    return std::chrono::ceil<std::chrono::nanoseconds>(std::chrono::duration<double>(lacking / rate_));
  }
  void take(double cost) { store_ -= cost; }

private:
  void fill(MonotonicTime now) {
    if (now > filled_at_)
      store_ = std::min(burst_, store_ + rate_ * std::chrono::duration<double>(now - filled_at_).count());
    filled_at_ = std::max(filled_at_, now);
  }

  double rate_;
  double burst_;
  double store_;
  MonotonicTime filled_at_{};
};

}  // namespace capstan::sinks
