// Which number the record at a place has. Frames of records are counted on from the nearest place that is known; a
// segment's header and every commit frame say the number again, which gives what is missing at a damaged place:
//
//   header 0 │ a b c │ commit 3 │ ░░ damaged ░░ │ i j │ commit 10 │      10 - 2 (i, j) - 3 = 5 are missing
//
// Where two places of one transaction are damaged, the frames between them cannot be numbered; they are taken to follow
// the first place directly, and the second place is said to have taken the records of both.
#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {

constexpr std::size_t look_chunk = 64U << 10;
constexpr std::size_t walk_chunk = 1U << 20;

// Records of the journal before what follows this frame; nothing: the frame does not say it.
std::optional<std::uint64_t> told_by(const FrameReader::Step& step) {
  if (step.head.type == FrameType::header && step.payload.size() >= sizeof(HeaderHead)) {
    HeaderHead payload;
    std::memcpy(&payload, step.payload.data(), sizeof payload);
    return std::uint64_t{payload.records};
  }
  if (step.head.type == FrameType::commit && step.payload.size() >= sizeof(CommitHead)) {
    CommitHead payload;
    std::memcpy(&payload, step.payload.data(), sizeof payload);
    return std::uint64_t{payload.records};
  }
  return std::nullopt;
}

std::uint64_t difference(std::uint64_t larger, std::uint64_t smaller) {
  return larger > smaller ? larger - smaller : 0;
}

}  // namespace

// Of what follows the segment's last byte.
Result<std::uint64_t> SegmentJournal::number_at_end(const Extent& extent) const {
  if (extent.is_newest) return extent.records;
  return TRY(segment_head(extent.limit)).records;
}

// Looks ahead to what says a number. `floor`: what stands before the damaged place; no number is lower.
Result<SegmentJournal::Numbered> SegmentJournal::number_ahead(const Extent& extent, std::uint64_t offset,
                                                              std::uint64_t floor, SegmentEnd end) const {
  FrameReader reader(*extent.file, extent.base, offset, extent.limit, look_chunk, FrameReader::Buffers::reused);
  std::uint64_t between = 0;
  for (;;) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::damage) return Numbered{floor, false};
    if (step.kind == FrameReader::Step::Kind::end) {
      if (end == SegmentEnd::unknown) return Numbered{floor, false};
      return Numbered{std::max(floor, difference(TRY(number_at_end(extent)), between)), true};
    }
    if (const auto told = told_by(step)) return Numbered{std::max(floor, difference(*told, between)), true};
    between += step.head.records;
  }
}

Result<SegmentJournal::Numbered> SegmentJournal::number_behind(const Extent& extent, const FrameReader::Step& step,
                                                               std::uint64_t before, SegmentEnd end) const {
  if (step.kind == FrameReader::Step::Kind::damage) return number_ahead(extent, step.next, before, end);
  if (const auto told = told_by(step)) return Numbered{std::max(before, *told), true};
  if (step.head.type == FrameType::records) return Numbered{before + step.head.records, true};
  return Numbered{before, true};
}

Result<std::uint64_t> SegmentJournal::count_on(const Extent& extent, Mark from, std::uint64_t to,
                                               SegmentEnd end) const {
  FrameReader reader(*extent.file, extent.base, from.offset, to,
                     std::min<std::size_t>(walk_chunk, to - from.offset + 1), FrameReader::Buffers::reused);
  std::uint64_t number = from.records;
  std::uint64_t kept = from.offset;
  for (;;) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) return number;
    number = TRY(number_behind(extent, step, number, end)).number;
    if (end == SegmentEnd::known && step.next - kept >= NumberCache::spacing) {
      kept = step.next;
      remember_number({kept, number});
    }
  }
}

void SegmentJournal::remember_number(Mark place) const {
  const std::scoped_lock lock(mutex_);
  numbers_.add(place);
}

// Of the frame that starts here; of the first record that is missing where the place is damaged.
Result<std::uint64_t> SegmentJournal::number_at(std::uint64_t offset) const {
  Extent extent;
  Mark from;
  {
    const std::scoped_lock lock(mutex_);
    if (offset >= durable_.load()) return durable_state_.records;
  }
  extent = TRY(extent_at(offset));
  from = {extent.base, TRY(segment_head(extent.base)).records};
  {
    const std::scoped_lock lock(mutex_);
    if (const auto nearer = numbers_.nearest(extent.base, offset)) from = *nearer;
  }
  if (from.offset == offset) return from.records;
  return count_on(extent, from, std::min(offset, extent.limit), SegmentEnd::known);
}

