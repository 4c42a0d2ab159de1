// Proof, not hope: what the tenant shows, asked again in another way than the collector asks, against what was
// journaled and delivered, per source, feed and hour of saved time. Works on a journal that another thread or process
// goes on writing. Sources of different tenants are compared at the same time, on at most `threads` threads. Memory is
// bounded: identities are 128-bit hashes, and a source's window is worked through in stretches of at most `entries_max`
// records, shared by the sources that are compared at the same time.
//
//   tenant ── shown ──► journaled ──► before a route's cursor = delivered + dropped by rule + dead-lettered
//               │           │
//               └ missing ──┘
//
// Every window (source x feed x hour of saved time; an inventory is one window) ends as exactly one of four
// (store::Proof). What is worse hides what is better:
//
//   missing         shown, not journaled, and saved longer than `late_after` before the service's own time of the
//                   answer. Neither the local clock nor the newest collected record decides. `--repair` collects these
//                   and nothing else.
//   not comparable  nothing can be said, and `why` says why: retention removed records and no seal knows them, no
//                   answer, a source that waits for a person, a window that lies in the future or before collecting
//                   began, records that damage took and that the tenant does not show any more.
//   waiting         everything is journaled, but a route that wants it has not delivered all of it. Or: shown within
//                   the last `late_after` and not journaled yet; changed at the tenant and not read again yet; just
//                   repaired. Never repaired.
//   proved          everything shown is journaled and delivered.
//
// Other words of the report:
//   outdated  shown with other content than the newest journaled version (an alert changed and was not read again yet).
//   late      journaled for the first time although a record of the feed saved more than two hours later had been
//             journaled before it: a collector that only ever goes forward would have lost it. Measured against the
//             feed's newest record and not against the clock, because a backfill journals everything days after it was
//             saved.
//   doubled   journaled more than once as created.
//   unshown   journaled, but the tenant does not show it any more (its retention, a deleted item). Never an error.
//   removed   journaled, delivered, and removed by retention; a seal (store/seal.h) still knows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "component/sink.h"
#include "component/source.h"
#include "store/journal.h"
#include "store/proof_ledger.h"
#include "store/receipts.h"
#include "store/seal.h"

