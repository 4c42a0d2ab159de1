// Receipts: for each range of a journal and each route, when it was acknowledged, by which destination, in which
// attempt, and what became of its records. Append-only files below `receipts/` of the journal's directory, one series a
// route; docs/formats/receipts.md is the specification. About twenty bytes a payload.
//
// They are written with the cursors, before them, without a sync of their own. After a killed process or a power cut
// the newest may be missing: a range before the cursor without a receipt was delivered at a time that is not known. A
// range that was delivered twice has two receipts, in the order of delivery.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/function_ref.h"
#include "base/time.h"
#include "component/sink.h"
#include "store/journal.h"

namespace capstan::store {

enum class Outcome : std::uint8_t {
  delivered = 0,
  dropped = 1,       // by the route's rule
  rejected = 2,      // dead-lettered
  not_selected = 3,  // of a feed that the route does not take
  lost = 4,          // removed before the route had it (journal.when_full: drop_oldest)
};
std::string_view to_string(Outcome outcome);

struct Receipt {
  Position from;  // [from, to) of the journal
  Position to;
  Timestamp first_attempt{};  // by the wall clock, as all times here
  Timestamp last_attempt{};
  Timestamp acknowledged{};
  std::string destination;  // the sink's address as text: "tcp://siem.example.com:6514"; empty: nothing was sent
  Sink::Proof proof = Sink::Proof::not_provable;  // what its acknowledgement says
  std::string rule;                               // digest of the route's rule and mapping; empty: it has none
  std::uint32_t attempts = 1;                     // the attempt that was acknowledged; 0: nothing was sent
  std::uint64_t delivered = 0;                    // records
  std::uint64_t dropped = 0;                      // records, by rule or because the route does not take their feed
  std::uint64_t rejected = 0;                     // records
  std::uint64_t resent = 0;                       // messages that may be double at the destination
  // What became of the records from `from` on, up to the next entry. In order, the first one at `from`; one entry where
  // all went the same way. Empty: not known.
  struct Run {
    Position from;
    Outcome outcome = Outcome::delivered;
    bool operator==(const Run&) const = default;
  };
  std::vector<Run> outcomes;
  bool operator==(const Receipt&) const = default;

  // Of the record at `position`, which lies in the range; nothing: not known.
  std::optional<Outcome> outcome(Position position) const;
};

// Writes the receipts of one journal. One thread (the journal's writer).
class ReceiptWriter {
public:
  ReceiptWriter(FileSystem& files, std::string journal_directory);
  ~ReceiptWriter();

  // Kept in memory until the next flush.
  void add(std::string_view route, Receipt receipt);
  // Appends what was added. After an error what was added is tried again with the next flush; at most pending_max of a
  // route are kept, the oldest go first (their ranges are then of unknown time).
  Result<> flush();
  // Removes files that only tell of offsets before `first`: the oldest segment that exists or has a seal. Routes that
  // are not configured any more age out in the same way.
  Result<> retain(std::uint64_t first);

  static constexpr std::size_t pending_max = 100'000;

private:
  struct Series;
  Result<> flush_series(const std::string& route, Series& series);
  Result<> take_up(const std::string& route, Series& series);
  Result<> begin_file(const std::string& route, Series& series);

  FileSystem& files_;
  const std::string directory_;
  std::map<std::string, std::unique_ptr<Series>, std::less<>> series_;
};

// Reads the receipts of one journal, also while another process writes them. Any thread; const calls from several at
// once. What is appended after a call began may be missing from its answer.
class Receipts {
public:
  static Result<std::unique_ptr<Receipts>> open(FileSystem& files, std::string journal_directory);

  // All routes that have receipts, also those that are not configured any more.
  const std::vector<std::string>& routes() const { return routes_; }
  // Receipts of the route that touch [from, to), in the order of acknowledgement. Damaged places are passed over.
  // Returns how many there were.
  Result<std::uint64_t> for_each(std::string_view route, Position from, Position to,
                                 FunctionRef<void(const Receipt&)> see) const;
  // All receipts of the record at `position`, first delivery first. Empty: unknown, or not acknowledged yet (compare
  // with the route's cursor).
  Result<std::vector<Receipt>> find(std::string_view route, Position position) const;

private:
  Receipts(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  FileSystem& files_;
  std::string directory_;
  std::vector<std::string> routes_;
};

}  // namespace capstan::store
