// A route, a source and its prover at work: the part, and how the thread that steps it is told to leave it. A thread
// shares what it works on, so one that does not come back keeps it alive, and nobody else has to wait.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>

#include "runtime/program.h"
#include "wake.h"

namespace capstan::runtime {

struct Lane {
  std::shared_ptr<RunningRoute> route;
  Wake wake;
  std::atomic<bool> is_retired{false};  // its thread leaves after the step at hand
  std::stop_source interrupt;           // its thread leaves the step at hand too, as well as the sink can
  std::atomic<bool> has_left{false};
};

struct Gatherer {
  std::shared_ptr<RunningSource> source;
  std::atomic<bool> is_retired{false};
  std::stop_source interrupt;
  std::atomic<bool> has_left{false};
};

struct Proving {
  std::shared_ptr<RunningSource> source;
  std::atomic<bool> is_retired{false};
  std::stop_source interrupt;
};

}  // namespace capstan::runtime
