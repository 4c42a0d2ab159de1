#include "mdca_lateness.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/digest.h"

namespace capstan::mdca {

namespace {

constexpr Duration overlap_at_start = std::chrono::minutes(10);
constexpr Duration overlap_min = std::chrono::minutes(2);
constexpr Duration overlap_max = std::chrono::hours(2);
constexpr Duration watched_min = std::chrono::hours(6);
constexpr std::uint64_t records_min = 1000;
// Old measurements fade: the counts are halved when there are this many.
constexpr std::uint64_t count_max = 1'000'000;
constexpr std::int64_t memory_ms = 6 * 3'600'000;

}  // namespace

void Spans::add(Duration span) {
  const auto ms = static_cast<double>(std::max<std::int64_t>(span.count(), 0));
  const auto bucket = ms < 1 ? 0.0 : 1 + std::floor(4 * std::log2(ms));
  ++spans_[std::min(static_cast<std::size_t>(bucket), buckets - 1)];
  if (++count_ < count_max) return;
  count_ = 0;
  for (auto& n : spans_) count_ += n /= 2;
}

Duration Spans::quantile(double share) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < buckets && rank > 0; ++i) {
    sum += spans_[i];
    if (sum >= rank)
      return Duration(i == 0 ? 0 : static_cast<std::int64_t>(std::ceil(std::exp2(static_cast<double>(i) / 4))));
  }
  return Duration::zero();
}

void Lateness::read(std::string_view id, Timestamp time, Timestamp now) {
  const std::int64_t at = epoch_ms(time);
  if (at < epoch_ms(now) - memory_ms || at > epoch_ms(now) + memory_ms) return;
  if (!remembered_.try_emplace(hash64(id), at).second) return;
  if (complete_from_ != 0 && at >= complete_from_) late_.add(at <= last_started_ ? now - time : Duration::zero());
  if (remembered_.size() > remembered_max) {
    std::vector<std::int64_t> times;
    times.reserve(remembered_.size());
    for (const auto& [hash, t] : remembered_) times.push_back(t);
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    forget_before(times[times.size() / 2] + 1);
  }
}

void Lateness::walk_done(Timestamp from, Timestamp started) {
  if (complete_from_ == 0) {
    complete_from_ = std::max(epoch_ms(from), epoch_ms(started) - memory_ms);
    first_done_ = epoch_ms(started);
  }
  last_started_ = epoch_ms(started);
  forget_before(last_started_ - memory_ms);
}

void Lateness::forget_before(std::int64_t time) {
  std::erase_if(remembered_, [time](const auto& entry) { return entry.second < time; });
  if (complete_from_ != 0) complete_from_ = std::max(complete_from_, time);
}

Duration Lateness::overlap(Duration before) const {
  const bool is_watched = late_.count() >= records_min && Duration(last_started_ - first_done_) >= watched_min;
  return std::clamp(2 * late_.quantile(0.999),
                    is_watched ? overlap_min : std::clamp(before, overlap_at_start, overlap_max), overlap_max);
}

}  // namespace capstan::mdca
