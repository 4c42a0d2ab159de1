// When a window of saved time is compared with the tenant: when it is as old as the first age, and again at every
// further age, because records appear late. Pure: a feed of the ledger and the service's time in, what is due out.
//
//   age        1h   6h   12h    1d      3d       7d       30d
//   block      1h   1h    3h    6h     18h       24h      24h     neighbours that are compared with one question
//
// A block is about a quarter of its age, so that a window is at most a quarter older than the age when it is compared.
// An age that has found nothing for a month's windows is stretched: its blocks are twice as long. It is never dropped.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

// All times are the service's.
class ProofSchedule {
public:
  // `ages`: growing, at least one.
  explicit ProofSchedule(std::vector<Duration> ages);

  // What is to be compared together: [from, to), whole hours.
  struct Due {
    Timestamp from;
    Timestamp to;
  };
  // Nothing: nothing is due before next_at().
  std::optional<Due> due(const store::ProofFeed& feed, Timestamp now) const;
  Timestamp next_at(const store::ProofFeed& feed, Timestamp now) const;

  // How many ages a window that ends at `to` has passed.
  std::uint32_t ages_passed(Timestamp to, Timestamp now) const;
  const std::vector<Duration>& ages() const { return ages_; }
  // The longest span that is compared with one question.
  static constexpr Duration due_max = std::chrono::hours(24);

private:
  Duration block(std::size_t age, const store::ProofFeed& feed) const;
  // Of the windows that wait for this age: the first one's block, and when it is due.
  struct Waiting {
    Due block;
    Timestamp at;
  };
  std::optional<Waiting> waiting(std::size_t age, const store::ProofFeed& feed) const;
  Timestamp end_of(const store::ProofFeed& feed) const;

  const std::vector<Duration> ages_;
};

// Puts what was found of [from, to) in the place of what stood there. Windows that lie across an end are cut. `found`
// is in order and covers the span; what earlier comparisons repaired stays counted.
void put_windows(store::ProofFeed& feed, Timestamp from, Timestamp to, std::vector<store::ProofWindow> found);
// Counts what was repaired apart from a comparison by age, in the windows that there are.
void add_repairs(store::ProofFeed& feed, const std::vector<store::ProofWindow>& repairs);
// Neighbours in which nothing ever happened become one, so that a quiet feed has a small ledger.
void merge_quiet_windows(store::ProofFeed& feed);
// Removes windows that ended before; the feed then begins behind them.
void forget_windows_before(store::ProofFeed& feed, Timestamp time);

}  // namespace capstan::runtime
