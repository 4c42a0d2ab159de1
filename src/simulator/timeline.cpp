#include "timeline.h"

#include <algorithm>
#include <numeric>

namespace capstan::simulator {

Timeline::Timeline(const std::vector<Moment>& moments) {
  created_.reserve(moments.size());
  event_.reserve(moments.size());
  visible_after_.reserve(moments.size());
  for (const Moment& moment : moments) {
    created_.push_back(moment.created);
    event_.push_back(moment.event);
    visible_after_.push_back(static_cast<std::uint32_t>(std::max<std::int64_t>(0, moment.visible - moment.created)));
  }
  by_event_.resize(moments.size());
  std::iota(by_event_.begin(), by_event_.end(), 0U);
  std::ranges::stable_sort(by_event_, {}, [this](std::uint32_t index) { return event_[index]; });
}

std::uint32_t Timeline::position_for(std::int64_t event, std::uint32_t index) const {
  const auto place = std::ranges::partition_point(by_event_, [&](std::uint32_t other) {
    return event_[other] < event || (event_[other] == event && other < index);
  });
  return static_cast<std::uint32_t>(place - by_event_.begin());
}

void Timeline::append(const Moment& moment) {
  const std::uint32_t index = size();
  const std::uint32_t place = position_for(moment.event, index);
  created_.push_back(moment.created);
  event_.push_back(moment.event);
  visible_after_.push_back(static_cast<std::uint32_t>(std::max<std::int64_t>(0, moment.visible - moment.created)));
  by_event_.insert(by_event_.begin() + place, index);
}

void Timeline::move_event(std::uint32_t index, std::int64_t event) {
  by_event_.erase(by_event_.begin() + position_for(event_[index], index));
  by_event_.insert(by_event_.begin() + position_for(event, index), index);
  event_[index] = event;
}

Moment Timeline::at(std::uint32_t index) const {
  return {created_[index], event_[index], created_[index] + visible_after_[index]};
}

Timeline::Range Timeline::range(TimeKey key, const Interval& interval) const {
  Range range;
  if (key == TimeKey::created) {
    range.first = static_cast<std::uint32_t>(std::ranges::lower_bound(created_, interval.from) - created_.begin());
    range.last = static_cast<std::uint32_t>(std::ranges::upper_bound(created_, interval.to) - created_.begin());
  } else {
    const auto event = [this](std::uint32_t index) { return event_[index]; };
    range.first =
        static_cast<std::uint32_t>(std::ranges::lower_bound(by_event_, interval.from, {}, event) - by_event_.begin());
    range.last =
        static_cast<std::uint32_t>(std::ranges::upper_bound(by_event_, interval.to, {}, event) - by_event_.begin());
  }
  range.last = std::max(range.first, range.last);
  return range;
}

}  // namespace capstan::simulator
