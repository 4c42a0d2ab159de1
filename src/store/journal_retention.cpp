#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {
constexpr std::size_t scan_chunk = 1U << 20;
}

std::uint64_t SegmentJournal::bytes_on_disk() const {
  const std::scoped_lock lock(mutex_);
  return segments_.empty() ? 0 : end_ - segments_.begin()->first;
}

bool SegmentJournal::every_cursor_is_behind(std::uint64_t offset) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::all_of(cursors_, [&](const auto& entry) { return entry.second.position.offset >= offset; });
}

Result<> SegmentJournal::make_room(std::uint64_t bytes) {
  const std::uint64_t free = TRY(files_.free_bytes(directory_));
  if (free < options_.reserve.count + bytes)
    return Error(ErrorCode::disk_full,
                 fmt::format("appending to the journal {}: {} are free and {} of them are reserved", directory_,
                             to_human(Bytes{free}), to_human(options_.reserve)));
  while (bytes_on_disk() + bytes > options_.max_bytes.count) {
    if (TRY(remove_acknowledged())) continue;
    if (options_.when_full == JournalOptions::WhenFull::drop_oldest && TRY(remove_by_policy())) continue;
    // A batch that is larger than the whole journal is taken when there is nothing else in it.
    if (report().segments == 1 &&
        bytes_on_disk() <= sizeof(FrameHead) + sizeof(HeaderHead) + newest_.checkpoint.text.size())
      return {};
    return Error(ErrorCode::journal_full, fmt::format("appending to the journal {}: it holds {} of {}", directory_,
                                                      to_human(Bytes{bytes_on_disk()}), to_human(options_.max_bytes)));
  }
  return {};
}

// Removes the oldest segment when every route has had it. Where there are no routes nobody has had anything.
Result<bool> SegmentJournal::remove_acknowledged() {
  if (cursors().empty()) return false;
  std::uint64_t oldest_end = end_;
  {
    const std::scoped_lock lock(mutex_);
    if (segments_.size() > 1) oldest_end = std::next(segments_.begin())->first;
  }
  const bool is_newest = oldest_end == end_;
  if (!every_cursor_is_behind(oldest_end)) return false;
  if (is_newest) {
    if (end_ - tail_base_ <= sizeof(FrameHead) + sizeof(HeaderHead) + newest_.checkpoint.text.size()) return false;
    TRY(sync());
    TRY(roll(end_));
  }
  TRY(remove_oldest());
  return true;
}

Result<bool> SegmentJournal::remove_by_policy() {
  if (report().segments < 2) return false;
  std::uint64_t new_first = 0;
  {
    const std::scoped_lock lock(mutex_);
    new_first = std::next(segments_.begin())->first;
  }
  TRY(count_lost(new_first));
  // First the cursors, so that a crash in between cannot forget what was lost.
  TRY(flush_cursors());
  TRY(remove_oldest());
  return true;
}

Result<> SegmentJournal::count_lost(std::uint64_t new_first) {
  const SegmentHead following = TRY(segment_head(new_first));
  for (Cursor cursor : cursors()) {
    if (cursor.position.offset >= new_first) continue;
    const std::uint64_t before = TRY(records_before(cursor.position));
    const std::uint64_t lost = following.records - std::min(before, following.records);
    const std::scoped_lock lock(mutex_);
    Cursor& kept = cursors_[cursor.route];
    kept.position = std::max(kept.position, Position{new_first, 0});
    kept.lost_to_retention += lost;
    if (lost > 0)
      log::repeating(directory_ + cursor.route,
                     Error(ErrorCode::events_dropped,
                           fmt::format("making room in the journal {}: {} events were dropped before {} had them",
                                       directory_, lost, cursor.route)));
  }
  return {};
}

Result<std::uint64_t> SegmentJournal::records_before(Position position) const {
  const Extent extent = TRY(extent_at(position.offset));
  std::uint64_t records = TRY(segment_head(extent.base)).records;
  FrameReader reader(*extent.file, extent.base, extent.base, extent.limit, scan_chunk, FrameReader::Buffers::reused);
  for (FrameReader::Step step = TRY(reader.next());
       step.kind != FrameReader::Step::Kind::end && step.offset < position.offset; step = TRY(reader.next()))
    if (step.kind == FrameReader::Step::Kind::frame && step.head.type == FrameType::records)
      records += step.head.records;
  return records + position.index;
}

std::vector<std::uint64_t> SegmentJournal::segment_bases() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> bases;
  for (const auto& [base, head] : segments_) bases.push_back(base);
  return bases;
}

Result<bool> SegmentJournal::seal_next() const {
  if (read_only_) return false;
  return sealer_.step(segment_bases());
}

// Room is made even when the disk has none left for a seal: what the segment held can then not be compared any more.
void SegmentJournal::seal_before_removal(std::uint64_t base) {
  if (auto sealed = sealer_.seal_up_to(base, segment_bases()); !sealed)
    log::repeating(directory_ + " seal",
                   Error(ErrorCode::segment_not_sealed,
                         fmt::format("making room in the journal {}: the segment at {} was removed without a seal: {}",
                                     directory_, base, sealed.error().text())));
}

Result<> SegmentJournal::remove_oldest() {
  seal_before_removal(segment_bases().front());
  std::uint64_t base = 0;
  {
    const std::scoped_lock lock(mutex_);
    base = segments_.begin()->first;
    segments_.erase(segments_.begin());
    std::erase_if(open_files_, [&](const auto& entry) { return entry.first == base; });
  }
  TRY(files_.remove(segment_path(base)).during("making room"));
  return files_.sync_directory(directory_).during("making room");
}

Result<> SegmentJournal::enforce_retention() {
  TRY(check_writable());
  TRY(flush_cursors());
  const Timestamp now = clock_.now();
  for (;;) {
    std::uint64_t second = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (segments_.size() < 2) break;
      second = std::next(segments_.begin())->first;
    }
    const SegmentHead following = TRY(segment_head(second));
    if (now - from_epoch_ms(following.ingest_ms) <= options_.max_age || !every_cursor_is_behind(second)) break;
    TRY(remove_oldest());
  }
  while (bytes_on_disk() > options_.max_bytes.count) {
    if (TRY(remove_acknowledged())) continue;
    if (options_.when_full != JournalOptions::WhenFull::drop_oldest || !TRY(remove_by_policy())) break;
  }
  const std::uint64_t first = TRY(sealer_.retain(now, segment_bases()));
  const std::scoped_lock lock(flush_mutex_);
  return receipts_.retain(first);
}

}  // namespace capstan::store
