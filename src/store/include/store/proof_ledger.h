// The proof ledger of one source: what became of every window of saved time when it was last compared with the tenant.
// One small text file (data_dir/sources/NAME/proof), replaced as a whole, so that a crash leaves the old or the new.
// docs/formats/proof.md is the specification of the file.
//
//   feed activities   since ├─────proved────┼─proved─┼─missing─┼─ … ─┤ not compared yet     saved time, the service's
//   clock
//                                                    ▲
//                                                    proved_until: the end of the proved windows without a hole
//
// Derived, like the id index: a ledger that is lost or damaged is filled again by comparing again. One writer
// (runtime/prover.h); readers read the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/time.h"
#include "store/journal.h"

namespace capstan::store {

// How a comparison of one window ends, with exactly one of these (docs/guide/is-anything-missing.md).
enum class Proof : std::uint8_t {
  proved,          // everything that the tenant shows is journaled
  missing,         // the tenant shows records that are not journaled, and they could not be collected
  waiting,         // everything is journaled, but a route has not delivered all of it yet; or shown only just now
  not_comparable,  // `why` says why nothing can be said
};
std::string_view to_string(Proof proof);  // "proved", "missing", "waiting", "not comparable"
std::optional<Proof> read_proof(std::string_view text);

// One window of one feed. Times of windows are saved times by the service's clock.
struct ProofWindow {
  Timestamp from{};  // inclusive; of an inventory, which is compared whole, both ends are the epoch
  Timestamp to{};    // exclusive
  // Of the newest comparison. The ledger never holds `waiting`: routes move on by themselves, so their part is worked
  // out when somebody asks (`behind` below).
  Proof outcome = Proof::not_comparable;
  std::uint64_t shown = 0;         // distinct ids that the tenant showed
  std::uint64_t journaled = 0;     // distinct ids in the journal, with what was repaired
  std::uint64_t missing = 0;       // shown, not journaled, not repaired yet
  std::uint64_t repaired = 0;      // by all comparisons so far: they would have been lost without
  Timestamp checked_at{};          // the newest comparison that got an answer, by the service's clock
  std::uint32_t ages_passed = 0;   // how many of the growing ages it has been compared at
  std::uint32_t found_at_age = 0;  // the oldest of them at which something was found missing; 0: none
  // Behind the last record of the window in the journal: a route whose cursor has passed it has all of them. Zero: the
  // window has no records.
  Position behind;
  std::string why;  // of `missing` and `not_comparable`, one sentence; empty: nothing to say
  bool operator==(const ProofWindow&) const = default;
};

struct ProofFeed {
  std::string feed;
  bool is_inventory = false;
  Timestamp since{};                 // saved before it: never to be collected, or too old to be asked again
  std::vector<ProofWindow> windows;  // by `from`, none overlaps another
  // Everything that the tenant shows and that was saved before it is journaled; nothing: not even the first window is
  // proved. Of an inventory: when it was compared last and was whole.
  std::optional<Timestamp> proved_until() const;
  // The same for a route that has everything before `cursor`.
  std::optional<Timestamp> delivered_until(const Position& cursor) const;
  bool operator==(const ProofFeed&) const = default;
};

// A damaged place of the journal. What it held is asked for again, once: then it is healed, as far as the tenant still
// shows it.
struct DamagedPlace {
  Position from;
  Position to;
  std::optional<std::uint64_t> records;  // that it held; nothing: not known
  std::uint64_t repaired = 0;            // of them, collected again
  std::optional<Timestamp> healed_at;    // when it had been asked for, by the service's clock; nothing: not yet
  bool operator==(const DamagedPlace&) const = default;
};

struct ProofLedger {
  std::vector<ProofFeed> feeds;
  std::vector<DamagedPlace> damage;  // by position
  ProofFeed* find(std::string_view feed);
  const ProofFeed* find(std::string_view feed) const;
  bool operator==(const ProofLedger&) const = default;
};

std::string write_proof_ledger(const ProofLedger& ledger);
// Nothing when the text is damaged in any way.
std::optional<ProofLedger> parse_proof_ledger(std::string_view text);

// The ledger of a file; an empty one when there is none yet. journal_corrupt when it is damaged.
Result<ProofLedger> read_proof_ledger(FileSystem& files, const std::string& path);
// Durable when it returns.
Result<> store_proof_ledger(FileSystem& files, const std::string& path, const ProofLedger& ledger);

}  // namespace capstan::store
