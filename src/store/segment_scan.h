// Recovery: what the newest segment of a journal holds, and where its torn tail begins.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "event/checkpoint.h"

namespace capstan::store {

struct SegmentScan {
  bool has_header = false;
  bool has_transaction = false;
  std::uint64_t end = 0;  // logical, behind the last whole transaction (or the header, or what commits say is durable)
  Checkpoint checkpoint;
  // Appended up to there since the journal was made; behind the last commit that says it, what can be read is counted.
  std::uint64_t records = 0;
  std::int64_t ingest_ms = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> damage;  // below `end`, passed over
};

// Reads the segment that starts at `base` and is `size` bytes long. Fails with journal_format when it was written by a
// newer version.
//
// A damaged place below what a later commit frame knows to be durable was damaged afterwards and is passed over. A
// damaged place above it was never promised to anybody: there the segment is cut, even if whole transactions follow,
// because their checkpoints stand behind records that are not there.
// `durable_to`: everything before this offset was durable, whatever the commit frames say; it may lie beyond the
// segment.
Result<SegmentScan> scan_segment(const File& file, std::uint64_t base, std::uint64_t size, std::uint64_t durable_to);

}  // namespace capstan::store
