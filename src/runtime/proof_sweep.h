// What is compared again out of turn: what held one record back held back others, so when one is found late, all that
// is younger than a multiple of its age is compared again at once. Pure: findings in, spans of saved time out.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "base/time.h"

namespace capstan::runtime {

// Of one feed. All times are the service's, spans are whole hours.
class ProofSweep {
public:
  // A record of `found` was missing. Compares again what lies between a multiple of its age and `end`, not before
  // `since`. What was begun within the last hour is not begun anew; only what is older than that is added, because what
  // is found on the way may lie further back.
  void begin(Timestamp found, Timestamp since, Timestamp end, Timestamp now);

  // [from, to), at most `longest` long. Nothing: there is nothing to compare out of turn.
  std::optional<std::pair<Timestamp, Timestamp>> next(Duration longest) const;
  // All before `to` of the span that next() names is compared.
  void done(Timestamp to);

private:
  std::deque<std::pair<Timestamp, Timestamp>> spans_;
  Timestamp oldest_{};
  std::optional<Timestamp> begun_at_;
};

}  // namespace capstan::runtime
