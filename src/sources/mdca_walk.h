// Reading a window of a list to its end, whatever the service does on the way. Pure: it says what to ask and takes what
// came; who sends, waits and stores is mdca.cpp's business. The whole of a Walk is in the checkpoint, so a crash in the
// middle goes on in the middle.
//
// A walk is a row of pieces, read in order. Each is read in one of three ways:
//
//   scan     isScan, 500 to 5,000 a page, following nextQueryFilters (activities only)
//   pages    about 100 a page; by time where the page proves to be sorted (the next page begins at the newest time
//   seen,
//            inclusive), by `skip` inside one millisecond and where nothing else is left
//   singles  one record a page: the last step of narrowing down on a record that makes the service fail
//
//   scan ──no progress──► the one millisecond by pages ──► scan goes on behind it
//   a millisecond beyond the reach of skip ──► told apart by the other time ──► from both ends
//   any  ──fails three times──► halves ──► … ──► one millisecond by pages ──► singles ──► that record is passed over
//
// A bound never moves past what was not read: it moves to the newest time *seen* and includes it again, because the
// second record of a millisecond is as good as the first. Repeats are removed behind the source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace capstan::mdca {

// The service shows no further by `skip` (observed client rule; what it does beyond is not documented).
constexpr std::int64_t skip_reach = 5000;
constexpr std::int64_t page_size_max = 100;  // documented maximum outside of scan mode
constexpr std::int64_t scan_size_min = 500;
constexpr std::int64_t scan_size_max = 5000;

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
  // Set: only this millisecond is read, and its records are told apart by the other time; from and to are of that one.
  std::optional<std::int64_t> at;
  bool operator==(const Piece&) const = default;
};

struct Walk {
  std::int64_t started = 0;   // server time (or newest record) when it was planned
  std::vector<Piece> pieces;  // the front is in work; none: it is done
  // Of the piece in work:
  std::string next_filters;  // what the service said to ask next; empty: by our own bounds
  std::int64_t skip = 0;
  bool is_unsorted = false;      // a page was not in order: times of this piece prove nothing
  bool has_asked_again = false;  // hasNext was false or empty against the rest of the answer, and was asked once more
  std::uint64_t last_page = 0;   // of its ids
  std::int64_t singles_left = 0;
  std::uint32_t failed_singles = 0;  // in a row
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

struct PageFacts {
  std::int64_t records = 0;
  std::optional<std::int64_t> oldest;  // of the times that the walk goes by
  std::optional<std::int64_t> newest;
  bool is_sorted = true;
  bool has_next = false;
  std::optional<std::int64_t> total;
  std::string next_filters;
  std::uint64_t ids = 0;  // a hash of the page's ids, in order
};
// Whether the times to go by in the piece in work are the events' own.
bool goes_by_event_time(const Walk& walk, const WalkShape& shape);

// What no question can reach: a piece that holds more than two times skip_reach in one millisecond.
struct Advance {
  std::optional<Piece> beyond_reach;
};
Advance advance(Walk& walk, const WalkShape& shape, const PageFacts& page);

// The piece in work made the service fail again and again while it answers other questions: narrow it down.
struct Narrowing {
  std::optional<Piece> passed_over;  // one record, or what could not be narrowed further
};
Narrowing narrow(Walk& walk, const WalkShape& shape);

// Drops the piece in work.
void leave_piece(Walk& walk);

// The members of a JSON object without its braces.
std::string members_of(const std::string& object);
// Whether a person's filters name this filter.
bool has_filter(const std::string& filters, const std::string& name);

}  // namespace capstan::mdca
