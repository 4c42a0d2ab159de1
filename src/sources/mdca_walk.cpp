#include "mdca_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "event/json_split.h"

namespace capstan::mdca {

namespace {

// A run of records that all fail one by one is not a poisoned record but a poisoned place.
constexpr std::uint32_t failed_singles_max = 5;
constexpr std::int64_t day_ms = 86'400'000;
// How far back the archive reaches (180 days), with room to spare.
constexpr std::int64_t archive_span = 200 * day_ms;
// Up to here a list that can be scanned too is read in plain pages.
constexpr std::int64_t plain_total_max = 2000;

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

bool has_time(const Piece& piece, const WalkShape& shape) { return piece.archived || !shape.time_field.empty(); }

void begin_piece(Walk& walk) {
  walk.next_filters.clear();
  walk.skip = 0;
  walk.is_unsorted = false;
  walk.has_asked_again = false;
  walk.last_page = 0;
  walk.singles_left = 0;
  walk.failed_singles = 0;
}

// Puts these in the place of the piece in work.
void replace_piece(Walk& walk, std::vector<Piece> pieces) {
  walk.pieces.erase(walk.pieces.begin());
  walk.pieces.insert(walk.pieces.begin(), pieces.begin(), pieces.end());
  begin_piece(walk);
}

// Both bounds are needed to cut a piece in two.
void bound(Piece& piece, const Walk& walk) {
  if (!piece.from) piece.from = 0;
  if (!piece.to) piece.to = std::max(walk.started, *piece.from);
}

bool halve(Walk& walk) {
  Piece first = walk.pieces.front();
  const bool was_open = !first.to;
  bound(first, walk);
  if (*first.from >= *first.to) return false;
  Piece second = first;
  first.to = *first.from + (*first.to - *first.from) / 2;
  second.from = *first.to + 1;
  if (was_open) second.to.reset();
  replace_piece(walk, {first, second});
  return true;
}

bool partition(Walk& walk, const WalkShape& shape) {
  const Piece piece = walk.pieces.front();
  if (piece.level >= shape.levels.size()) return false;
  std::vector<Piece> parts;
  for (const auto& filter : shape.levels[piece.level]) {
    Piece part = piece;
    part.also = joined({piece.also, filter});
    ++part.level;
    part.from_other_end = false;
    parts.push_back(std::move(part));
  }
  replace_piece(walk, std::move(parts));
  return true;
}

// One millisecond of a longer piece gets a piece of its own; the rest follows behind it.
void isolate(Walk& walk, std::int64_t at, Piece alone) {
  Piece rest = walk.pieces.front();
  alone.from = alone.to = at;
  if (rest.descending)
    rest.to = at - 1;
  else
    rest.from = at + 1;
  if (rest.from && rest.to && *rest.from > *rest.to)
    replace_piece(walk, {std::move(alone)});
  else
    replace_piece(walk, {std::move(alone), std::move(rest)});
}

// `skip` reaches no further into the piece in work.
Advance turn(Walk& walk, const WalkShape& shape) {
  Piece& piece = walk.pieces.front();
  const bool is_timed = has_time(piece, shape);
  if (!piece.from_other_end) {
    if (const auto edge = piece.descending ? piece.to : piece.from;
        is_timed && edge && !walk.is_unsorted && piece.from != piece.to) {
      // All that was skipped lies in the outermost millisecond (another time would have moved the bound).
      Piece alone = piece;
      alone.reading = Reading::pages;
      isolate(walk, *edge, std::move(alone));
      return {};
    }
    if (is_timed && halve(walk)) return {};
    if (is_timed && !piece.at && !piece.archived && !shape.other_time.empty()) {
      Piece crosswise = piece;
      crosswise.descending = false;
      crosswise.at = piece.from;
      crosswise.from = crosswise.to = std::nullopt;
      replace_piece(walk, {std::move(crosswise)});
      return {};
    }
    if (!is_timed && partition(walk, shape)) return {};
    piece.from_other_end = true;
    piece.descending = !piece.descending;
    walk.skip = 0;
    walk.last_page = 0;
    return {};
  }
  Advance result{piece};
  leave_piece(walk);
  return result;
}

// A page with nothing in it that claims to have a successor, or the other way round: asked once more, then believed.
bool is_worth_asking_again(Walk& walk) {
  if (walk.has_asked_again) return false;
  walk.has_asked_again = true;
  return true;
}

// The page lies beyond the bound of the piece in work, which moves there: to the outermost time seen, inclusive. Only a
// page in order proves that nothing lies between.
bool moves_on(Piece& piece, const PageFacts& page) {
  auto& edge = piece.descending ? piece.to : piece.from;
  const auto& seen = piece.descending ? page.oldest : page.newest;
  if (!page.is_sorted || !seen) return false;
  if (edge && (piece.descending ? *seen >= *edge : *seen <= *edge)) return false;
  if (piece.descending ? piece.from && *seen < *piece.from : piece.to && *seen > *piece.to) return false;
  edge = seen;
  return true;
}

Advance advance_scan(Walk& walk, const PageFacts& page) {
  Piece& piece = walk.pieces.front();
  const bool is_repeated = page.records > 0 && page.ids == walk.last_page;
  const bool is_told = !page.next_filters.empty() && page.next_filters != walk.next_filters && !is_repeated;
  const bool moves = moves_on(piece, page);
  walk.last_page = page.ids;

  if (!page.has_next) {
    // `total` is approximate: only behind a page that brought something new, or a long one, more is looked for.
    const bool says_more = page.total && *page.total > page.records;
    if (!says_more || (!moves && (!page.is_sorted || page.records < page_size_max))) {
      leave_piece(walk);
      return {};
    }
    walk.next_filters.clear();
    if (moves) return {};
  }
  if (page.has_next && is_told && (page.records > 0 || is_worth_asking_again(walk))) {
    if (page.records > 0) walk.has_asked_again = false;
    walk.next_filters = page.next_filters;
    return {};
  }
  walk.next_filters.clear();
  if (moves) {
    walk.has_asked_again = false;
    return {};
  }
  Piece alone = piece;
  alone.reading = Reading::pages;
  // A whole page inside one millisecond: `skip` can tell its records apart. Without times the whole piece goes that
  // way.
  if (const auto edge = piece.descending ? piece.to : piece.from; page.newest && page.is_sorted && edge)
    isolate(walk, *edge, std::move(alone));
  else
    replace_piece(walk, {std::move(alone)});
  return {};
}

Advance advance_pages(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  Piece& piece = walk.pieces.front();
  if (std::exchange(piece.scans_when_long, false) && page.total && *page.total > plain_total_max) {
    piece.reading = Reading::scan;
    if (moves_on(piece, page)) return {};
  }
  if (page.records == 0) {
    const bool says_more = page.has_next || (page.total && *page.total > walk.skip);
    if (!says_more || !is_worth_asking_again(walk)) leave_piece(walk);
    return {};
  }
  if (page.has_next) {
    walk.has_asked_again = false;
  } else {
    const bool says_more = page.total && *page.total > walk.skip + page.records && page.ids != walk.last_page;
    if (page.records >= shape.page_size) walk.has_asked_again = false;
    if (!says_more || !is_worth_asking_again(walk)) {
      leave_piece(walk);
      return {};
    }
  }
  walk.last_page = page.ids;
  const bool is_timed = has_time(piece, shape) && !piece.from_other_end;
  if (is_timed && (!page.is_sorted || (piece.from && page.oldest && *page.oldest < *piece.from) ||
                   (piece.descending && piece.to && page.newest && *page.newest > *piece.to)))
    walk.is_unsorted = true;
  if (is_timed && !walk.is_unsorted && moves_on(piece, page)) {
    walk.skip = 0;
    return {};
  }
  walk.skip += page.records;
  if (walk.skip + shape.page_size > skip_reach) return turn(walk, shape);
  return {};
}

Advance advance_singles(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  walk.failed_singles = 0;
  if (page.records == 0 || !page.has_next) {
    leave_piece(walk);
    return {};
  }
  walk.skip += page.records;
  if (walk.skip + shape.page_size > skip_reach) return turn(walk, shape);
  if (--walk.singles_left <= 0) walk.pieces.front().reading = Reading::pages;
  return {};
}

}  // namespace

Question question(const Walk& walk, const WalkShape& shape) {
  const Piece& piece = walk.pieces.front();
  const std::string filters =
      walk.next_filters.empty() ? "{" + joined({members_of(shape.filters), piece.also, time_filter(piece, shape)}) + "}"
                                : walk.next_filters;
  std::string window;
  if (piece.reading == Reading::scan)
    window = fmt::format(R"("isScan":true,"limit":{})", shape.scan_size);
  else
    window = fmt::format(R"("skip":{},"limit":{})", walk.skip, piece.reading == Reading::singles ? 1 : shape.page_size);
  return {path_of(piece, shape),
          "{" + joined({"\"filters\":" + filters, sorting(piece, shape, piece.descending), window}) + "}"};
}

bool goes_by_event_time(const Walk& walk, const WalkShape& shape) {
  const Piece& piece = walk.pieces.front();
  if (piece.archived) return !piece.by_saved_time;
  return shape.by_event_time != piece.at.has_value();
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

Advance advance(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  switch (walk.pieces.front().reading) {
    case Reading::scan:
      return advance_scan(walk, page);
    case Reading::pages:
      return advance_pages(walk, shape, page);
    case Reading::singles:
      break;
  }
  return advance_singles(walk, shape, page);
}

Narrowing narrow(Walk& walk, const WalkShape& shape) {
  Piece& piece = walk.pieces.front();
  walk.next_filters.clear();
  walk.last_page = 0;
  if (piece.reading == Reading::singles) {
    Narrowing result{piece};
    ++walk.skip;
    --walk.singles_left;
    if (++walk.failed_singles >= failed_singles_max || walk.skip + shape.page_size > skip_reach)
      leave_piece(walk);
    else if (walk.singles_left <= 0)
      piece.reading = Reading::pages;
    return result;
  }
  if (has_time(piece, shape) && halve(walk)) return {};
  if (piece.reading == Reading::scan) {
    piece.reading = Reading::pages;
    return {};
  }
  piece.reading = Reading::singles;
  walk.singles_left = shape.page_size;
  return {};
}

void leave_piece(Walk& walk) {
  walk.pieces.erase(walk.pieces.begin());
  begin_piece(walk);
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
