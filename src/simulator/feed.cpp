#include "feed.h"

#include <algorithm>

namespace capstan::simulator {

Entry Feed::entry(std::uint32_t index) const {
  Entry entry{.index = index, .moment = timeline.at(index), .version = 1, .changed = 0};
  if (const auto found = changes.find(index); found != changes.end()) {
    entry.version = 1 + static_cast<std::uint32_t>(found->second.size());
    entry.changed = found->second.back();
  }
  return entry;
}

std::string Feed::text(const Entry& entry) const {
  std::string text;
  records->write(entry, text);
  return text;
}

void Feed::change(std::uint32_t index, std::int64_t time, bool moves) {
  changes[index].push_back(std::max(time, timeline.at(index).visible));
  if (moves) timeline.move_event(index, time);
}

std::optional<Entry> Feed::find(std::string_view id, std::int64_t now) const {
  const auto index = records->find(id);
  if (!index || *index >= timeline.size() || !is_visible(*index, now)) return std::nullopt;
  return entry(*index);
}

}  // namespace capstan::simulator
