// The journal of one source: an append-only log of records and of the source's checkpoints, in segment files of one
// directory. docs/formats/journal.md is the specification.
//
//  directory/  00000000000000000000.segment   name = logical offset of its first byte
//              00000000000067108864.segment
//              cursors                         where each route got to, and how far the journal was durable
//
// Records are numbered in the order in which they were appended, from 0 when the journal was made; segment headers and
// commit frames carry the count. So what lies behind a place, and what is missing at a damaged one, is known exactly.
//
// append() writes a transaction: data frames (≤ 1 MiB each unless one record is larger), then a commit frame with the
// checkpoint. A transaction without its commit frame never happened. sync() makes everything appended so far durable;
// only then can it be read. One writer thread (append, sync, enforce_retention, cursor, forget_cursor); any number of
// reader threads (read, the getters, acknowledge, flush_cursors).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "event/batch.h"
#include "event/checkpoint.h"

namespace capstan::store {

// Before the record `index` of the data frame that starts at the logical offset. Offsets only grow; they survive
// retention.
struct Position {
  std::uint64_t offset = 0;
  std::uint32_t index = 0;
  auto operator<=>(const Position&) const = default;
};
std::string to_string(const Position& position);  // "67108864.12"

struct JournalOptions {
  enum class WhenFull { block, drop_oldest };
  Bytes segment_size = 64_MiB;
  Bytes max_bytes = 10_GiB;                       // of all segments
  Duration max_age = std::chrono::hours(24 * 7);  // acknowledged segments older than this go
  Bytes reserve = 256_MiB;                        // free disk that is left alone (disk_full before it is touched)
  // What proof needs of removed segments (store/seal.h): how long, and how much disk.
  Duration proof_age = std::chrono::hours(24 * 35);
  Bytes proof_bytes = 1_GiB;
  WhenFull when_full = WhenFull::block;
};

// What a route has done so far. Counters are since the route's first record and are stored with the cursor.
//
// A cursor has one owner: the route's runner while it runs. The journal stores what the owner says and never changes
// it; how far retention got is read from JournalReport, and the owner counts what it lost.
//
//   began_at + delivered + dropped + rejected + lost_to_retention + lost_to_damage = counted()
//   number = counted(), except while records come again (replay, doubt after an unclean end): then number < counted()
struct Cursor {
  std::string route;
  Position position;         // everything before it is delivered, dropped by rule or dead-lettered
  std::uint64_t number = 0;  // records of the journal before `position`
  // Delivered from here on, but perhaps not stored by the destination should both ends die together (Sink::doubt).
  std::optional<Position> unsure_from;
  std::string receipt;             // of the sink (component/sink.h)
  std::uint64_t began_at = 0;      // records of the journal before the route's first
  std::uint64_t attempted_to = 0;  // records from this number on were never sent; durable before they are sent
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t resent = 0;  // messages that may be at the destination once more; durable before they are sent
  std::uint64_t lost_to_retention = 0;  // records that were removed before the route had them (drop_oldest)
  std::uint64_t lost_to_damage = 0;     // records that were destroyed before the route had them

  // Every record of the journal before this number is in exactly one of the counters.
  std::uint64_t counted() const {
    return began_at + delivered + dropped + rejected + lost_to_retention + lost_to_damage;
  }
};

// What lies between a place and the durable end. The place's number + the three counts = JournalReport::records.
struct Behind {
  std::uint64_t records = 0;            // that can be read, as far as is known
  std::uint64_t bytes = 0;              // of the journal; 0 exactly when there are no records
  std::uint64_t lost_to_retention = 0;  // records that retention has removed
  std::uint64_t lost_to_damage = 0;     // records in places that are known to be damaged
};

// Records read from the journal, in order. Owns its bytes; views die with it.
class Slice {
public:
  struct Item {
    RecordView record;
    Position position;  // before this record
    Position next;      // behind it
    Timestamp ingest_time;
    std::uint64_t number = 0;  // records of the journal before it; a gap between two items is what damage took
  };
  std::vector<Item> items;
  Position end;                      // where to read on, also when there are no items
  std::uint64_t end_number = 0;      // records of the journal before `end`
  std::uint64_t damaged_frames = 0;  // passed over in this range
  std::vector<std::unique_ptr<char[]>> buffers;
};

// A place of the journal that was found damaged. What it held may be asked for again: records that were saved between
// the neighbours' times (nothing: there is no such neighbour in the segment).
struct Damage {
  Position from;
  Position to;
  std::uint64_t number = 0;  // of the first record that is missing
  // How many are missing. Nothing: two places of one transaction are damaged; the later one says how many in both.
  std::optional<std::uint64_t> records;
  std::optional<Timestamp> ingested_after;
  std::optional<Timestamp> ingested_before;
  std::optional<Timestamp> saved_after;
  std::optional<Timestamp> saved_before;
};

struct JournalReport {
  Position first;                  // oldest that can be read
  Position durable;                // behind the newest that can be read
  std::uint64_t bytes = 0;         // on disk
  std::uint64_t records = 0;       // appended since the journal was made
  std::uint64_t first_number = 0;  // records before `first`
  std::uint64_t removed_to = 0;    // records that retention has removed: those before this number
  std::uint64_t segments = 0;
  std::uint64_t damaged_frames = 0;   // met since it was opened
  std::uint64_t truncated_bytes = 0;  // torn tail cut when it was opened
  std::vector<Damage> damage;         // the first 256 places, by position

