// How late records become visible, measured, because the overlap of the windows hangs on it.
//
// A record that is new to us although its time lies before the start of an earlier walk was not visible then: it is at
// most as late as now minus its time. What counts as "new to us" is remembered here, in memory, for records of the last
// hours; after a restart nothing is claimed until a walk has filled the memory again.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace capstan::mdca {

// Spans in quarter octaves of milliseconds: 1 ms to 49 days within 19 %.
class Spans {
public:
  void add(Duration span);
  std::uint64_t count() const { return count_; }
  // The upper edge of the bucket that holds this share of all spans; zero when there is none.
  Duration quantile(double share) const;

private:
  static constexpr std::size_t buckets = 4 * 32 + 1;
  std::array<std::uint64_t, buckets> spans_{};
  std::uint64_t count_ = 0;
};

class Lateness {
public:
  // A record was read: `time` is what the walk goes by, `now` the server's time when its walk began.
  void read(std::string_view id, Timestamp time, Timestamp now);
  // A walk over everything since `from` that began at `started` is through.
  void walk_done(Timestamp from, Timestamp started);
  // Twice the 99.9th percentile, between two minutes and two hours; at least ten minutes until six hours and a thousand
  // records were watched, and until then not less than it was `before` (in the checkpoint).
  Duration overlap(Duration before) const;

private:
  static constexpr std::size_t remembered_max = 100'000;
  std::unordered_map<std::uint64_t, std::int64_t> remembered_;  // hash of the id → time
  std::int64_t complete_from_ = 0;                              // 0: nothing can be said yet
  std::int64_t first_done_ = 0;
  std::int64_t last_started_ = 0;
  Spans late_;

  void forget_before(std::int64_t time);
};

}  // namespace capstan::mdca
