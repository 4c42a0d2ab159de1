// Seals: what a closed segment leaves behind. A segment that is not the newest never changes again, so it is read once
// more, hashed, and described in `00000000000067108864.seal` beside it. A seal survives the segment (retention) and
// the damage of the segment: it still says which records there were, and proves what a frame held.
// docs/formats/seal.md is the specification of the file.
//
//   segment ──one pass──► per record: 24 bytes     identity, content hash, saved time, feed, kind, quarantined
//                         per data frame: SHA-256  ──► Merkle root ──► chain over all segments (store/merkle.h)
//
// Three classes, three uses:
//   Sealer       makes seals, in steps. One object per journal, inside the journal; any thread, its calls take turns.
//   Seals        reads them: a snapshot of a directory. Any process, any thread; const calls from several at once.
//   scan_frames  the same facts read from a segment itself: for the newest segment and for checking a seal.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/function_ref.h"
#include "base/sha256.h"
#include "base/time.h"
#include "event/record.h"
#include "store/journal.h"

namespace capstan::store {

// The identity that a seal keeps: the low 64 bits of identity(feed, id). Two different ids of ten million share one
// with probability 1 : 370,000.
std::uint64_t sealed_identity(std::string_view feed, std::string_view id);

// What is left of one record.
struct SealedRecord {
  std::uint64_t identity = 0;      // sealed_identity(feed, id)
  std::uint64_t content_hash = 0;  // as RecordView::content_hash
  Timestamp saved_time{};          // between 1970 and the year 10889; a time outside is moved to the nearer end
  std::string_view feed;           // lives as long as the Seals it came from
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;
  Position position;
  Timestamp ingest_time{};  // of its frame
};

// One whole data frame.
struct SealedFrame {
  std::uint64_t offset = 0;  // logical, of the frame's first byte
  std::uint64_t end = 0;     // logical, behind its last byte
  std::uint32_t records = 0;
  Timestamp ingest_time{};
  Sha256 hash{};  // of all its bytes on disk, header and payload: `sha256sum` of the same bytes gives the same
};

// A range of offsets [from, to).
struct OffsetSpan {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool operator==(const OffsetSpan&) const = default;
};

// One feed in one segment.
struct SealedFeed {
  std::string name;
  std::uint64_t records = 0;
  Timestamp oldest_saved{};
  Timestamp newest_saved{};
};

// What can be said of a segment without reading its records.
struct SealHead {
  std::uint64_t base = 0;
  std::uint64_t end = 0;  // the next segment's base
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  std::optional<Timestamp> first_ingest;  // nothing: it has no records
  std::optional<Timestamp> last_ingest;
  std::vector<SealedFeed> feeds;  // in the order of their first records
  // Places that were damaged already when the segment was sealed: what they held is not known from here.
  std::vector<OffsetSpan> gaps;
  Sha256 root{};      // over the hashes of its data frames, in order
  Sha256 previous{};  // chain of the segment before; zeros: there was none, or its seal was lost
  Sha256 chain{};
};

// What could not be read, and so was not seen.
struct SealsNotRead {
  std::vector<OffsetSpan> spans;  // of the journal, by offset
  bool is_complete() const { return spans.empty(); }
};

// A snapshot of the seals of one journal's directory. A seal whose head is damaged counts as not there.
class Seals {
public:
  // Reads the heads (a few hundred bytes each). Seals made afterwards are not seen: open again.
  static Result<std::unique_ptr<Seals>> open(FileSystem& files, std::string directory);

  const std::vector<SealHead>& heads() const { return heads_; }  // by base
  const SealHead* find(std::uint64_t offset) const;              // the seal whose segment holds this offset

  // The parts of [from, to) that no seal describes: segments without a seal (the newest always), and gaps.
  std::vector<OffsetSpan> not_covered(std::uint64_t from, std::uint64_t to) const;