  // No damage is known: every record that was durable and that retention has not removed can be read, as far as
  // somebody has read. Opening finds a newest segment that is gone, or that ends before what was known to be durable,
  // and a first segment that is gone; everything else is found by reading.
  bool is_whole() const { return damaged_frames == 0; }
};

struct Receipt;  // store/receipts.h

class Journal {
public:
  // Opens or makes the journal; cuts a torn tail. Time does not depend on the backlog: it reads the segment list and
  // the last segment.
  static Result<std::unique_ptr<Journal>> open(FileSystem& files, const Clock& clock, std::string directory,
                                               JournalOptions options);
  // Reads a journal that another process may be writing: nothing is repaired or written, what is committed on disk is
  // what is read.
  static Result<std::unique_ptr<Journal>> open_read_only(FileSystem& files, const Clock& clock, std::string directory);
  virtual ~Journal() = default;

  // Not durable yet. An empty batch with a new checkpoint is fine. journal_full (block policy), disk_full: nothing was
  // appended.
  virtual Result<> append(const Batch& batch, const Checkpoint& next) = 0;
  // fdatasync; then what was appended can be read and survives. After a failure (disk_failed) the journal refuses
  // everything.
  virtual Result<> sync() = 0;
  virtual bool has_unsynced() const = 0;
  // The newest durable checkpoint.
  virtual Checkpoint checkpoint() const = 0;
  // Up to about bytes_max of stored records from `from` on (at least one record where there is one). position_gone when
  // `from` was removed by retention: read on from first().
  virtual Result<Slice> read(Position from, Bytes bytes_max) const = 0;
  virtual JournalReport report() const = 0;
  // How many records were appended before this place. Exact, also inside a frame, behind damage and at places that
  // retention has left behind it; cheap: reads at most 1 MiB of the journal, nothing where somebody has just read.
  virtual std::uint64_t number_of(Position at) const = 0;
  // What lies behind the place before record `number`: the one formula of every backlog.
  virtual Behind behind(Position from, std::uint64_t number) const = 0;
  Behind behind(Position from) const { return behind(from, number_of(from)); }
  Behind behind(const Cursor& cursor) const { return behind(cursor.position, cursor.number); }

  // Cursors, as their owners acknowledged them.
  virtual std::vector<Cursor> cursors() const = 0;
  virtual Result<Cursor> cursor(std::string_view route) = 0;  // makes it at the oldest position when it is new
  // Any thread, the cursor's owner only. Kept in memory at once; written by flush_cursors (a lost write means
  // repeating, never losing).
  virtual Result<> acknowledge(const Cursor& cursor) = 0;
  // Any thread. Durable when it returns: the cursors, and how far the journal is durable.
  virtual Result<> flush_cursors() = 0;
  // Any thread, before the acknowledgement that it belongs to: what became of a delivery of the route. Written by the
  // next flush_cursors, before the cursors.
  virtual void add_receipt(std::string_view, const Receipt&) {}
  // Cursor::attempted_to of the route as it was written last.
  virtual std::uint64_t attempts_written(std::string_view route) const = 0;
  virtual Result<> forget_cursor(std::string_view route) = 0;
  // The position of the first transaction that was ingested at or after `time` (its commit frame says when).
  virtual Result<Position> position_at(Timestamp time) const = 0;

  // Removes whole segments: those that every cursor is behind and that are older than max_age; when full and
  // drop_oldest, the oldest ones regardless (JournalReport::removed_to tells the routes what they lost). Call it once a
  // minute.
  virtual Result<> enforce_retention() = 0;

  // One bounded step of making seals of segments that are closed (store/seal.h). True: there is more to do. Any thread,
  // also while the writer works. A segment that retention removes is sealed before, here or there.
  virtual Result<bool> seal_next() const { return false; }
};

}  // namespace capstan::store
