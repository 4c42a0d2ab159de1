#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {

constexpr std::uint64_t chunk_min = 64U << 10;
constexpr std::uint64_t chunk_max = 4U << 20;
constexpr std::size_t look_chunk = 64U << 10;  // for looking at one frame or two
constexpr std::size_t scan_chunk = 1U << 20;   // for walking a segment
constexpr std::size_t open_files_max = 4;      // of the readers together; opening one again costs microseconds
constexpr std::size_t damage_max = 256;        // places that are described; the count goes on

// Collects records until there are enough.
class SliceBuilder {
public:
  SliceBuilder(Position from, std::uint64_t bytes_max) : at_(from), bytes_max_(std::max<std::uint64_t>(1, bytes_max)) {}

  bool is_full() const { return bytes_ >= bytes_max_; }
  Position at() const { return at_; }

  // What is no data frame is passed over, and the position behind the record before it moves along.
  void pass(const FrameReader::Step& step) { move_to(step.offset, {step.next, 0}); }
  void pass_damage(const FrameReader::Step& step) {
    ++slice_.damaged_frames;
    pass(step);
  }

  // False when the frame's content is not what its head says; the rest of it is passed over.
  bool take(const FrameReader::Step& step) {
    std::size_t offset = 0;
    const std::uint32_t skipped = at_.offset == step.offset ? at_.index : 0;
    for (std::uint32_t i = 0; offset < step.payload.size(); ++i) {
      if (is_full()) {
        at_ = {step.offset, i};
        return true;
      }
      const auto stored = read_stored(step.payload, offset);
      if (!stored) {
        pass_damage(step);
        return false;
      }
      if (i >= skipped) {
        bytes_ += stored->end - offset;
        slice_.items.push_back(
            {stored->record, {step.offset, i}, {step.offset, i + 1}, from_epoch_ms(step.head.ingest_ms)});
      }
      offset = stored->end;
    }
    move_to(step.offset, {step.next, 0});
    return true;
  }

  void keep(std::vector<std::unique_ptr<char[]>> buffers) {
    for (auto& buffer : buffers) slice_.buffers.push_back(std::move(buffer));
  }

  Slice finish() {
    slice_.end = at_;
    return std::move(slice_);
  }

private:
  void move_to(std::uint64_t from, Position to) {
    at_ = to;
    if (!slice_.items.empty() && slice_.items.back().next.offset == from) slice_.items.back().next = to;
  }

  Position at_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  Slice slice_;
};

}  // namespace

Error SegmentJournal::position_gone(Position from) const {
  return {ErrorCode::position_gone,
          fmt::format("reading the journal {} from {}: retention has removed it", directory_, to_string(from))};
}

Result<SegmentJournal::Extent> SegmentJournal::extent_at(std::uint64_t offset) const {
  // Each turn ends it or takes a segment that is not there off the list. What stood in it becomes damage behind the
  // segment before, when there is one.
  for (;;) {
    Extent extent;
    {
      const std::scoped_lock lock(mutex_);
      auto behind = segments_.upper_bound(offset);
      if (behind == segments_.begin()) return position_gone({offset, 0});
      extent.is_newest = behind == segments_.end();
      extent.limit = extent.is_newest ? durable_.load() : behind->first;
      extent.base = std::prev(behind)->first;
    }
    auto file = reader_of(extent.base);
    if (!file && file.error().code() == ErrorCode::position_gone) continue;
    extent.file = TRY(std::move(file));
    return extent;
  }
}

// Retention, ours or the writing process's, may remove a segment between the list and the open.
Result<std::shared_ptr<const File>> SegmentJournal::reader_of(std::uint64_t base) const {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find(open_files_, base, [](const auto& entry) { return entry.first; });
  if (found != open_files_.end()) {
    std::rotate(found, found + 1, open_files_.end());
    return open_files_.back().second;
  }
  auto opened = files_.open(segment_path(base), FileSystem::OpenMode::read);
  if (!opened) {
    const auto still_there = files_.exists(segment_path(base));
    if (!still_there || *still_there) return Error(std::move(opened.error()));
    segments_.erase(base);
    return position_gone({base, 0});
  }
  if (open_files_.size() >= open_files_max) open_files_.erase(open_files_.begin());
  open_files_.emplace_back(base, std::shared_ptr<const File>(std::move(*opened)));
  return open_files_.back().second;
}

Result<Slice> SegmentJournal::read(Position from, Bytes bytes_max) const {
  const std::uint64_t durable = durable_.load();
  SliceBuilder builder(std::min(from, Position{durable, 0}), bytes_max.count);
  const std::uint64_t chunk = std::clamp(bytes_max.count + chunk_min, chunk_min, chunk_max);
  bool is_first = true;
  while (!builder.is_full() && builder.at().offset < durable) {
    auto extent = extent_at(builder.at().offset);
    if (!extent) {
      if (is_first || extent.error().code() != ErrorCode::position_gone) return Error(std::move(extent.error()));
      break;  // What was read is good; the next read says that the rest is gone.
    }
    is_first = false;
    const std::uint64_t begin = builder.at().offset;
    FrameReader reader(*extent->file, extent->base, begin, std::min(extent->limit, durable), chunk,
                       FrameReader::Buffers::kept);
    while (!builder.is_full() || reader.next_is_known_and_without_records()) {
      const FrameReader::Step step = TRY(reader.next());
      if (step.kind == FrameReader::Step::Kind::end) break;
      if (step.kind == FrameReader::Step::Kind::damage) {
        builder.pass_damage(step);
        remember_damage(*extent, step.offset, step.next);
      } else if (step.head.type != FrameType::records) {
        builder.pass(step);
      } else if (!builder.take(step)) {
        remember_damage(*extent, step.offset, step.next);
      }
      if (builder.is_full() && builder.at().index != 0) break;
    }
    builder.keep(reader.take_buffers());
  }
  return builder.finish();
}

