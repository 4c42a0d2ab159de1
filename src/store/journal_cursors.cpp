#include <fmt/format.h>

#include "base/log.h"
#include "cursor_file.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {
constexpr std::uint64_t cursor_file_size_max = 16U << 20;
}

Result<CursorFile> SegmentJournal::read_cursor_file() {
  const std::string path = directory_ + "/cursors";
  if (!TRY(files_.exists(path))) return CursorFile{};
  if (auto file = read_cursors(TRY(read_file(files_, path, cursor_file_size_max)))) return std::move(*file);
  log::repeating(path,
                 Error(ErrorCode::journal_corrupt,
                       fmt::format("opening the journal: {} is damaged; its routes begin at the oldest record", path)));
  return CursorFile{};
}

// Version 1 counted what retention took in the file, so a cursor stands where the journal begins at the latest.
void SegmentJournal::take_cursors(CursorFile file) {
  const JournalReport now = report();
  for (Cursor& cursor : file.cursors) {
    // Only damage can put a cursor behind the end. Left there, it would pass over what is appended next.
    if (cursor.position > now.durable) {
      cursor.position = now.durable;
      cursor.number = now.records;
      cursor.unsure_from.reset();
    }
    if (!file.marks) complete(cursor, now);
    std::string route = cursor.route;
    attempts_written_[route] = cursor.attempted_to;
    cursors_.insert_or_assign(std::move(route), std::move(cursor));
  }
}

// A replay was counted as delivered once more by version 1: what the counters have too much of was sent again.
void SegmentJournal::complete(Cursor& cursor, const JournalReport& now) const {
  cursor.position = std::max(cursor.position, now.first);
  cursor.number = number_of(cursor.position);
  cursor.attempted_to = cursor.number;
  const std::uint64_t counted = cursor.counted();
  if (counted <= cursor.number) {
    cursor.began_at = cursor.number - counted;
    return;
  }
  const std::uint64_t again = std::min(counted - cursor.number, cursor.delivered);
  cursor.delivered -= again;
  cursor.resent += again;
}

std::vector<Cursor> SegmentJournal::cursors() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Cursor> result;
  for (const auto& [route, cursor] : cursors_) result.push_back(cursor);
  return result;
}

Result<Cursor> SegmentJournal::cursor(std::string_view route) {
  const Mark first = first_mark();
  const std::scoped_lock lock(mutex_);
  if (const auto found = cursors_.find(route); found != cursors_.end()) return found->second;
  Cursor cursor;
  cursor.route = route;
  cursor.position = {first.offset, 0};
  cursor.number = cursor.began_at = cursor.attempted_to = first.records;
  cursors_.emplace(cursor.route, cursor);
  return cursor;
}

Result<> SegmentJournal::acknowledge(const Cursor& cursor) {
  const std::scoped_lock lock(mutex_);
  if (cursor.position.offset > durable_.load())
    return Error(ErrorCode::internal, fmt::format("acknowledging for {}: expected a position up to {}, got {}",
                                                  cursor.route, durable_.load(), to_string(cursor.position)));
  cursors_.insert_or_assign(cursor.route, cursor);
  return {};
}

Result<> SegmentJournal::flush_cursors() {
  const std::scoped_lock flushing(flush_mutex_);
  CursorFile::Marks marks;
  {
    const std::scoped_lock lock(mutex_);
    marks.durable = {durable_.load(), durable_state_.records};
    marks.removed = removed_.value_or(Mark{});
  }
  const std::vector<Cursor> written = cursors();
  // A receipt comes before its acknowledgement, so every one that these cursors need is there. Cursors are written also
  // where receipts cannot be: these wait for the next time.
  if (Result<> told = flush_receipts(); !told) log::repeating(directory_ + " receipts", told.error());
  std::string text = write_cursors(marks, written);
  if (text == flushed_) return {};
  TRY(replace_file(files_, directory_ + "/cursors", text).during("writing the cursors"));
  flushed_ = std::move(text);
  marked_to_ = marks.durable.offset;
  const std::scoped_lock lock(mutex_);
  attempts_written_.clear();
  for (const Cursor& cursor : written) attempts_written_[cursor.route] = cursor.attempted_to;
  return {};
}

void SegmentJournal::add_receipt(std::string_view route, const Receipt& receipt) {
  const std::scoped_lock adding(receipts_mutex_);
  receipts_.add(route, receipt);
}

Result<> SegmentJournal::flush_receipts() {
  const std::scoped_lock writing(receipts_mutex_);
  return receipts_.flush();
}

std::uint64_t SegmentJournal::attempts_written(std::string_view route) const {
  const std::scoped_lock lock(mutex_);
  const auto found = attempts_written_.find(route);
  return found == attempts_written_.end() ? 0 : found->second;
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
