#include "runtime/backoff.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

// 2^20 s is longer than any limit: doubling further would only overflow.
constexpr std::uint32_t doublings_max = 20;
// To look at our own disk again costs nobody anything.
constexpr Duration disk_looked_every = std::chrono::seconds(15);

bool is_our_disk(ErrorCode code) {
  return code == ErrorCode::disk_full || code == ErrorCode::data_dir_away || code == ErrorCode::journal_full;
}

}  // namespace

Duration Backoff::next(const Error& error) {
  const std::uint32_t doublings = std::min(errors_, doublings_max);
  errors_ = std::min(errors_ + 1, doublings_max);
  Duration span = std::min<Duration>(limits_.shortest * (1LL << doublings), limits_.longest);
  if (waits_for_a_person(error.error_class())) span = limits_.held;
  if (is_our_disk(error.code())) span = std::min(span, disk_looked_every);
  const Duration quarter = span / 4;
  const Duration spread{quarter.count() == 0
                            ? 0
                            : static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(quarter.count() + 1))};
  return std::max(span - spread, error.pause().value_or(Duration::zero()));
}

}  // namespace capstan::runtime
