// One feed: its records, when they are, and how they changed since the start.
#pragma once

#include <unordered_map>
#include <vector>

#include "feed_schema.h"
#include "records.h"
#include "timeline.h"

namespace capstan::simulator {

struct Feed {
  const FeedSchema* schema = nullptr;
  std::unique_ptr<Records> records;
  Timeline timeline;
  // When a record's versions 2, 3, … came to be.
  std::unordered_map<std::uint32_t, std::vector<std::int64_t>> changes;

  bool is_visible(std::uint32_t index, std::int64_t now) const { return timeline.at(index).visible <= now; }
  // Its newest version. Changes are noted when their time has come, so there is none in the future.
  Entry entry(std::uint32_t index) const;
  std::string text(const Entry& entry) const;
  // A change at `time`; `moves` where it also is the new event time (last seen, modified).
  void change(std::uint32_t index, std::int64_t time, bool moves);
  std::optional<Entry> find(std::string_view id, std::int64_t now) const;
};

}  // namespace capstan::simulator
