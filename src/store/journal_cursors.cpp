#include <fmt/format.h>

#include "base/log.h"
#include "cursor_file.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {
constexpr std::uint64_t cursor_file_size_max = 16U << 20;
}

Result<> SegmentJournal::read_cursor_file() {
  const std::string path = directory_ + "/cursors";
  if (!TRY(files_.exists(path))) return {};
  auto cursors = read_cursors(TRY(read_file(files_, path, cursor_file_size_max)));
  if (!cursors) {
    log::repeating(
        path, Error(ErrorCode::journal_corrupt,
                    fmt::format("opening the journal: {} is damaged; its routes begin at the oldest record", path)));
    return {};
  }
  const JournalReport now = report();
  bool one_was_beyond = false;
  for (Cursor& cursor : *cursors) {
    // Only damage can put a cursor behind the end. Left there, it would pass over what is appended next.
    if (cursor.position > now.durable) {
      cursor.position = now.durable;
      cursor.unsure_from.reset();
      one_was_beyond = true;
    }
    if (cursor.position < now.first) cursor.position = now.first;
    std::string route = cursor.route;
    cursors_.insert_or_assign(std::move(route), std::move(cursor));
  }
  if (one_was_beyond && !read_only_) return flush_cursors();
  return {};
}

std::vector<Cursor> SegmentJournal::cursors() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Cursor> result;
  for (const auto& [route, cursor] : cursors_) result.push_back(cursor);
  return result;
}

Result<Cursor> SegmentJournal::cursor(std::string_view route) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = cursors_.find(route); found != cursors_.end()) return found->second;
  Cursor cursor;
  cursor.route = route;
  cursor.position = {segments_.empty() ? 0 : segments_.begin()->first, 0};
  cursors_.emplace(cursor.route, cursor);
  return cursor;
}

Result<> SegmentJournal::acknowledge(const Cursor& cursor) {
  const std::scoped_lock lock(mutex_);
  if (cursor.position.offset > durable_.load())
    return Error(ErrorCode::internal, fmt::format("acknowledging for {}: expected a position up to {}, got {}",
                                                  cursor.route, durable_.load(), to_string(cursor.position)));
  Cursor& kept = cursors_[cursor.route];
  const std::uint64_t lost = std::max(kept.lost_to_retention, cursor.lost_to_retention);
  kept = cursor;
  kept.lost_to_retention = lost;
  if (!segments_.empty()) kept.position = std::max(kept.position, Position{segments_.begin()->first, 0});
  return {};
}

Result<> SegmentJournal::flush_cursors() {
  const std::scoped_lock flushing(flush_mutex_);
  // Cursors are written also where receipts cannot be: these wait for the next time.
  if (Result<> told = receipts_.flush(); !told) log::repeating(directory_ + " receipts", told.error());
  std::string text = write_cursors(cursors());
  if (text == flushed_) return {};
  TRY(replace_file(files_, directory_ + "/cursors", text).during("writing the cursors"));
  flushed_ = std::move(text);
  return {};
}

void SegmentJournal::add_receipt(std::string_view route, const Receipt& receipt) {
  const std::scoped_lock adding(flush_mutex_);
  receipts_.add(route, receipt);
}

Result<> SegmentJournal::forget_cursor(std::string_view route) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = cursors_.find(route);
    if (found == cursors_.end()) return {};
    cursors_.erase(found);
  }
  return flush_cursors();
}

}  // namespace capstan::store
