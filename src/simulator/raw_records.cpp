#include "raw_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

namespace capstan::simulator {
namespace {

struct Line {
  std::string text;
  std::string id;
  Moment moment;
};

// The value behind the first `"name":` of a line, up to the next comma, quote or bracket. It has to find its way in
// lines that are not JSON too, so it looks no further than that.
std::string value_of(std::string_view line, std::string_view name) {
  const std::string key = fmt::format("\"{}\":", name);
  std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  at += key.size();
  while (at < line.size() && line[at] == ' ') ++at;
  const bool is_text = at < line.size() && line[at] == '"';
  if (is_text) ++at;
  const std::size_t end = line.find_first_of(is_text ? "\"" : ",}] ", at);
  return std::string(line.substr(at, end == std::string_view::npos ? end : end - at));
}

std::optional<std::int64_t> time_of(std::string_view line, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const std::string text = value_of(line, name);
    std::int64_t time = 0;
    // A fraction, as subnets have one, ends the number.
    if (std::from_chars(text.data(), text.data() + text.size(), time).ec == std::errc{} && time > 9999) return time;
    if (const auto iso = parse_iso8601(text)) return epoch_ms(*iso);
  }
  return std::nullopt;
}

class RawRecords final : public Records {
public:
  explicit RawRecords(std::vector<Line> lines) : lines_(std::move(lines)) {
    for (std::uint32_t i = 0; i < lines_.size(); ++i) by_id_.emplace(lines_[i].id, i);
  }
  std::string id(std::uint32_t index) const override { return lines_[index].id; }
  std::optional<std::uint32_t> find(std::string_view id) const override {
    const auto found = by_id_.find(std::string(id));
    return found == by_id_.end() ? std::nullopt : std::optional(found->second);
  }
  void write(const Entry& entry, std::string& out) const override { out += lines_[entry.index].text; }

private:
  std::vector<Line> lines_;
  std::unordered_map<std::string, std::uint32_t> by_id_;
};

}  // namespace

Result<RawFeed> read_raw_feed(const std::string& path, std::int64_t start) {
  std::vector<Line> lines;
  if (std::ifstream file(path, std::ios::binary); file) {
    for (std::string text; std::getline(file, text);) {
      if (text.empty()) continue;
      const auto event = time_of(text, {"timestamp", "lastSeen", "modifiedDate", "lastModified"});
      const std::int64_t created = time_of(text, {"created", "createdDate"}).value_or(event.value_or(start));
      Line line{.text = {}, .id = value_of(text, "_id"), .moment = {created, event.value_or(created), created}};
      line.text = std::move(text);
      lines.push_back(std::move(line));
    }
    if (file.bad())
      return Error{ErrorCode::unreadable_file, fmt::format("reading {}: the file could not be read", path)};
  }
  std::ranges::stable_sort(lines, {}, [](const Line& line) { return line.moment.created; });
  RawFeed feed;
  for (const Line& line : lines) feed.moments.push_back(line.moment);
  feed.records = std::make_unique<RawRecords>(std::move(lines));
  return feed;
}

}  // namespace capstan::simulator
