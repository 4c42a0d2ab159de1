#include "segment_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>

#include "base/digest.h"
#include "frame.h"

namespace capstan::store {

namespace {

constexpr std::size_t scan_chunk = 1U << 20;
// Damaged places that are remembered one by one; a segment with more of them is described by its first ones.
constexpr std::size_t damage_max = 256;

class Scan {
public:
  explicit Scan(std::uint64_t base) : base_(base), chain_start_(base) { result_.end = base; }

  Result<> take(const FrameReader::Step& step) {
    if (step.kind == FrameReader::Step::Kind::damage) {
      if (damage_.size() < damage_max) damage_.emplace_back(step.offset, step.next);
      begin_chain(step.next);
      return {};
    }
    switch (step.head.type) {
      case FrameType::header:
        return take_header(step);
      case FrameType::records:
        chain_crc_ = crc32c({reinterpret_cast<const char*>(&step.head.crc), sizeof step.head.crc}, chain_crc_);
        uncounted_.push_back({step.next, step.head.records});
        return {};
      case FrameType::commit:
        take_commit(step);
        return {};
    }
    return {};
  }

  SegmentScan finish(std::uint64_t durable_to) {
    adopt_waiting(durable_to);
    // Whose commit is damaged, but which were durable.
    for (const Uncounted& frame : uncounted_)
      if (frame.end <= std::max(durable_to, result_.end)) result_.records += frame.records;
    for (const auto& [from, to] : damage_)
      if (from < result_.end) result_.damage.emplace_back(from, std::min(to, result_.end));
    return std::move(result_);
  }

private:
  struct Commit {
    std::uint64_t end;
    Checkpoint checkpoint;
    std::uint64_t records;
    std::int64_t ingest_ms;
  };

  // A frame of records that no adopted commit has counted.
  struct Uncounted {
    std::uint64_t end;
    std::uint32_t records;
  };

  void begin_chain(std::uint64_t at) {
    chain_start_ = at;
    chain_crc_ = 0;
  }

  Result<> take_header(const FrameReader::Step& step) {
    HeaderHead head;
    if (step.offset != base_ || step.payload.size() < sizeof head) return {};
    std::memcpy(&head, step.payload.data(), sizeof head);
    if (head.version != format_version)
      return Error(ErrorCode::journal_format,
                   fmt::format("reading the segment at {}: expected format version {}, got {}", base_, format_version,
                               std::uint32_t{head.version}));
    result_.has_header = true;
    adopt({step.next, Checkpoint{std::string(step.payload.substr(sizeof head))}, head.records, step.head.ingest_ms});
    begin_chain(step.next);
    return {};
  }

  void take_commit(const FrameReader::Step& step) {
    CommitHead head;
    if (step.payload.size() < sizeof head) return;
    std::memcpy(&head, step.payload.data(), sizeof head);
    const bool is_whole = head.start == chain_start_ && head.frames_crc == chain_crc_;
    begin_chain(step.next);
    if (head.synced_to > result_.end && head.synced_to <= head.start) adopt_durable(head.synced_to);
    Commit commit{step.next, Checkpoint{std::string(step.payload.substr(sizeof head))}, head.records,
                  step.head.ingest_ms};
    if (is_whole && head.start == result_.end) {
      result_.has_transaction = true;
      adopt(std::move(commit));
    } else {
      waiting_.push_back(std::move(commit));
    }
  }

  // Everything before `mark` was durable: commits that wait behind damage did happen.
  void adopt_durable(std::uint64_t mark) {
    adopt_waiting(mark);
    result_.has_transaction = true;
    result_.end = mark;
  }

  void adopt_waiting(std::uint64_t mark) {
    while (!waiting_.empty() && waiting_.front().end <= mark) {
      result_.has_transaction = true;
      adopt(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }

  void adopt(Commit commit) {
    result_.end = commit.end;
    result_.checkpoint = std::move(commit.checkpoint);
    result_.records = commit.records;
    result_.ingest_ms = commit.ingest_ms;
    while (!uncounted_.empty() && uncounted_.front().end <= commit.end) uncounted_.pop_front();
  }

  std::uint64_t base_;
  std::uint64_t chain_start_;
  std::uint32_t chain_crc_ = 0;
  std::deque<Commit> waiting_;
  std::deque<Uncounted> uncounted_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> damage_;
  SegmentScan result_;
};

}  // namespace

Result<SegmentScan> scan_segment(const File& file, std::uint64_t base, std::uint64_t size, std::uint64_t durable_to) {
  FrameReader reader(file, base, base, base + size, scan_chunk, FrameReader::Buffers::reused);
  Scan scan(base);
  for (;;) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) return scan.finish(durable_to);
    TRY(scan.take(step));
  }
}

}  // namespace capstan::store