  // Shows every record of the feed that was saved in [from, to), in journal order: each version of an id is one record.
  // Segments whose head says that they do not touch the window are not read. What could not be read is in the answer
  // (a seal damaged on disk, or removed by retention meanwhile), together with the gaps of the segments that do touch
  // it or may have: only a complete answer proves that something is not there.
  Result<SealsNotRead> for_each(std::string_view feed, Timestamp from, Timestamp to,
                                FunctionRef<void(const SealedRecord&)> see) const;
  // Shows all records between two positions (all feeds), in journal order.
  Result<SealsNotRead> for_each(Position from, Position to, FunctionRef<void(const SealedRecord&)> see) const;

  // The frames of the segment that begins at `base`. not_found when it has no seal; journal_corrupt when the seal is
  // damaged.
  Result<std::vector<SealedFrame>> frames(std::uint64_t base) const;
  // The records of those frames that lie in [from, to) at least with a part: which records a damaged place held.
  // Errors as frames().
  Result<std::vector<SealedRecord>> records_in(std::uint64_t base, std::uint64_t from, std::uint64_t to) const;

private:
  Seals(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
  template <class Wants>
  Result<SealsNotRead> walk(const SealHead& head, Wants wants, FunctionRef<void(const SealedRecord&)> see) const;

  FileSystem& files_;
  std::string directory_;
  std::vector<SealHead> heads_;
};

struct SealOptions {
  // A seal whose segment is gone is removed when its newest record is older than this, …
  Duration keep = std::chrono::hours(24 * 35);
  // … or, oldest first, when all seals together take more than this.
  Bytes bytes_max = 1_GiB;
};

// Makes the seals of one journal's directory. Calls take turns, so the journal's writer (on the spot, before retention
// removes a segment) and a background thread may share one.
class Sealer {
public:
  Sealer(FileSystem& files, std::string directory, SealOptions options);
  ~Sealer();

  // One bounded step: reads at most about 4 MiB of the oldest segment without a seal. `bases`: of all segments, in
  // order, the newest last; that one is never sealed. True: there is more to do. A seal appears whole (written beside,
  // synced, renamed, directory synced) or not at all. Its chain goes on from the seal before it, so seals are made in
  // order. One that does not fit its segment any more (the head says another end) is made anew.
  Result<bool> step(const std::vector<std::uint64_t>& bases);
  // Seals up to and with the segment `base`, now.
  Result<> seal_up_to(std::uint64_t base, const std::vector<std::uint64_t>& bases);
  // The segment `base` is the newest and grows (a crash took its successor back): its seal goes, and any behind it.
  Result<> forget_from(std::uint64_t base);
  // Removes seals by age and size; never one whose segment is in `bases`. Gives the first offset that a seal or a
  // segment still tells of.
  Result<std::uint64_t> retain(Timestamp now, const std::vector<std::uint64_t>& bases);

private:
  struct Work;
  Result<bool> step_locked(const std::vector<std::uint64_t>& bases);

  FileSystem& files_;
  const std::string directory_;
  const SealOptions options_;
  std::mutex mutex_;
  std::unique_ptr<Work> work_;
};

// The bases of the segments that there are, in order.
Result<std::vector<std::uint64_t>> list_segments(const FileSystem& files, const std::string& directory);

// The same facts of a segment, read from the segment itself up to the offset `limit`: what `report` says of the newest
// segment, and what a seal is checked against. Blocking, bounded memory.
struct FrameScan {
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  Sha256 root{};
  std::vector<OffsetSpan> gaps;
};
// A record frame begins with a head of so many bytes; its records follow (docs/formats/journal.md).
constexpr std::size_t frame_head_size = 40;
// The bytes of one frame of the segment `base`, with raw_padding readable bytes behind them. not_found when the segment
// is gone; journal_corrupt when they do not have the frame's hash.
struct FrameBytes {
  std::string padded;
  std::size_t size = 0;
  std::string_view whole() const { return std::string_view(padded).substr(0, size); }
  std::string_view records() const { return whole().substr(frame_head_size); }
};
Result<FrameBytes> read_frame(FileSystem& files, const std::string& directory, std::uint64_t base,
                              const SealedFrame& frame);

Result<FrameScan> scan_frames(FileSystem& files, const std::string& directory, std::uint64_t base, std::uint64_t limit,
                              FunctionRef<void(const SealedFrame&)> see);

}  // namespace capstan::store
