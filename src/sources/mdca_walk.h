// Reading a window of a list to its end, whatever the service does on the way. Pure: it says what to ask and takes what
// came; who sends, waits and stores is mdca_source.cpp's business. The whole of a Walk is in the checkpoint, so a crash
// in the middle goes on in the middle.
//
// A walk is a row of pieces, read in order. Each is read in one of three ways:
//
//   scan     isScan, 500 to 5,000 a page (activities only)
//   pages    about 100 a page, by `skip` where time does not help
//   singles  one record a page: the last step of narrowing down on a record that makes the service fail
//
//   scan ──no progress──► the one millisecond by pages ──► scan goes on behind it
//   a millisecond beyond the reach of skip ──► told apart by the other time ──► from both ends
//   any  ──fails three times──► halves ──► … ──► one millisecond by pages ──► singles ──► that record is passed over
//
// A bound never moves past what was not read: it moves to the outermost time *seen* and includes it again, because the
// second record of a millisecond is as good as the first. Repeats are removed behind the source. The service's own
// pointer (nextQueryFilters) is followed only where times prove nothing: a pointer that jumps would skip records.
//
// Nothing that the service says about its answers is believed at once:
//
//   no records, and more to come     asked again after a pause, with another page size; then by the plain list
//   the last page, and it is full    asked what comes behind it
//   a page seen before               asked again in the same way; then `skip` is taken for ignored
//   records outside of the bounds    do not move them: filters are taken for ignored, and the list is read from the
//                                    newest down to the bound
//
// A walk ends: pages that bring nothing new to it may be `barren_pages_max` and four for each page that did. What is
// unread then is given back, to be asked for again later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace capstan::mdca {

// The service shows no further by `skip` (observed client rule; what it does beyond is not documented).
constexpr std::int64_t skip_reach = 5000;
constexpr std::int64_t page_size_max = 100;  // documented maximum outside of scan mode
constexpr std::int64_t scan_size_min = 500;
constexpr std::int64_t scan_size_max = 5000;
// In one walk, without anything new in them.
constexpr std::uint32_t barren_pages_max = 100;

enum class Reading : std::uint8_t { scan, pages, singles };

struct Piece {
  // Milliseconds since the epoch, both inclusive; nothing: no bound on that side.
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  std::string also;       // further filters, as members of a JSON object: "type":{"eq":[1]}
  std::size_t level = 0;  // how many partition levels are in `also`
  Reading reading = Reading::pages;
  bool descending = false;  // the newest first: the upper bound moves down
  // `skip` reached no further from one end of this piece; it is read from the other one.
  bool from_other_end = false;
  bool archived = false;
  // Archived, and from and to are of saved time: activities that were saved lately and happened long ago.
  bool by_saved_time = false;
  // The plain list is used while it is short: when `total` says that it is long, the piece is scanned.
  bool scans_when_long = false;
  // The piece is dropped when `total` says that it is long.
  bool only_when_short = false;
  // The service is asked once for what lies behind its last page: it has to be nothing.
  bool confirms_end = false;
  // Set: only this millisecond is read, and its records are told apart by the other time; from and to are of that one.
  std::optional<std::int64_t> at;
  bool operator==(const Piece&) const = default;
};

// What a service does that its contract does not say. Bits.
enum Oddity : std::uint32_t {
  empty_page = 1,       // no records, and more are to come
  ignores_skip = 2,     // the same page whatever `skip` says
  ignores_filters = 4,  // records outside of the bounds
  ignores_sort = 8,     // a page that is not in order
  ignores_limit = 16,   // a page that is longer than asked for
  repeats = 32,         // a record twice in one page
  wrong_end = 64,       // the last page, and there was more
};

