// A clock whose wall time passes faster than it does for everybody else; its monotonic time does not.
#pragma once

#include "base/clock.h"

namespace capstan::simulator {

class ScaledClock final : public Clock {
public:
  // `clock` outlives it. Its wall time is `clock`'s now, and passes `speed` times as fast from here on.
  ScaledClock(const Clock& clock, double speed)
      : clock_(clock), speed_(speed), wall_(clock.now()), began_(clock.monotonic()) {}

  Timestamp now() const override {
    // At the usual speed jumps of the wall clock are passed on.
    if (speed_ == 1) return clock_.now();
    const std::chrono::duration<double, std::milli> passed = clock_.monotonic() - began_;
    return wall_ + Duration(static_cast<std::int64_t>(passed.count() * speed_));
  }
  MonotonicTime monotonic() const override { return clock_.monotonic(); }

private:
  const Clock& clock_;
  const double speed_;
  const Timestamp wall_;
  const MonotonicTime began_;
};

}  // namespace capstan::simulator
