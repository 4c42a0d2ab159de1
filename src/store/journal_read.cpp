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
constexpr std::size_t scan_chunk = 1U << 20;  // for walking a segment
constexpr std::size_t open_files_max = 4;     // of the readers together; opening one again costs microseconds

// Collects records until there are enough.
class SliceBuilder {
public:
  // `number`: records of the journal before `from`.
  SliceBuilder(Position from, std::uint64_t number, std::uint64_t bytes_max)
      : at_(from), number_(number), bytes_max_(std::max<std::uint64_t>(1, bytes_max)) {}

  bool is_full() const { return bytes_ >= bytes_max_; }
  Position at() const { return at_; }
  std::uint64_t number() const { return number_; }

  // What is no data frame is passed over, and the position behind the record before it moves along. `behind`: records
  // of the journal before what follows.
  void pass(const FrameReader::Step& step, std::uint64_t behind) {
    move_to(step.offset, {step.next, 0});
    number_ = behind;
  }
  void pass_damage(const FrameReader::Step& step, std::uint64_t behind) {
    ++slice_.damaged_frames;
    pass(step, behind);
  }

  // `first`: number of the frame's first record. False when the frame's content is not what its head says: then at() is
  // before the record that cannot be read.
  bool take(const FrameReader::Step& step, std::uint64_t first) {
    std::size_t offset = 0;
    const std::uint32_t skipped = at_.offset == step.offset ? at_.index : 0;
    for (std::uint32_t i = 0; offset < step.payload.size(); ++i) {
      at_ = {step.offset, i};
      number_ = first + i;
      if (is_full()) return true;
      const auto stored = read_stored(step.payload, offset);
      if (!stored) return false;
      if (i >= skipped) {
        bytes_ += stored->end - offset;
        slice_.items.push_back(
            {stored->record, at_, {step.offset, i + 1}, from_epoch_ms(step.head.ingest_ms), number_});
      }
      offset = stored->end;
    }
    move_to(step.offset, {step.next, 0});
    number_ = first + step.head.records;
    return true;
  }

  void keep(std::vector<std::unique_ptr<char[]>> buffers) {
    for (auto& buffer : buffers) slice_.buffers.push_back(std::move(buffer));
  }

  Slice finish() {
    slice_.end = at_;
    slice_.end_number = number_;
    return std::move(slice_);
  }

private:
  void move_to(std::uint64_t from, Position to) {
    at_ = to;
    if (!slice_.items.empty() && slice_.items.back().next.offset == from) slice_.items.back().next = to;
  }

  Position at_;
  std::uint64_t number_;
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
      extent.records = durable_state_.records;
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
    // The writing process's retention; in the writing process itself it was somebody else.
    if (read_only_ && segments_.begin()->first == base) removed_.reset();
    segments_.erase(base);
    return position_gone({base, 0});
  }
  if (open_files_.size() >= open_files_max) open_files_.erase(open_files_.begin());
  open_files_.emplace_back(base, std::shared_ptr<const File>(std::move(*opened)));
  return open_files_.back().second;
}

Result<Slice> SegmentJournal::read(Position from, Bytes bytes_max) const {
  const std::uint64_t durable = durable_.load();
  from = std::min(from, Position{durable, 0});
  const std::uint64_t frame_number = TRY(number_at(from.offset));
  SliceBuilder builder(from, frame_number + from.index, bytes_max.count);
  std::uint64_t number = frame_number;
  const std::uint64_t chunk = std::clamp(bytes_max.count + chunk_min, chunk_min, chunk_max);
  bool is_first = true;
  while (!builder.is_full() && builder.at().offset < durable) {
    auto extent = extent_at(builder.at().offset);
    if (!extent) {
      if (is_first || extent.error().code() != ErrorCode::position_gone) return Error(std::move(extent.error()));
      break;  // What was read is good; the next read says that the rest is gone.
    }
    is_first = false;
    FrameReader reader(*extent->file, extent->base, builder.at().offset, extent->limit, chunk,
                       FrameReader::Buffers::kept);
    while (!builder.is_full() || reader.next_is_known_and_without_records()) {
      const FrameReader::Step step = TRY(reader.next());
      if (step.kind == FrameReader::Step::Kind::end) break;
      const Numbered behind = TRY(number_behind(*extent, step, number, SegmentEnd::known));
      const bool is_damage = step.kind == FrameReader::Step::Kind::damage;
      const bool has_records = !is_damage && step.head.type == FrameType::records;
      if (is_damage || (has_records && !builder.take(step, number))) {
        const std::uint64_t missing_from = is_damage ? number : builder.number();
        remember_damage(*extent,
                        {.from = is_damage ? Position{step.offset, 0} : builder.at(),
                         .to = {step.next, 0},
                         .number = missing_from,
                         .records = behind.is_exact ? std::optional(behind.number - missing_from) : std::nullopt,
                         .ingested_after = {},
                         .ingested_before = {},
                         .saved_after = {},
                         .saved_before = {}});
        builder.pass_damage(step, behind.number);
      } else if (!has_records) {
        builder.pass(step, behind.number);
      }
      number = behind.number;
      if (builder.is_full() && builder.at().index != 0) break;
    }
    builder.keep(reader.take_buffers());
  }
  remember_number({builder.at().offset, builder.number() - builder.at().index});
  return builder.finish();
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

}  // namespace capstan::store
