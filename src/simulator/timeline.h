// When the records of a feed happened, were saved and became visible: a few bytes per record, looked up by saved time
// and by event time in O(log n). Records are numbered in the order of their saved time.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace capstan::simulator {

// Epoch milliseconds.
struct Moment {
  std::int64_t created = 0;  // saved
  std::int64_t event = 0;    // what `date` means: raised, last seen, modified; 0: never
  std::int64_t visible = 0;  // from then on the API shows it; not before `created`
};

// Inclusive on both sides.
struct Interval {
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
  bool holds(std::int64_t time) const { return from <= time && time <= to; }
};

enum class TimeKey { created, event };

class Timeline {
public:
  Timeline() = default;
  // In the order of `created`.
  explicit Timeline(const std::vector<Moment>& moments);

  // `created` is not before that of the record before it.
  void append(const Moment& moment);
  // A change moves a record's event time (last seen, modified).
  void move_event(std::uint32_t index, std::int64_t event);

  std::uint32_t size() const { return static_cast<std::uint32_t>(created_.size()); }
  Moment at(std::uint32_t index) const;
  std::int64_t key(TimeKey key, std::uint32_t index) const {
    return key == TimeKey::created ? created_[index] : event_[index];
  }

  // Positions in the order of `key`, [first, last); equal keys stand in the order of their index.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t size() const { return last - first; }
  };
  Range range(TimeKey key, const Interval& interval) const;
  std::uint32_t index_at(TimeKey key, std::uint32_t position) const {
    return key == TimeKey::created ? position : by_event_[position];
  }

private:
  std::uint32_t position_for(std::int64_t event, std::uint32_t index) const;

  std::vector<std::int64_t> created_;
  std::vector<std::int64_t> event_;
  std::vector<std::uint32_t> visible_after_;  // ms behind created
  std::vector<std::uint32_t> by_event_;
};

}  // namespace capstan::simulator
