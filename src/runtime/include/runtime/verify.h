// Proof, not hope: what the tenant shows, asked again through the same poll() as ever, against what was journaled and
// delivered, per source, feed and hour of saved time. Works on a journal that another thread or process goes on
// writing, with bounded memory: identities are 128-bit hashes, and the window is worked through in stretches of at most
// `entries_max` records.
//
//   tenant ── shown ──► journaled ──► before a route's cursor = delivered + dropped by rule + dead-lettered
//               │           │
//               └ missing ──┘   only where the time is settled: saved before the newest journaled record of the feed
//                               minus the overlap. What is younger may still be on its way and counts as `waiting`.
//                               (A journal with damaged frames is settled up to its newest record: the collector asks
//                               for that time again, but takes for known what the id index still remembers.)
//
// Words of the report:
//   missing   shown by the tenant, settled, and no record of that id in the journal. `--repair` appends these.
//   outdated  shown with other content than the newest journaled version (an alert changed and was not read again yet).
//   late      journaled for the first time although a record of the feed saved more than `late_after` later had been
//   journaled before it:
//             a collector that only ever goes forward would have lost it. Measured against the feed's newest record and
//             not against the clock, because a backfill journals everything days after it was saved.
//   doubled   journaled more than once as created.
//   unshown   journaled, but the tenant does not show it any more (its retention, a deleted item). Never an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "component/sink.h"
#include "component/source.h"
#include "store/journal.h"

namespace capstan::runtime {

struct VerifyOptions {
  std::vector<std::string> sources;  // empty: all
  std::vector<std::string> feeds;    // empty: all
  // Of saved time; default: two days before `until`, or the oldest record that was collected where that is later.
  std::optional<Timestamp> since;
  std::optional<Timestamp> until;  // default: now
  bool repair = false;             // append what is missing
  std::size_t named_max = 100;     // ids listed of each kind of finding; the counts are always whole
  std::size_t entries_max = 500'000;
  // Sources read the time behind their newest record again, because records become visible late; this is the longest
  // such overlap (MDCA: two minutes to two hours, by measured lateness).
  Duration overlap = std::chrono::hours(2);
  std::optional<Duration> late_after;  // default: the overlap
  // A feed that brings nothing for so long is given up and named; a tenant that cannot even be reached, sooner.
  Duration patience = std::chrono::minutes(5);
};

// A route as seen from one source.
struct VerifyRoute {
  std::string name;
  Sink::Proof proof = Sink::Proof::acknowledged_by_kernel;  // of what its sink delivers
  store::Cursor cursor;
  std::vector<std::string> feeds;                        // that it takes; empty: all
  std::function<bool(const store::Slice::Item&)> drops;  // by its rule; empty: nothing is dropped
  std::vector<store::Position> dead_letters;             // positions of its dead letters, in any order
};

struct VerifySource {
  std::string name;
  std::string tenant;
  Source* source = nullptr;  // an instance of its own: a source is called by one thread at a time
  const store::Journal* journal = nullptr;
  std::vector<VerifyRoute> routes;
  // Records saved earlier were never asked for (the journal's first ingest time minus `backfill`); nothing: not known.
  std::optional<Timestamp> begins;
  // Makes the batch durable at the end of the journal with the journal's own checkpoint (the engine's committer, or
  // append and sync of an opened journal). Not de-duplicated again: the id index may still know an id whose frame was
  // damaged, and verify has just looked into the journal itself. Empty: the source is not repaired.
  std::function<Result<>(const Batch&)> append;
};

// What verify needs of the outside.
struct VerifyWorld {
  const Clock* clock = nullptr;
  // Waits so long, or until stopped (then false).
  std::function<bool(Duration, const std::stop_token&)> wait;
  std::stop_token stop;
  // Told now and then what is being done, for a progress line; may be empty.
  std::function<void(const std::string&)> progress;
};

struct VerifyFigures {
  std::uint64_t shown = 0;      // distinct ids
  std::uint64_t journaled = 0;  // distinct ids
  std::uint64_t missing = 0;
  std::uint64_t waiting = 0;  // shown, not journaled, not settled yet
  std::uint64_t outdated = 0;
  std::uint64_t late = 0;
  std::uint64_t doubled = 0;  // records too many
  std::uint64_t updates = 0;  // records journaled as updates
  std::uint64_t unshown = 0;
  std::uint64_t quarantined = 0;
  VerifyFigures& operator+=(const VerifyFigures& other);
};

// Records, not ids: a route delivers every version. Conserved:
// records of the feeds it takes = delivered + dropped + dead_lettered + waiting.
struct VerifyRouteFigures {
  std::string route;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t waiting = 0;
  std::uint64_t resent = 0;  // totals only: since the route's first record, may be double at the destination
  // Totals only. not_provable: `delivered` says what was sent.
  Sink::Proof proof = Sink::Proof::acknowledged_by_kernel;
};

struct VerifyRow {
  std::string source;
  std::string feed;
  std::optional<Timestamp> hour;  // its begin; nothing: an inventory, which is compared whole
  bool is_open = false;           // a part of it is not settled
  VerifyFigures figures;
  std::vector<VerifyRouteFigures> routes;
};

// One feed of one source: how far it could be asked.
struct VerifyFeed {
  std::string source;
  std::string feed;
  bool can_be_asked = true;  // false: the service cannot be asked again, so nothing can be missing or proved
  bool was_asked = false;    // whole window; else `error` or `note` says why not
  std::string error;         // text with code
  std::string note;
  Timestamp since{};  // later than asked for where retention has removed the older segments
  Timestamp until{};
  std::optional<Timestamp> settled_until;  // nothing: an inventory, all of it counts
  Duration overlap{};                      // an inventory has none
  std::uint64_t polls = 0;
  std::uint64_t passed_over = 0;  // poisoned records that the service could not show
};

// Something to name.
struct VerifyNamed {
  enum class Kind : std::uint8_t { missing, outdated, doubled, quarantined, dead_lettered, poisoned };
  Kind kind = Kind::missing;
  std::string source;
  std::string feed;
  std::string id;
  Timestamp saved_time{};
  std::string detail;  // position, route, note
};
std::string_view to_string(VerifyNamed::Kind kind);

struct VerifyReport {
  Timestamp started{};
  Timestamp since{};
  Timestamp until{};
  VerifyFigures totals;
  std::vector<VerifyRouteFigures> routes;
  std::vector<VerifyFeed> feeds;
  std::vector<VerifyRow> rows;  // by source, feed, hour
  std::vector<VerifyNamed> named;
  std::uint64_t named_left_out = 0;
  std::uint64_t damaged_frames = 0;  // of the journals, in the range that was read
  std::uint64_t repaired = 0;        // records appended
  std::uint64_t not_repaired = 0;    // missing, but could not be appended

  // Nothing is missing (or all of it was repaired) and every feed that can be asked was: exit code 0.
  bool is_proved() const;
};

// Blocking; as long as the request budget makes it. An Error only for what makes the whole question senseless
// (wrong_usage: an unknown source or feed, since after until; interrupted); one feed's or source's trouble is in the
// report.
Result<VerifyReport> verify(const VerifyOptions& options, std::vector<VerifySource> sources, const VerifyWorld& world);

// runtime/verify_text.cpp
std::string to_text(const VerifyReport& report);  // aligned tables for a terminal, ends with a line end
std::string to_json(const VerifyReport& report);  // one object, one line; totals at the top level

}  // namespace capstan::runtime