namespace capstan::runtime {

using store::Proof;

// A moment as it was asked for: a time, or how long ago by the service's clock.
using VerifyMoment = std::variant<Timestamp, Duration>;

struct VerifyOptions {
  std::vector<std::string> tenants;  // empty: all
  std::vector<std::string> sources;  // empty: all
  std::vector<std::string> feeds;    // empty: all
  // Of saved time; default: two days before `until`, or when collecting began where that is later. Earlier where the
  // journal is damaged, so that all that may be lost is asked for.
  std::optional<VerifyMoment> since;
  std::optional<VerifyMoment> until;  // default: now, by the service's clock
  bool repair = false;                // append what is missing
  std::size_t named_max = 100;        // ids listed of each kind of finding; the counts are always whole
  std::size_t entries_max = 500'000;
  // Younger than this, by the service's clock, a record that is shown and not journaled is still on its way; and one
  // that is journaled is still being delivered.
  Duration late_after = std::chrono::minutes(15);
  // A feed that brings nothing for so long is given up and named; a tenant that cannot be reached, sooner.
  Duration patience = std::chrono::minutes(5);
  unsigned threads = 8;
};

// A route as seen from one source.
struct VerifyRoute {
  std::string name;
  Sink::Proof proof = Sink::Proof::acknowledged_by_kernel;  // of what its sink delivers
  store::Cursor cursor;
  std::vector<std::string> feeds;                        // that it takes; empty: all
  std::function<bool(const store::Slice::Item&)> drops;  // by its rule; empty: nothing is dropped
  std::vector<store::Position> dead_letters;             // positions of its dead letters, in any order
  // What became of a record that retention has removed (a receipt, store/receipts.h). Empty, or nothing: not known,
  // then what lies before the cursor counts as delivered.
  std::function<std::optional<store::Outcome>(store::Position)> became;
};

// What an attempt to repair did.
struct VerifyAppended {
  std::uint64_t appended = 0;
  std::uint64_t known = 0;  // somebody else had journaled them meanwhile
};

struct VerifySource {
  std::string name;
  std::string tenant;
  Source* source = nullptr;  // an instance of its own: a source is called by one thread at a time
  const store::Journal* journal = nullptr;
  std::vector<VerifyRoute> routes;
  // When collecting began, by feed: records saved earlier were never to be collected; a feed that is not here: unknown.
  std::map<std::string, Timestamp> begins;
  // What time it is at the service, as far as somebody knows; it is asked again.
  std::optional<Timestamp> service_time;
  // Feeds that wait for a person, with the error's text.
  std::map<std::string, std::string> held;
  // Shows what retention has removed from the journal, of a feed and window. False: not all of it is known. Empty:
  // nothing is known. `clock_is_ahead`: how far this machine's clock is ahead of the service's.
  std::function<Result<bool>(std::string_view feed, Timestamp from, Timestamp to, Duration clock_is_ahead,
                             const std::function<void(const store::SealedRecord&)>& see)>
      removed;
  // Shows what the damaged places of the journal (JournalReport::damage) held, as far as that is known.
  std::function<Result<>(const std::function<void(const store::SealedRecord&)>& see)> damaged;
  // Called with what is about to be appended as missing: a route may have had it already (it was damaged since).
  std::function<void(const Batch&)> before_append;
  // Makes the records durable at the end of the journal with the journal's own checkpoint, except those that were
  // journaled at or behind `compared_to`. The id index does not decide: it still knows ids whose frame was damaged.
  // Empty: the source is not repaired.
  std::function<Result<VerifyAppended>(const Batch&, store::Position compared_to)> append;
};

// What verify needs of the outside. Called by several threads at once.
struct VerifyWorld {
  const Clock* clock = nullptr;
  // Waits so long, or until stopped (then false).
  std::function<bool(Duration, const std::stop_token&)> wait;
  std::stop_token stop;
  // Told now and then what is being done, for a progress line; may be empty. Calls take turns.
  std::function<void(const std::string&)> progress;
};

struct VerifyFigures {
  std::uint64_t shown = 0;      // distinct ids
  std::uint64_t journaled = 0;  // distinct ids, with those that retention removed
  std::uint64_t removed = 0;    // of the journaled: removed by retention, known by a seal
  std::uint64_t missing = 0;
  std::uint64_t repaired = 0;  // of the missing
  std::uint64_t young = 0;     // shown within the last `late_after` and not journaled yet
  std::uint64_t outdated = 0;
  std::uint64_t late = 0;
  std::uint64_t doubled = 0;  // records too many
  std::uint64_t updates = 0;  // records journaled as updates
  std::uint64_t unshown = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t early = 0;  // shown, but saved before collecting began
  std::uint64_t lost = 0;   // held by damaged places, not journaled elsewhere and not shown any more
  VerifyFigures& operator+=(const VerifyFigures& other);
  bool operator==(const VerifyFigures&) const = default;
};

// Records, not ids: a route delivers every version. Conserved:
// records of the feeds it takes = delivered + dropped + dead_lettered + lost_to_retention + waiting.
struct VerifyRouteFigures {
  std::string route;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t lost_to_retention = 0;  // removed before the route had them
  std::uint64_t waiting = 0;
  std::optional<Timestamp> waiting_since;  // when the oldest of them was journaled, by this machine's clock
  std::optional<Timestamp> waiting_saved;  // when the oldest of them that is no update was saved, by the service's
  std::uint64_t resent = 0;  // totals only: since the route's first record, may be double at the destination
  // Totals only. not_provable: `delivered` says what was sent.
  Sink::Proof proof = Sink::Proof::acknowledged_by_kernel;
};

struct VerifyRow {
  std::string source;
  std::string tenant;
  std::string feed;
  std::optional<Timestamp> hour;  // its begin; nothing: an inventory, which is compared whole
  Proof outcome = Proof::not_comparable;
  bool is_young = false;  // waiting, and all that waits is younger than late_after
  std::string why;        // one sentence where it is not proved
  VerifyFigures figures;
  std::vector<VerifyRouteFigures> routes;
};

// One feed of one source: how far it could be asked.
struct VerifyFeed {
  std::string source;
  std::string tenant;
  std::string feed;
  bool was_asked = false;  // all of it; else `error` or `note` says why not
  std::string error;       // text with code
  std::string note;
  Timestamp since{};
  Timestamp until{};
  std::optional<Timestamp> service_time;  // of its last answer
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
  Timestamp started{};  // by this machine's clock
  Timestamp since{};    // the earliest and latest of all feeds, by the services' clocks
  Timestamp until{};
  Duration late_after{};
  VerifyFigures totals;
  std::vector<VerifyRouteFigures> routes;
  std::vector<VerifyFeed> feeds;
  std::vector<VerifyRow> rows;  // by source, feed, hour; every window that was asked for
  std::vector<VerifyNamed> named;
  std::uint64_t named_left_out = 0;
  std::uint64_t damaged_frames = 0;  // of the journals, in the range that was read
  std::uint64_t repaired = 0;        // records appended
  std::uint64_t not_repaired = 0;    // missing, but could not be appended

  std::uint64_t windows(Proof outcome) const;
  // Every window that was asked for is proved, or waits for what is younger than late_after; and there was one.
  bool is_proved() const;
};

// Blocking; as long as the request budget makes it. An Error only for what makes the whole question senseless
// (wrong_usage: an unknown tenant, source or feed, since after until; interrupted); one feed's or source's trouble is
// in the report.
Result<VerifyReport> verify(const VerifyOptions& options, std::vector<VerifySource> sources, const VerifyWorld& world);

// How a report is written.
struct VerifyStyle {
  bool only_summary = false;  // no hours and no ids
  bool only_bad = false;      // only windows that are not proved
};
// runtime/verify_text.cpp: the verdict in one sentence, then aligned tables for a terminal; ends with a line end.
std::string to_text(const VerifyReport& report, const VerifyStyle& style = {});
// runtime/verify_json.cpp: one object, one line, with a member for each of the four outcomes.
std::string to_json(const VerifyReport& report, const VerifyStyle& style = {});
// The verdict in one sentence, without a full stop.
std::string verdict(const VerifyReport& report);

}  // namespace capstan::runtime
