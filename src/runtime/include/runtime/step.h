// What a passive part of the program says after one step: when it wants the next one.
#pragma once

#include <optional>

#include "base/time.h"

namespace capstan::runtime {

struct Step {
  // The earliest time that the next step makes sense; in the past or now: at once. Nothing: only when it is woken (a
  // commit is done, something became durable).
  std::optional<MonotonicTime> at;
};

}  // namespace capstan::runtime
