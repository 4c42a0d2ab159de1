// How a step of a walk is put to the service.
#include <fmt/format.h>

#include <algorithm>

#include "event/json_split.h"
#include "mdca_walk.h"

namespace capstan::mdca {

namespace {

constexpr std::int64_t day_ms = 86'400'000;
// How far back the archive reaches (180 days), with room to spare.
constexpr std::int64_t archive_span = 200 * day_ms;

std::string joined(std::initializer_list<std::string> parts) {
  std::string text;
  for (const auto& part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += ',';
    text += part;
  }
  return text;
}

std::string bounds(const std::string& field, std::optional<std::int64_t> from, std::optional<std::int64_t> to) {
  if (field.empty() || (!from && !to)) return {};
  return fmt::format(R"("{}":{{{}}})", field,
                     joined({from ? fmt::format(R"("gte":{})", *from) : std::string(),
                             to ? fmt::format(R"("lte":{})", *to) : std::string()}));
}

std::string time_filter(const Piece& piece, const WalkShape& shape) {
  if (piece.at)
    return joined({bounds(shape.time_field, piece.at, piece.at), bounds(shape.other_time, piece.from, piece.to)});
  if (piece.by_saved_time)
    // The archive is asked by a range of `date` (its only known clients do); here it is as wide as the archive.
    return joined(
        {fmt::format(R"("date":{{"range":[{{"start":{},"end":{}}}]}})",
                     std::max<std::int64_t>(piece.from.value_or(0) - archive_span, 0), piece.to.value_or(0) + day_ms),
         bounds("created", piece.from, piece.to)});
  if (piece.archived)
    // The archive knows no other form (its only known clients use a range of `date`).
    return fmt::format(R"("date":{{"range":[{{"start":{},"end":{}}}]}})", piece.from.value_or(0), piece.to.value_or(0));
  return bounds(shape.time_field, piece.from, piece.to);
}

std::string sorting(const Piece& piece, const WalkShape& shape, bool descending) {
  const std::string field = piece.by_saved_time ? "created"
                            : piece.archived    ? "date"
                            : piece.at          ? shape.other_time
                                                : shape.sort_field;
  const std::string direction = fmt::format(R"("sortDirection":"{}")", descending ? "desc" : "asc");
  if (field.empty()) return descending ? direction : std::string();
  return fmt::format(R"("sortField":"{}",{})", field, direction);
}

std::string path_of(const Piece& piece, const WalkShape& shape) {
  return piece.archived ? "archived_" + shape.path : shape.path;
}

}  // namespace

// A question that is put again asks for three quarters, then for half: a page that ends at another record may not have
// the fault of the one before.
std::int64_t limit_of(const Walk& walk, const WalkShape& shape) {
  const Piece& piece = walk.pieces.front();
  if (piece.reading == Reading::singles) return 1;
  const bool scans = piece.reading == Reading::scan;
  const std::int64_t size = scans ? shape.scan_size : shape.page_size;
  const auto times = static_cast<std::int64_t>(walk.doubts);
  // A scan of less than 500 is not documented; one that is taken down there was refused more.
  if (scans && size == scan_size_min) return size + times * 100;
  const std::int64_t least = scans && size > scan_size_min ? scan_size_min : 1;
  const std::int64_t asked = std::max(least, size - size * std::min<std::int64_t>(times, 2) / 4);
  return scans ? asked : std::clamp<std::int64_t>(skip_reach - walk.skip, 1, asked);
}

Question question(const Walk& walk, const WalkShape& shape) {
  const Piece& piece = walk.pieces.front();
  const std::string filters =
      walk.next_filters.empty() ? "{" + joined({members_of(shape.filters), piece.also, time_filter(piece, shape)}) + "}"
                                : walk.next_filters;
  std::string window;
  if (piece.reading == Reading::scan)
    window = fmt::format(R"("isScan":true,"limit":{})", limit_of(walk, shape));
  else
    window = fmt::format(R"("skip":{},"limit":{})", walk.skip, limit_of(walk, shape));
  return {path_of(piece, shape),
          "{" + joined({"\"filters\":" + filters, sorting(piece, shape, piece.descending), window}) + "}"};
}

Question control_question(const Walk& walk, const WalkShape& shape) {
  Piece before = walk.pieces.front();
  if (before.at) before.from = std::exchange(before.at, std::nullopt);
  if (before.from) {
    before.to = *before.from - 1;
    before.from.reset();
  }
  const std::string filters = "{" + joined({members_of(shape.filters), time_filter(before, shape)}) + "}";
  return {path_of(before, shape),
          "{" + joined({"\"filters\":" + filters, sorting(before, shape, true), R"("skip":0,"limit":1)"}) + "}"};
}

bool goes_by_event_time(const Walk& walk, const WalkShape& shape) {
  const Piece& piece = walk.pieces.front();
  if (piece.archived) return !piece.by_saved_time;
  return shape.by_event_time != piece.at.has_value();
}

int place_of(const Walk& walk, const WalkShape& shape, std::int64_t time) {
  const Piece& piece = walk.pieces.front();
  const bool is_bounded = piece.archived || !(piece.at ? shape.other_time : shape.time_field).empty();
  if (!is_bounded) return 0;
  return piece.from && time < *piece.from ? -1 : piece.to && time > *piece.to ? 1 : 0;
}

std::string members_of(const std::string& object) {
  const std::size_t open = object.find('{');
  const std::size_t close = object.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close <= open) return {};
  return object.substr(open + 1, close - open - 1);
}

bool has_filter(const std::string& filters, const std::string& name) {
  if (filters.empty()) return false;
  const auto members = split_object(filters);
  return members && std::any_of(members->begin(), members->end(), [&](const auto& m) { return m.name == name; });
}

}  // namespace capstan::mdca
