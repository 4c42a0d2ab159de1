// The tenant's side of verify: a window of one feed asked to its end, in another way than the collector asks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtime/verify.h"

namespace capstan::runtime {

struct Answered {
  bool can_be_asked = true;
  bool is_whole = false;       // everything of the window was seen; else `error` or `note` says why not
  bool was_left = false;       // `see` did not want to see more
  bool is_dead = false;        // given up after waiting: there is no use in asking this source for anything else
  std::optional<Error> error;  // what ended it early
  std::string note;            // what the source said of the feed last
  std::uint64_t polls = 0;
  std::uint64_t passed_over = 0;
  std::optional<Timestamp> service_time;  // of the last answer
  MonotonicTime service_time_at{};        // when that came
};

// Calls `see` with every record of the feed that the tenant shows (which may be outside of the window, and repeated),
// until it says false. Waits as the source asks. A feed that is held, or that brings nothing for `patience`, is given
// up; a tenant that cannot be reached, after the first timeout. Errors: interrupted, and what `see` returns.
Result<Answered> ask(Source& source, const Window& window, Duration patience, const VerifyWorld& world,
                     const std::function<Result<bool>(const Batch&)>& see);

// What time it is at the service: the same, but ends as soon as an answer says it. Costs the request with which a
// source learns the time anyway.
Result<Answered> ask_time(Source& source, const std::string& feed, Duration patience, const VerifyWorld& world);

}  // namespace capstan::runtime