struct Walk {
  std::int64_t started = 0;   // server time (or newest record) when it was planned
  std::vector<Piece> pieces;  // the front is in work; none: it is done
  // Of the piece in work:
  std::string next_filters;  // what the service said to ask next; empty: by our own bounds
  std::int64_t skip = 0;
  bool is_unsorted = false;      // a page was not in order, or not within the bounds: times of this piece prove nothing
  std::uint32_t doubts = 0;      // answers in a row that contradicted themselves
  bool asks_behind = false;      // the page before was called the last one
  std::uint64_t first_id = 0;    // of the first page by the present bounds
  std::uint64_t last_page = 0;   // of the page before: its ids
  std::uint32_t fresh_here = 0;  // pages of this piece that brought something new
  std::int64_t singles_left = 0;
  std::uint32_t failed_singles = 0;  // in a row
  // Of the walk:
  std::uint32_t oddities = 0;
  std::uint32_t fruitful = 0;  // pages that brought something new
  std::uint32_t barren = 0;    // pages that did not
  bool operator==(const Walk&) const = default;
};

// What is the same for every piece of a walk.
struct WalkShape {
  std::string path;
  std::string sort_field;      // empty: the service's own order
  std::string time_field;      // the filter; empty: this list cannot be asked by time
  bool by_event_time = false;  // time_field is the event's time, not the time it was saved
  std::string other_time;      // the filter and order of the other of the two; empty: there is none
  std::string filters;         // the person's, a JSON object or empty
  std::int64_t scan_size = scan_size_min;
  std::int64_t page_size = page_size_max;
  std::int64_t scan_cap = 0;  // the most that the service was seen to give at once; 0: not known
  std::int64_t page_cap = 0;
  // How a list that is too long for `skip` and has no time can be cut; each level holds all values of one filter.
  std::vector<std::vector<std::string>> levels;
};

struct Question {
  std::string path;
  std::string body;
};
Question question(const Walk& walk, const WalkShape& shape);
// A question of one record that lies before the piece in work: does the service answer at all?
Question control_question(const Walk& walk, const WalkShape& shape);
// How many records the question asks for: fewer where it is put again.
std::int64_t limit_of(const Walk& walk, const WalkShape& shape);

struct PageFacts {
  std::int64_t records = 0;
  std::int64_t fresh = 0;  // of them, those that this walk has not seen
  std::int64_t below = 0;  // with a time before the bounds
  std::int64_t above = 0;  // and behind them
  // Of the times that the walk goes by, of records within the bounds.
  std::optional<std::int64_t> oldest;
  std::optional<std::int64_t> newest;
  bool is_sorted = true;      // of those, too
  bool is_all_sorted = true;  // also of those outside of the bounds
  bool has_next = false;
  bool has_repeats = false;
  std::optional<std::int64_t> total;
  std::string next_filters;
  std::uint64_t ids = 0;  // a hash of the page's ids, in order
  std::uint64_t first_id = 0;
};
// Whether the times to go by in the piece in work are the events' own.
bool goes_by_event_time(const Walk& walk, const WalkShape& shape);
// Before the bounds of the piece in work (−1), within (0) or behind them (1).
int place_of(const Walk& walk, const WalkShape& shape, std::int64_t time);

struct Advance {
  // What no question can reach, or not within the bounds of a walk.
  std::vector<Piece> unread;
  // Before the next question: the service gets time to think better of it.
  Duration pause{};
};
Advance advance(Walk& walk, const WalkShape& shape, const PageFacts& page);

// The piece in work made the service fail again and again while it answers other questions: narrow it down.
struct Narrowing {
  std::optional<Piece> passed_over;  // one record, or what could not be narrowed further
};
Narrowing narrow(Walk& walk, const WalkShape& shape);

// Drops the piece in work.
void leave_piece(Walk& walk);
void begin_piece(Walk& walk);

// The members of a JSON object without its braces.
std::string members_of(const std::string& object);
// Whether a person's filters name this filter.
bool has_filter(const std::string& filters, const std::string& name);

}  // namespace capstan::mdca
