// Places of the journal that are damaged: what is known about them, each said once.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {
constexpr std::size_t walk_chunk = 1U << 20;
constexpr std::size_t damage_max = 256;  // places that are described; the count goes on
}  // namespace

// A place that is found again from its middle is known; one that has grown takes the place of what was known of it.
void SegmentJournal::remember_damage(const Extent& extent, Damage damage) const {
  const auto overlaps = [&](const Damage& known) { return known.from < damage.to && damage.from < known.to; };
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [from, known] : damage_)
      if (known.from <= damage.from && known.to >= damage.to) return;
    if (damage_.size() >= damage_max) {
      ++damaged_frames_;
      return;
    }
  }
  if (auto with_neighbours = described(extent, damage)) damage = std::move(*with_neighbours);
  {
    const std::scoped_lock lock(mutex_);
    const bool was_known = std::erase_if(damage_, [&](const auto& entry) { return overlaps(entry.second); }) > 0;
    damage_.emplace(damage.from.offset, damage);
    damaged_frames_ += was_known ? 0 : 1;
  }
  log::repeating(segment_path(extent.base),
                 Error(ErrorCode::journal_corrupt,
                       fmt::format("reading the journal {}: passed over {} damaged bytes at {}{}", directory_,
                                   damage.to.offset - damage.from.offset, damage.from.offset,
                                   damage.records ? fmt::format(", {} records", *damage.records) : std::string())));
}

// Damage is rare: walking its segment once to find the neighbours is cheap enough.
Result<Damage> SegmentJournal::described(const Extent& extent, Damage damage) const {
  FrameReader reader(*extent.file, extent.base, extent.base, extent.limit, walk_chunk, FrameReader::Buffers::reused);
  while (!damage.saved_before) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) break;
    const bool is_before = step.offset < damage.from.offset;
    const bool is_behind = step.offset >= damage.to.offset;
    if (step.kind == FrameReader::Step::Kind::damage || (!is_before && !is_behind)) continue;
    const Timestamp ingest = from_epoch_ms(step.head.ingest_ms);
    if (is_behind && !damage.ingested_before) damage.ingested_before = ingest;
    if (is_before) damage.ingested_after = ingest;
    if (step.head.type != FrameType::records) continue;
    for (std::size_t offset = 0; offset < step.payload.size();) {
      const auto stored = read_stored(step.payload, offset);
      if (!stored) break;
      const Timestamp saved = stored->record.saved_time;
      if (is_behind) damage.saved_before = std::max(damage.saved_before.value_or(saved), saved);
      if (is_before) damage.saved_after = saved;
      offset = stored->end;
    }
  }
  return damage;
}

// What lies between retention's mark and the first segment: somebody else has removed it.
std::optional<Damage> SegmentJournal::missing_head(Mark first) const {
  Mark removed;
  {
    const std::scoped_lock lock(mutex_);
    if (!removed_ || removed_->offset >= first.offset) return std::nullopt;
    if (missing_head_ && missing_head_->to.offset == first.offset) return missing_head_;
    removed = *removed_;
  }
  Damage damage{.from = {removed.offset, 0},
                .to = {first.offset, 0},
                .number = removed.records,
                .records = first.records - std::min(first.records, removed.records),
                .ingested_after = {},
                .ingested_before = {},
                .saved_after = {},
                .saved_before = {}};
  if (const auto extent = extent_at(first.offset))
    if (auto with_neighbours = described(*extent, damage)) damage = std::move(*with_neighbours);
  const std::scoped_lock lock(mutex_);
  missing_head_ = damage;
  return damage;
}

}  // namespace capstan::store