Result<SegmentJournal::SegmentHead> SegmentJournal::segment_head(std::uint64_t base) const {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = segments_.find(base);
    if (found != segments_.end() && found->second) return *found->second;
  }
  const Extent extent = TRY(extent_at(base));
  FrameReader reader(*extent.file, base, base, extent.limit, look_chunk, FrameReader::Buffers::reused);
  SegmentHead head;
  for (;;) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) break;
    if (step.kind == FrameReader::Step::Kind::damage) continue;
    head.ingest_ms = step.head.ingest_ms;
    if (step.head.type == FrameType::header && step.payload.size() >= sizeof(HeaderHead)) {
      HeaderHead payload;
      std::memcpy(&payload, step.payload.data(), sizeof payload);
      head.records = payload.records;
      break;
    }
    if (step.head.type == FrameType::commit && step.payload.size() >= sizeof(CommitHead)) {
      CommitHead payload;
      std::memcpy(&payload, step.payload.data(), sizeof payload);
      head.records = payload.records - step.head.records;
      break;
    }
  }
  const std::scoped_lock lock(mutex_);
  if (const auto found = segments_.find(base); found != segments_.end()) found->second = head;
  return head;
}

// The heads of all segments are looked at in order rather than by bisection: a wall clock may have gone back, there are
// a few hundred of them, and each is read once.
Result<Position> SegmentJournal::position_at(Timestamp time) const {
  const std::uint64_t durable = durable_.load();
  std::vector<std::uint64_t> bases;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [base, head] : segments_) bases.push_back(base);
  }
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (i + 1 < bases.size()) {
      const SegmentHead following = TRY(segment_head(bases[i + 1]));
      if (following.ingest_ms < epoch_ms(time)) continue;
    }
    const Extent extent = TRY(extent_at(bases[i]));
    FrameReader reader(*extent.file, extent.base, extent.base, std::min(extent.limit, durable), scan_chunk,
                       FrameReader::Buffers::reused);
    for (FrameReader::Step step = TRY(reader.next()); step.kind != FrameReader::Step::Kind::end;
         step = TRY(reader.next())) {
      if (step.kind == FrameReader::Step::Kind::frame && step.head.type == FrameType::records &&
          step.head.ingest_ms >= epoch_ms(time))
        return Position{step.offset, 0};
    }
  }
  return Position{durable, 0};
}

void SegmentJournal::remember_damage(const Extent& extent, std::uint64_t from, std::uint64_t to) const {
  {
    const std::scoped_lock lock(mutex_);
    if (damage_.contains(from) || damage_.size() >= damage_max) {
      damaged_frames_ += damage_.contains(from) ? 0 : 1;
      return;
    }
  }
  Damage damage{.from = {from, 0},
                .to = {to, 0},
                .ingested_after = {},
                .ingested_before = {},
                .saved_after = {},
                .saved_before = {}};
  if (auto described = describe_damage(extent, from, to)) damage = std::move(*described);
  {
    const std::scoped_lock lock(mutex_);
    if (damage_.emplace(from, damage).second) ++damaged_frames_;
  }
  log::repeating(
      segment_path(extent.base),
      Error(ErrorCode::journal_corrupt,
            fmt::format("reading the journal {}: passed over {} damaged bytes at {}", directory_, to - from, from)));
}

// Damage is rare: walking its segment once to find the neighbours is cheap enough.
Result<Damage> SegmentJournal::describe_damage(const Extent& extent, std::uint64_t from, std::uint64_t to) const {
  Damage damage{.from = {from, 0},
                .to = {to, 0},
                .ingested_after = {},
                .ingested_before = {},
                .saved_after = {},
                .saved_before = {}};
  FrameReader reader(*extent.file, extent.base, extent.base, extent.limit, scan_chunk, FrameReader::Buffers::reused);
  while (!damage.saved_before) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) break;
    if (step.kind == FrameReader::Step::Kind::damage || (step.offset >= from && step.offset < to)) continue;
    const Timestamp ingest = from_epoch_ms(step.head.ingest_ms);
    const bool is_behind = step.offset >= to;
    if (is_behind && !damage.ingested_before) damage.ingested_before = ingest;
    if (!is_behind) damage.ingested_after = ingest;
    if (step.head.type != FrameType::records) continue;
    for (std::size_t offset = 0; offset < step.payload.size();) {
      const auto stored = read_stored(step.payload, offset);
      if (!stored) break;
      const Timestamp saved = stored->record.saved_time;
      if (is_behind) damage.saved_before = std::max(damage.saved_before.value_or(saved), saved);
      if (!is_behind) damage.saved_after = saved;
      offset = stored->end;
    }
  }
  return damage;
}

}  // namespace capstan::store
