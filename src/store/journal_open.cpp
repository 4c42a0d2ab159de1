// Opening a journal: what is there, where it ends, and what is missing.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "cursor_file.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {

constexpr std::string_view suffix = ".segment";
// A segment that is not whole enough to be used and is larger than a torn header may have held something: it is kept.
constexpr std::uint64_t torn_header_max = 64U << 10;
constexpr std::size_t look_chunk = 64U << 10;

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != 20 + suffix.size() || !name.ends_with(suffix)) return {};
  std::uint64_t base = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, base);
  if (error != std::errc{} || end != name.data() + 20) return {};
  return base;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& files, const Clock& clock, std::string directory,
                                               JournalOptions options) {
  TRY(files.make_directories(directory));
  auto journal = std::make_unique<SegmentJournal>(files, clock, std::move(directory), options, false);
  TRY(journal->recover());
  return std::unique_ptr<Journal>(std::move(journal));
}

Result<std::unique_ptr<Journal>> Journal::open_read_only(FileSystem& files, const Clock& clock, std::string directory) {
  auto journal = std::make_unique<SegmentJournal>(files, clock, std::move(directory), JournalOptions{}, true);
  TRY(journal->recover());
  return std::unique_ptr<Journal>(std::move(journal));
}

Result<std::vector<std::uint64_t>> SegmentJournal::list_segments() const {
  std::vector<std::uint64_t> bases;
  for (const std::string& name : TRY(files_.list(directory_)))
    if (const auto base = parse_segment_name(name)) bases.push_back(*base);
  return bases;
}

// The marks are read before the segments, so that a process that writes meanwhile only ever has more than they say.
Result<> SegmentJournal::recover() {
  CursorFile known = TRY(read_cursor_file());
  if (known.marks) removed_ = known.marks->removed;
  std::vector<std::uint64_t> bases = TRY(list_segments());
  if (read_only_ && known.marks && !bases.empty() && bases.front() > removed_->offset)
    if (const auto again = TRY(read_cursor_file()).marks) removed_ = again->removed;
  TRY(finish_removing(bases));
  TRY(recover_newest(bases, known.marks ? known.marks->durable : Mark{})
          .during(fmt::format("opening the journal {}", directory_)));
  if (!read_only_ && !removed_) removed_ = first_mark();
  // A crash may have taken the newest segment back, so that the one before it grows again.
  if (!read_only_) TRY(sealer_.forget_from(tail_base_));
  take_cursors(std::move(known));
  return {};
}

// The mark was written and the power went before the segments did.
Result<> SegmentJournal::finish_removing(std::vector<std::uint64_t>& bases) {
  if (!removed_ || bases.empty() || bases.back() < removed_->offset) return {};
  while (bases.front() < removed_->offset) {
    if (!read_only_) TRY(files_.remove(segment_path(bases.front())));
    bases.erase(bases.begin());
  }
  return {};
}

// From the newest segment backwards until one is whole enough: only a crash while a segment was being made, or damage,
// needs more than one step. `mark`: everything before it was durable; as is everything before a segment that was begun.
Result<> SegmentJournal::recover_newest(std::vector<std::uint64_t>& bases, Mark mark) {
  std::uint64_t go_on_at = mark.offset;
  std::uint64_t durable_to = mark.offset;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> damage;
  while (!bases.empty()) {
    const std::uint64_t base = bases.back();
    const auto mode = read_only_ ? FileSystem::OpenMode::read : FileSystem::OpenMode::write_existing;
    auto file = TRY(files_.open(segment_path(base), mode));
    const std::uint64_t size = TRY(file->size());
    SegmentScan scan = TRY(scan_segment(*file, base, size, durable_to));
    if (scan.has_header || scan.has_transaction) {
      tail_file_ = std::move(file);
      damage = std::move(scan.damage);
      TRY(adopt(base, std::move(scan), size, go_on_at));
      break;
    }
    file.reset();
    bases.pop_back();
    durable_to = std::max(durable_to, base);
    if (!read_only_) go_on_at = std::max(go_on_at, TRY(set_aside(base, size)));
  }
  for (const std::uint64_t base : bases) segments_.try_emplace(base);
  const Mark found{end_, newest_.records};
  newest_.records = std::max(newest_.records, mark.records);
  if (!read_only_ && (bases.empty() || go_on_at > end_)) TRY(roll(std::max(go_on_at, end_)));
  if (read_only_) end_ = std::max(end_, go_on_at);
  publish();
  for (const auto& [from, to] : damage) TRY(note_damage(from, to));
  if (!bases.empty() && go_on_at > found.offset) TRY(look_for_damage(found.offset, go_on_at));
  return {};
}

// Behind the last whole commit that was found: frames whose commit is damaged may be whole.
Result<> SegmentJournal::look_for_damage(std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    const Extent extent = TRY(extent_at(from));
    FrameReader reader(*extent.file, extent.base, from, std::min(extent.limit, to), look_chunk,
                       FrameReader::Buffers::reused);
    for (;;) {
      const FrameReader::Step step = TRY(reader.next());
      if (step.kind == FrameReader::Step::Kind::end) break;
      if (step.kind == FrameReader::Step::Kind::damage) TRY(note_damage(step.offset, step.next));
      from = step.next;
    }
  }
  return {};
}

Result<> SegmentJournal::note_damage(std::uint64_t from, std::uint64_t to) {
  const Extent extent = TRY(extent_at(from));
  const std::uint64_t number = TRY(number_at(from));
  const Numbered behind = TRY(number_ahead(extent, to, number, SegmentEnd::known));
  remember_damage(extent, {.from = {from, 0},
                           .to = {to, 0},
                           .number = number,
                           .records = behind.is_exact ? std::optional(behind.number - number) : std::nullopt,
                           .ingested_after = {},
                           .ingested_before = {},
                           .saved_after = {},
                           .saved_before = {}});
  return {};
}

// Returns where to go on, so that offsets that may have been given out are not given out again.
Result<std::uint64_t> SegmentJournal::set_aside(std::uint64_t base, std::uint64_t size) {
  const std::string path = segment_path(base);
  if (size <= torn_header_max) {
    TRY(files_.remove(path));
    TRY(files_.sync_directory(directory_));
    truncated_bytes_ += size;
    return base;
  }
  log::repeating(path,
                 Error(ErrorCode::journal_corrupt,
                       fmt::format("opening the journal: {} holds no whole frame; it was renamed to .damaged", path)));
  TRY(files_.rename(path, path + ".damaged"));
  TRY(files_.sync_directory(directory_));
  return base + size;
}

// What is read back may still be only in the kernel's memory, so it is made durable before anybody may rely on it; a
// torn tail is cut durably before anything is written over it. A tail that was durable is left for a person to look at:
// the journal goes on in another segment.
Result<> SegmentJournal::adopt(std::uint64_t base, SegmentScan scan, std::uint64_t size, std::uint64_t go_on_at) {
  tail_base_ = base;
  end_ = scan.end;
  newest_ = {std::move(scan.checkpoint), scan.records};
  const bool has_torn_tail = go_on_at <= end_;
  if (has_torn_tail) truncated_bytes_ += base + size - end_;
  if (read_only_) return {};
  if (has_torn_tail && base + size > end_) TRY(tail_file_->truncate(end_ - base));
  TRY(tail_file_->sync());
  return files_.sync_directory(directory_);
}

}  // namespace capstan::store
