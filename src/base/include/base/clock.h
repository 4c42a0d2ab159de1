// The time, through a parameter, so that a test can own it. Waiting is not here: only runtime/ waits.
#pragma once

#include "base/time.h"

namespace capstan {

class Clock {
public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;            // may jump; never used to measure spans
  virtual MonotonicTime monotonic() const = 0;  // never jumps
};

class SystemClock final : public Clock {
public:
  Timestamp now() const override;
  MonotonicTime monotonic() const override;
};

}  // namespace capstan