std::uint64_t SegmentJournal::number_of(Position at) const {
  const Mark first = first_mark();
  if (at.offset < first.offset) return first.records;
  auto number = number_at(at.offset);
  if (!number) {
    log::repeating("number " + directory_, std::move(number).during("counting what waits").error());
    return first.records;
  }
  const std::scoped_lock lock(mutex_);
  return std::min(*number + at.index, durable_state_.records);
}

Result<SegmentJournal::SegmentHead> SegmentJournal::segment_head(std::uint64_t base) const {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = segments_.find(base);
    if (found != segments_.end() && found->second) return *found->second;
  }
  const Extent extent = TRY(extent_at(base));
  FrameReader reader(*extent.file, extent.base, extent.base, extent.limit, look_chunk, FrameReader::Buffers::reused);
  FrameReader::Step step = TRY(reader.next());
  SegmentHead head;
  if (const auto told = step.kind == FrameReader::Step::Kind::frame ? told_by(step) : std::nullopt) {
    head = {step.head.ingest_ms, *told};
  } else {
    head.records = TRY(records_before(extent));
    while (step.kind == FrameReader::Step::Kind::damage) step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::frame) head.ingest_ms = step.head.ingest_ms;
  }
  const std::scoped_lock lock(mutex_);
  if (const auto found = segments_.find(base); found != segments_.end()) found->second = head;
  return head;
}

// Of a segment whose header is damaged: what stands before it says it.
Result<std::uint64_t> SegmentJournal::records_before(const Extent& extent) const {
  if (extent.base == 0) return std::uint64_t{0};
  std::optional<std::uint64_t> previous;
  {
    const std::scoped_lock lock(mutex_);
    if (removed_ && removed_->offset == extent.base) return removed_->records;
    if (const auto at = segments_.lower_bound(extent.base); at != segments_.begin()) previous = std::prev(at)->first;
  }
  if (previous) {
    const Extent before = TRY(extent_at(*previous));
    const Mark from{before.base, TRY(segment_head(before.base)).records};
    return count_on(before, from, before.limit, SegmentEnd::unknown);
  }
  // Nobody knows: the first frame that says a number, less what can be read before it.
  std::uint64_t between = 0;
  FrameReader reader(*extent.file, extent.base, extent.base, extent.limit, look_chunk, FrameReader::Buffers::reused);
  for (;;) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) return std::uint64_t{0};
    if (step.kind != FrameReader::Step::Kind::frame) continue;
    if (const auto told = told_by(step)) return difference(*told, between);
    between += step.head.records;
  }
}

Mark SegmentJournal::first_mark() const {
  std::uint64_t base = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (segments_.empty()) return {durable_.load(), durable_state_.records};
    const auto& [first, head] = *segments_.begin();
    if (head) return {first, head->records};
    base = first;
  }
  const auto head = segment_head(base);
  if (head) return {base, head->records};
  const std::scoped_lock lock(mutex_);
  return {base, removed_ ? removed_->records : 0};
}

// Retention is to blame up to where it says it removed; who wrote no such mark is believed to have removed the rest.
std::uint64_t SegmentJournal::removed_records(Mark first) const {
  const std::scoped_lock lock(mutex_);
  return removed_ ? std::min(removed_->records, first.records) : first.records;
}

Behind SegmentJournal::behind(Position from, std::uint64_t number) const {
  const Mark first = first_mark();
  const std::uint64_t removed = removed_records(first);
  const std::scoped_lock lock(mutex_);
  const std::uint64_t total = durable_state_.records;
  Behind behind;
  if (number >= total) return behind;
  behind.lost_to_retention = difference(removed, number);
  behind.lost_to_damage = difference(first.records, std::max(number, removed));
  const std::uint64_t begin = std::max(number, first.records);
  for (const auto& [offset, damage] : damage_) {
    const std::uint64_t end = damage.number + damage.records.value_or(0);
    behind.lost_to_damage += difference(end, std::max(begin, damage.number));
  }
  behind.records = difference(total, number + behind.lost_to_retention + behind.lost_to_damage);
  const std::uint64_t durable = durable_.load();
  const std::uint64_t bytes = difference(durable, std::max(from.offset, first.offset));
  if (behind.records > 0) behind.bytes = std::max<std::uint64_t>(bytes, 1);
  return behind;
}

}  // namespace capstan::store
