#include "proof_sweep.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

constexpr int ages_back = 4;
constexpr Duration back_min = std::chrono::hours(6);
constexpr Duration begun_every = std::chrono::hours(1);

}  // namespace

void ProofSweep::begin(Timestamp found, Timestamp since, Timestamp end, Timestamp now) {
  const Duration back = std::max(ages_back * (now - found), back_min);
  const Timestamp from = std::max<Timestamp>(since, std::chrono::floor<std::chrono::hours>(now - back));
  const bool is_young = !spans_.empty() || (begun_at_ && now - *begun_at_ < begun_every);
  if (is_young && from >= oldest_) return;
  const Timestamp to = is_young ? std::min(oldest_, end) : end;
  if (!is_young) begun_at_ = now;
  oldest_ = from;
  if (from < to) spans_.emplace_back(from, to);
}

std::optional<std::pair<Timestamp, Timestamp>> ProofSweep::next(Duration longest) const {
  if (spans_.empty()) return {};
  const auto& [from, to] = spans_.front();
  return std::pair(from, std::min(to, from + longest));
}

void ProofSweep::done(Timestamp to) {
  if (spans_.empty()) return;
  auto& front = spans_.front();
  front.first = std::max(front.first, to);
  if (front.first >= front.second) spans_.pop_front();
}

}  // namespace capstan::runtime
