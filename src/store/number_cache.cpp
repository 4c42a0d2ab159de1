#include "number_cache.h"

#include <iterator>

namespace capstan::store {

void NumberCache::add(Mark place) {
  const auto behind = spaced_.upper_bound(place.offset);
  if (behind == spaced_.begin() || place.offset - std::prev(behind)->first >= spacing) {
    spaced_.emplace(place.offset, place.records);
    return;
  }
  recent_[next_] = place;
  next_ = (next_ + 1) % recent_max;
}

std::optional<Mark> NumberCache::nearest(std::uint64_t begin, std::uint64_t offset) const {
  std::optional<Mark> best;
  if (const auto behind = spaced_.upper_bound(offset); behind != spaced_.begin())
    if (const auto [at, records] = *std::prev(behind); at >= begin) best = Mark{at, records};
  for (const Mark& place : recent_)
    if (place.offset > 0 && place.offset >= begin && place.offset <= offset && (!best || place.offset > best->offset))
      best = place;
  return best;
}

void NumberCache::forget_before(std::uint64_t offset) { spaced_.erase(spaced_.begin(), spaced_.lower_bound(offset)); }

}  // namespace capstan::store
