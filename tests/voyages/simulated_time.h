// Time that only moves when it is told to. The machine's wall clock may jump; the tenant's is always right.
#pragma once

#include "base/clock.h"

namespace capstan::voyages {

class SimulatedTime {
public:
  explicit SimulatedTime(Timestamp start) : start_(start) {}

  void advance(std::chrono::nanoseconds span) { elapsed_ += span; }
  // From now on the machine's wall clock is off by so much more.
  void jump(Duration by) { machine_error_ += by; }
  MonotonicTime monotonic() const { return MonotonicTime{} + first_ + elapsed_; }
  Timestamp true_time() const { return start_ + std::chrono::duration_cast<Duration>(elapsed_); }
  Timestamp machine_time() const { return true_time() + machine_error_; }

private:
  // A clock that never jumps does not begin at zero.
  static constexpr std::chrono::hours first_{100};
  Timestamp start_;
  std::chrono::nanoseconds elapsed_{0};
  Duration machine_error_{0};
};

class MachineClock final : public Clock {
public:
  explicit MachineClock(const SimulatedTime& time) : time_(time) {}
  Timestamp now() const override { return time_.machine_time(); }
  MonotonicTime monotonic() const override { return time_.monotonic(); }

private:
  const SimulatedTime& time_;
};

class TenantClock final : public Clock {
public:
  explicit TenantClock(const SimulatedTime& time) : time_(time) {}
  Timestamp now() const override { return time_.true_time(); }
  MonotonicTime monotonic() const override { return time_.monotonic(); }

private:
  const SimulatedTime& time_;
};

}  // namespace capstan::voyages
