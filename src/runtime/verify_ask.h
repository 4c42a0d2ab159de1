// The tenant's side of verify: a window of one feed asked to its end, the same poll() as ever.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtime/verify.h"

namespace capstan::runtime {

struct Answered {
  bool can_be_asked = true;
  bool is_whole = false;       // everything of the window was seen; else `error` or `note` says why not
  std::optional<Error> error;  // what ended it early
  std::string note;            // what the source said of the feed last
  std::uint64_t polls = 0;
  std::uint64_t passed_over = 0;
};

// Calls `see` with every record of the feed that the tenant shows (which may be outside of the window, and repeated).
// Waits as the source asks. A feed that is held, or that brings nothing for `patience`, is given up. Errors:
// interrupted, and what `see` returns.
Result<Answered> ask(Source& source, const Window& window, Duration patience, const VerifyWorld& world,
                     const std::function<Result<>(const Batch&)>& see);

}  // namespace capstan::runtime
