// How many records a feed's questions ask for, and how many the service gives at once. Nothing of it is assumed: caps
// of 100, 250, 500, 1,000 and 5,000 have been reported. A service may give fewer than asked for and say that there are
// more, take no notice of the number, or refuse a number above its cap (400). Learned anew by every process.
#pragma once

#include <cstdint>
#include <optional>

#include "mdca_walk.h"

namespace capstan::mdca {

class PageSizes {
public:
  // What to ask for where `wanted` would be right.
  std::int64_t size(Reading reading, std::int64_t wanted) const;
  // The most that was given at once while there was more; 0: not known.
  std::int64_t cap(Reading reading) const { return reading == Reading::scan ? scan_.cap : pages_.cap; }
  // `has_more`: the service said so, or showed it later. `max`: the cap as the answer names it.
  void answered(Reading reading, std::int64_t asked, std::int64_t given, bool has_more,
                std::optional<std::int64_t> max);
  // The service refused so many; false: there is nothing smaller to ask for.
  bool refused(Reading reading, std::int64_t asked);

private:
  struct Learned {
    std::int64_t most = 0;  // never ask for more; 0: not known
    std::int64_t cap = 0;
    std::int64_t allowed = 0;  // more than was asked for, as the service says
  };
  Learned& of(Reading reading) { return reading == Reading::scan ? scan_ : pages_; }
  Learned scan_;
  Learned pages_;
};

}  // namespace capstan::mdca
