#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

std::uint64_t SegmentJournal::bytes_on_disk() const {
  const std::scoped_lock lock(mutex_);
  return segments_.empty() ? 0 : end_ - segments_.begin()->first;
}

bool SegmentJournal::every_cursor_is_behind(std::uint64_t offset, Doubt doubt) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::all_of(cursors_, [&](const auto& entry) {
    const Cursor& cursor = entry.second;
    const Position unsure = cursor.unsure_from.value_or(cursor.position);
    return (doubt == Doubt::counts ? std::min(cursor.position, unsure) : cursor.position).offset >= offset;
  });
}

bool SegmentJournal::newest_is_empty() const {
  return end_ - tail_base_ <= sizeof(FrameHead) + sizeof(HeaderHead) + newest_.checkpoint.text.size();
}

Result<> SegmentJournal::make_room(std::uint64_t bytes) {
  const std::uint64_t free = TRY(files_.free_bytes(directory_));
  if (free < options_.reserve.count + bytes)
    return Error(ErrorCode::disk_full,
                 fmt::format("appending to the journal {}: {} are free and {} of them are reserved", directory_,
                             to_human(Bytes{free}), to_human(options_.reserve)));
  while (bytes_on_disk() + bytes > options_.max_bytes.count) {
    // A batch that is larger than the whole journal may be is taken when there is nothing else in it.
    if (has_one_segment() && newest_is_empty()) return {};
    if (TRY(remove_acknowledged())) continue;
    if (options_.when_full == JournalOptions::WhenFull::drop_oldest) {
      TRY(remove_by_policy());
      continue;
    }
    return Error(ErrorCode::journal_full, fmt::format("appending to the journal {}: it holds {} of {}", directory_,
                                                      to_human(Bytes{bytes_on_disk()}), to_human(options_.max_bytes)));
  }
  return {};
}

bool SegmentJournal::has_one_segment() const {
  const std::scoped_lock lock(mutex_);
  return segments_.size() == 1;
}

Result<> SegmentJournal::begin_another_segment() {
  TRY(sync());
  return roll(end_);
}

// Removes the oldest segment when every route has had it. Where there are no routes nobody has had anything.
Result<bool> SegmentJournal::remove_acknowledged() {
  if (cursors().empty()) return false;
  std::uint64_t oldest_end = end_;
  {
    const std::scoped_lock lock(mutex_);
    if (segments_.size() > 1) oldest_end = std::next(segments_.begin())->first;
  }
  // A full journal goes on rather than waiting for a destination's doubt to pass.
  if (!every_cursor_is_behind(oldest_end, Doubt::is_ignored)) return false;
  if (oldest_end == end_) {
    if (newest_is_empty()) return false;
    TRY(begin_another_segment());
  }
  TRY(remove_oldest());
  return true;
}

// Removes the oldest segment whoever has not had it; the newest one too, so that there is room for the next batch.
Result<> SegmentJournal::remove_by_policy() {
  if (has_one_segment()) TRY(begin_another_segment());
  return remove_oldest();
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
  auto sealed = sealer_.seal_up_to(base, segment_bases());
  if (!sealed) sealed = sealer_.seal_up_to(base, segment_bases());  // it may have been a passing error
  if (!sealed)
    log::repeating(directory_ + " seal",
                   Error(ErrorCode::segment_not_sealed,
                         fmt::format("making room in the journal {}: the segment at {} was removed without a seal: {}",
                                     directory_, base, sealed.error().text())));
}

// First the mark, so that after a crash in between retention is known to be what removed the segment. A disk that has
// no room for the mark gets some by the removal.
Result<> SegmentJournal::remove_oldest() {
  seal_before_removal(segment_bases().front());
  std::uint64_t base = 0;
  std::uint64_t second = 0;
  {
    const std::scoped_lock lock(mutex_);
    base = segments_.begin()->first;
    second = std::next(segments_.begin())->first;
  }
  const SegmentHead following = TRY(segment_head(second));
  {
    const std::scoped_lock lock(mutex_);
    removed_ = Mark{second, std::max(following.records, removed_ ? removed_->records : 0)};
  }
  const Result<> marked = flush_cursors();
  if (!marked && marked.error().code() != ErrorCode::disk_full) return marked;
  {
    const std::scoped_lock lock(mutex_);
    segments_.erase(segments_.begin());
    std::erase_if(open_files_, [&](const auto& entry) { return entry.first == base; });
    std::erase_if(damage_, [&](const auto& entry) { return entry.second.to.offset <= second; });
    numbers_.forget_before(second);
  }
  TRY(files_.remove(segment_path(base)).during("making room"));
  TRY(files_.sync_directory(directory_).during("making room"));
  return marked ? Result<>() : flush_cursors();
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
    if (now - from_epoch_ms(following.ingest_ms) <= options_.max_age || !every_cursor_is_behind(second, Doubt::counts))
      break;
    TRY(remove_oldest());
  }
  while (bytes_on_disk() > options_.max_bytes.count) {
    if (TRY(remove_acknowledged())) continue;
    // What the newest segment holds goes only when something is to be appended instead.
    if (options_.when_full != JournalOptions::WhenFull::drop_oldest || has_one_segment()) break;
    TRY(remove_by_policy());
  }
  const std::uint64_t first = TRY(sealer_.retain(now, segment_bases()));
  const std::scoped_lock lock(receipts_mutex_);
  return receipts_.retain(first);
}

}  // namespace capstan::store
