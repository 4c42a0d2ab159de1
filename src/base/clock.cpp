#include "base/clock.h"

namespace capstan {

Timestamp SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

MonotonicTime SystemClock::monotonic() const { return std::chrono::steady_clock::now(); }

}  // namespace capstan
