// The service's own time. Three witnesses are heard, because each of them can be wrong for hours: the Date headers of
// the answers (a proxy's, or one machine's clock may be), the newest record seen (a tenant may be quiet, and a record
// may come from the future), and the clock of this machine.
//
//   Dates    one by one compared with the monotonic clock: the median of the last few offsets counts
//   now      the one in the middle of the three: two have to agree for it to be far off
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "mdca_feed.h"

namespace capstan::mdca {

class ServerClock {
public:
  explicit ServerClock(const Clock& clock) : clock_(clock) {}

  // The Date header of an answer ("Tue, 24 Nov 2026 16:41:09 GMT"); anything else is passed over.
  void learn(std::string_view date);
  // The time of a record seen. Only ever moves forward; one that is far ahead of every clock is passed over.
  void learn_record(std::int64_t ms);
  // What walks go by. Nothing before the first answer.
  std::optional<ServerTime> now() const;
  // What the Dates say; nothing without one.
  std::optional<std::int64_t> dated() const;
  // Whether a time lies behind what any clock says, by more than clocks differ.
  bool is_future(std::int64_t ms) const;
  // What a person should know; empty: nothing.
  std::string note() const;

private:
  static constexpr std::size_t offsets_max = 7;
  std::int64_t monotonic() const;
  std::int64_t median() const;

  const Clock& clock_;
  std::deque<std::int64_t> offsets_;  // Date − monotonic, the last ones
  std::optional<std::int64_t> record_;
  std::int64_t record_at_ = 0;  // monotonic
};

}  // namespace capstan::mdca
