#include "mdca_walk.h"

#include <algorithm>
#include <utility>

namespace capstan::mdca {

namespace {

// A run of records that all fail one by one is not a poisoned record but a poisoned place.
constexpr std::uint32_t failed_singles_max = 5;
// Up to here a list that can be scanned too is read in plain pages.
constexpr std::int64_t plain_total_max = 2000;
// An answer that contradicts itself is asked for again so many times, with these pauses before.
constexpr Duration doubt_pauses[] = {std::chrono::seconds(1), std::chrono::seconds(3)};
constexpr std::uint32_t doubts_max = std::size(doubt_pauses);
// Caps are round numbers (100, 250, 500, 1,000 and 5,000 have been reported): a page of such a size is called full.
constexpr std::int64_t round_size = 50;
// A record that is older than the beginning of a walk by this much was there when it began.
constexpr std::int64_t there_before_ms = 60'000;
// A page that brought something new allows for so many that do not.
constexpr std::uint64_t barren_for_fruitful = 4;

std::string joined(const std::string& first, const std::string& second) {
  return first.empty() ? second : first + "," + second;
}

bool has_time(const Piece& piece, const WalkShape& shape) { return piece.archived || !shape.time_field.empty(); }

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

void partition(Walk& walk, const WalkShape& shape) {
  const Piece piece = walk.pieces.front();
  std::vector<Piece> parts;
  for (const auto& filter : shape.levels[piece.level]) {
    Piece part = piece;
    part.also = joined(piece.also, filter);
    ++part.level;
    parts.push_back(std::move(part));
  }
  replace_piece(walk, std::move(parts));
}

// The outermost millisecond of a piece gets a piece of its own; the rest follows behind it.
void isolate(Walk& walk, std::int64_t at) {
  Piece rest = walk.pieces.front();
  Piece alone = rest;
  alone.reading = Reading::pages;
  alone.scans_when_long = alone.confirms_end = false;
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

Piece other_end_of(Piece piece) {
  piece.from_other_end = true;
  piece.descending = !piece.descending;
  return piece;
}

Advance leave_unread(Walk& walk) {
  Advance result{{walk.pieces.front()}, {}};
  leave_piece(walk);
  return result;
}

std::optional<std::int64_t> edge_of(const Piece& piece) { return piece.descending ? piece.to : piece.from; }

// `skip` reaches no further into the piece in work.
Advance turn(Walk& walk, const WalkShape& shape) {
  Piece& piece = walk.pieces.front();
  const bool is_timed = has_time(piece, shape);
  // Where the service takes no notice of bounds, other bounds show nothing else.
  if (is_timed && (walk.oddities & ignores_filters) != 0) return leave_unread(walk);
  if (piece.from_other_end) return leave_unread(walk);
  if (const auto edge = edge_of(piece); is_timed && edge && !walk.is_unsorted && piece.from != piece.to) {
    // All that was skipped lies in the outermost millisecond (another time would have moved the bound).
    isolate(walk, *edge);
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
  const Piece other = other_end_of(piece);
  if (!is_timed && piece.level < shape.levels.size()) {
    partition(walk, shape);
    // Without `skip` a list shows its beginning and its end, and so does each part of it.
    if ((walk.oddities & ignores_skip) != 0) {
      walk.pieces.insert(walk.pieces.begin(), other);
      walk.pieces.front().level = shape.levels.size();
    }
    return {};
  }
  piece = other;
  begin_piece(walk);
  return {};
}

// The page lies beyond the bound of the piece in work, which moves there: to the outermost time seen, inclusive. Only a
// page in order proves that nothing lies between.
bool moves_on(Walk& walk, const PageFacts& page) {
  Piece& piece = walk.pieces.front();
  auto& edge = piece.descending ? piece.to : piece.from;
  const auto& seen = piece.descending ? page.oldest : page.newest;
  if (walk.is_unsorted || !page.is_sorted || !seen) return false;
  if (edge && (piece.descending ? *seen >= *edge : *seen <= *edge)) return false;
  edge = seen;
  walk.next_filters.clear();
  walk.skip = 0;
  walk.first_id = 0;
  return true;
}

// Asked again in the same way: false when that was done often enough.
bool doubt(Walk& walk, Advance& step, std::uint32_t times = doubts_max) {
  if (walk.doubts >= times) return false;
  step.pause = doubt_pauses[std::min(walk.doubts, doubts_max - 1)];
  ++walk.doubts;
  return true;
}

// The service has nothing more for the piece in work.
void end_piece(Walk& walk) {
  Piece& piece = walk.pieces.front();
  if (piece.confirms_end && !walk.is_unsorted && walk.fresh_here > 0 && piece.from && piece.to &&
      *piece.to > *piece.from) {
    // Down from the oldest record that was seen nothing may be left.
    --*piece.to;
    begin_piece(walk);
    walk.asks_behind = true;
    return;
  }
  leave_piece(walk);
}

// A page that is called the last one. True: what lies behind it is asked for all the same.
bool is_doubted_end(Walk& walk, const PageFacts& page, std::int64_t asked, std::int64_t cap) {
  const bool says_more = page.total && *page.total > walk.skip + page.records && page.ids != walk.last_page;
  const bool is_full =
      page.records >= asked || (cap > 0 && page.records >= cap) || (page.records > 0 && page.records % round_size == 0);
  // `total` is approximate, and a page behind the last one brings nothing new: then it is believed.
  return page.fresh > 0 && (is_full || says_more);
}

Advance advance_scan(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  Advance step;
  Piece& piece = walk.pieces.front();
  const std::int64_t asked = limit_of(walk, shape);
  const auto by_pages = [&] {
    Piece plain = piece;
    plain.reading = Reading::pages;
    replace_piece(walk, {std::move(plain)});
    return step;
  };
  if (page.records == 0 && page.has_next) {
    // Its pointer may have moved past what it did not show.
    if (!doubt(walk, step)) return by_pages();
    walk.next_filters.clear();
    return step;
  }
  if (page.records == 0) {
    if (!page.total || *page.total <= 0 || !doubt(walk, step, 1)) end_piece(walk);
    step.pause = {};
    return step;
  }
  const bool goes_behind = !page.has_next && is_doubted_end(walk, page, asked, shape.scan_cap);
  const bool moves = moves_on(walk, page);
  walk.last_page = page.ids;
  walk.asks_behind = goes_behind;
  if (!page.has_next && !goes_behind) {
    end_piece(walk);
    return step;
  }
  if (page.fresh > 0) walk.doubts = 0;
  if (moves) return step;
  const auto edge = edge_of(piece);
  const bool is_in_order = !walk.is_unsorted && page.is_sorted && page.newest && edge;
  // A whole page inside one millisecond: `skip` can tell its records apart.
  if (is_in_order) {
    isolate(walk, *edge);
    return step;
  }
  if (page.has_next && page.fresh > 0 && !page.next_filters.empty() && page.next_filters != walk.next_filters) {
    walk.next_filters = page.next_filters;
    return step;
  }
  return by_pages();
}

Advance advance_pages(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  Advance step;
  Piece& piece = walk.pieces.front();
  const std::int64_t asked = limit_of(walk, shape);
  if (std::exchange(piece.scans_when_long, false) && page.total && *page.total > plain_total_max) {
    piece.reading = Reading::scan;
    if (!moves_on(walk, page)) begin_piece(walk);
    return step;
  }
  if (std::exchange(piece.only_when_short, false) && page.total && *page.total > skip_reach) {
    leave_piece(walk);
    return step;
  }
  if (page.records == 0) {
    if (page.has_next) return doubt(walk, step) ? step : leave_unread(walk);
    // A `total` alone is approximate: it is worth one question, at once.
    if (!page.total || *page.total <= walk.skip || !doubt(walk, step, 1)) end_piece(walk);
    step.pause = {};
    return step;
  }
  if (walk.skip == 0) walk.first_id = page.first_id;
  if (page.fresh == 0 && walk.skip > 0 && page.first_id == walk.first_id) {
    if ((walk.oddities & ignores_skip) == 0 && doubt(walk, step)) return step;
    walk.oddities |= ignores_skip;
    return turn(walk, shape);
  }
  // The other end begins with the same records, or a filter makes no difference: `skip` would bring nothing new.
  if (page.fresh == 0 && walk.fresh_here == 0 && page.has_next &&
      (piece.from_other_end || (piece.level > 0 && (walk.oddities & ignores_skip) != 0)))
    return leave_unread(walk);
  // Both ends have met.
  if (page.fresh == 0 && piece.from_other_end) {
    leave_piece(walk);
    return step;
  }
  const bool goes_behind = !page.has_next && is_doubted_end(walk, page, asked, shape.page_cap);
  walk.last_page = page.ids;
  walk.asks_behind = goes_behind;
  if (page.fresh > 0) walk.doubts = 0;
  const bool moves = has_time(piece, shape) && !piece.from_other_end && moves_on(walk, page);
  if (!page.has_next && !goes_behind) {
    end_piece(walk);
    return step;
  }
  if (moves) return step;
  walk.skip += page.records;
  if (walk.skip >= skip_reach) return turn(walk, shape);
  return step;
}

Advance advance_singles(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  walk.failed_singles = 0;
  if (page.records == 0 || !page.has_next) {
    leave_piece(walk);
    return {};
  }
  walk.skip += page.records;
  if (walk.skip >= skip_reach) return turn(walk, shape);
  if (--walk.singles_left <= 0) walk.pieces.front().reading = Reading::pages;
  return {};
}

// Bounds are ignored, and order is not: the newest first, until all of a page lies before the bound.
std::optional<Advance> read_down_to_bound(Walk& walk, const PageFacts& page) {
  Piece& piece = walk.pieces.front();
  if (piece.from_other_end) return std::nullopt;
  if (piece.descending) {
    if (piece.reading != Reading::pages || page.below < page.records) return std::nullopt;
    leave_piece(walk);
    return Advance{};
  }
  piece.descending = true;
  piece.reading = Reading::pages;
  begin_piece(walk);
  return Advance{};
}

void note_oddities(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  const Piece& piece = walk.pieces.front();
  if (page.records == 0 && page.has_next) walk.oddities |= empty_page;
  // A record with a strange time is no proof.
  if (2 * (page.below + page.above) > page.records) {
    walk.oddities |= ignores_filters;
    walk.is_unsorted = true;
  }
  if (!page.is_sorted) {
    walk.oddities |= ignores_sort;
    walk.is_unsorted = true;
  }
  // A scan shows a crowd in one millisecond as a whole.
  if (piece.reading != Reading::scan && page.records > limit_of(walk, shape)) walk.oddities |= ignores_limit;
  if (page.has_repeats) walk.oddities |= repeats;
  if (walk.asks_behind && page.fresh > 0 && page.newest && *page.newest < walk.started - there_before_ms)
    walk.oddities |= wrong_end;
}

}  // namespace

void begin_piece(Walk& walk) {
  walk.next_filters.clear();
  walk.skip = 0;
  walk.is_unsorted = false;
  walk.doubts = 0;
  walk.asks_behind = false;
  walk.first_id = 0;
  walk.last_page = 0;
  walk.fresh_here = 0;
  walk.singles_left = 0;
  walk.failed_singles = 0;
}

void leave_piece(Walk& walk) {
  walk.pieces.erase(walk.pieces.begin());
  begin_piece(walk);
}

Advance advance(Walk& walk, const WalkShape& shape, const PageFacts& page) {
  note_oddities(walk, shape, page);
  ++(page.fresh > 0 ? walk.fruitful : walk.barren);
  if (page.fresh > 0) ++walk.fresh_here;
  if (walk.barren > barren_pages_max + barren_for_fruitful * walk.fruitful) {
    Advance result{std::move(walk.pieces), {}};
    walk.pieces.clear();
    begin_piece(walk);
    return result;
  }
  if (page.below > 0 && page.is_all_sorted && (walk.oddities & ignores_filters) != 0 &&
      has_time(walk.pieces.front(), shape) && walk.pieces.front().reading != Reading::singles)
    if (auto turned = read_down_to_bound(walk, page)) return std::move(*turned);
  switch (walk.pieces.front().reading) {
    case Reading::scan:
      return advance_scan(walk, shape, page);
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
    if (++walk.failed_singles >= failed_singles_max || walk.skip >= skip_reach)
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

}  // namespace capstan::mdca
