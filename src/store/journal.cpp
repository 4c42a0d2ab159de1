#include "store/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "cursor_file.h"
#include "frame.h"
#include "journal_impl.h"

namespace capstan::store {

namespace {

// Small enough that reading on in the middle of a frame costs little, large enough that its head costs nothing.
constexpr std::size_t frame_payload_max = 256U << 10;
// A journal that lost its newest segment, or the end of it, is told by the durable mark; this is as much as it may lag.
constexpr std::uint64_t mark_every = 16U << 20;
constexpr std::string_view suffix = ".segment";

// A segment is never larger than a quarter of the journal, so that removing one makes room and does not empty it.
JournalOptions sensible(JournalOptions options) {
  options.segment_size.count =
      std::max<std::uint64_t>(1, std::min(options.segment_size.count, options.max_bytes.count / 4));
  return options;
}

}  // namespace

std::string to_string(const Position& position) { return fmt::format("{}.{}", position.offset, position.index); }

SegmentJournal::SegmentJournal(FileSystem& files, const Clock& clock, std::string directory, JournalOptions options,
                               bool read_only)
    : files_(files),
      clock_(clock),
      directory_(std::move(directory)),
      options_(sensible(options)),
      read_only_(read_only),
      sealer_(files, directory_, {.keep = options_.proof_age, .bytes_max = options_.proof_bytes}),
      receipts_(files, directory_) {}

std::string SegmentJournal::segment_path(std::uint64_t base) const {
  return fmt::format("{}/{:020}{}", directory_, base, suffix);
}

Result<> SegmentJournal::check_writable() const {
  if (read_only_)
    return Error(ErrorCode::internal, fmt::format("writing to the journal {}: it was opened for reading", directory_));
  if (stopped_)
    return Error(
        ErrorCode::disk_failed,
        fmt::format("writing to the journal {}: it stopped after an error of the disk ({})", directory_, *stopped_));
  return {};
}

Result<> SegmentJournal::stop(Error error) {
  stopped_ = error.sentence();
  return Error(ErrorCode::disk_failed, error.sentence()).during(fmt::format("writing to the journal {}", directory_));
}

void SegmentJournal::publish() {
  const std::scoped_lock lock(mutex_);
  durable_state_ = newest_;
  durable_ = end_;
}

Result<> SegmentJournal::append(const Batch& batch, const Checkpoint& next) {
  TRY(check_writable());
  const std::uint64_t size = batch.stored_size() + next.text.size() +
                             (2 + batch.stored_size() / frame_payload_max) * 2 * sizeof(FrameHead) + sizeof(CommitHead);
  TRY(make_room(size));
  if (!newest_is_empty() && end_ - tail_base_ + size > options_.segment_size.count) {
    TRY(begin_another_segment());
  }
  return write_transaction(batch, next);
}

Result<> SegmentJournal::write_transaction(const Batch& batch, const Checkpoint& next) {
  struct Part {
    FrameHead head;
    std::string_view payload;
  };
  const std::int64_t now = epoch_ms(clock_.now());
  std::vector<Part> parts;
  std::uint64_t at = end_;
  std::uint32_t chain = 0;
  for (std::size_t first = 0; first < batch.size();) {
    std::size_t last = first + 1;
    // The frame grows record by record until it is full; a record that is larger than a frame stands alone.
    std::string_view payload = batch.stored(first, last);
    while (last < batch.size() && batch.stored(first, last + 1).size() <= frame_payload_max)
      payload = batch.stored(first, ++last);
    FrameHead head{.type = FrameType::records,
                   .offset = at,
                   .ingest_ms = now,
                   .records = static_cast<std::uint32_t>(last - first)};
    head = sealed(head, payload);
    chain = crc32c({reinterpret_cast<const char*>(&head.crc), sizeof head.crc}, chain);
    parts.push_back({head, payload});
    at += sizeof head + payload.size();
    first = last;
  }
  const CommitHead commit{
      .start = end_, .synced_to = durable_.load(), .records = newest_.records + batch.size(), .frames_crc = chain};
  const std::string_view commit_bytes{reinterpret_cast<const char*>(&commit), sizeof commit};
  const FrameHead last = sealed(
      {.type = FrameType::commit, .offset = at, .ingest_ms = now, .records = static_cast<std::uint32_t>(batch.size())},
      commit_bytes, next.text);
  std::vector<std::string_view> pieces;
  for (const Part& part : parts) {
    pieces.push_back(bytes_of(part.head));
    pieces.push_back(part.payload);
  }
  pieces.insert(pieces.end(), {bytes_of(last), commit_bytes, next.text});
  if (auto written = tail_file_->write_at(end_ - tail_base_, pieces); !written) {
    // A part of it may be there. It has to go, or the next transaction would be followed by bytes of this one.
    if (written.error().code() != ErrorCode::disk_full || !tail_file_->truncate(end_ - tail_base_))
      return stop(std::move(written.error()));
    return std::move(written).during(fmt::format("appending to the journal {}", directory_));
  }
  end_ = at + sizeof last + last.length;
  newest_ = {next, commit.records};
  return {};
}

Result<> SegmentJournal::sync() {
  TRY(check_writable());
  if (!has_unsynced()) return {};
  if (auto synced = tail_file_->sync(); !synced) return stop(std::move(synced.error()));
  publish();
  // Where the routes stand still nobody else writes the mark. It is no part of the promise: what is synced is durable.
  if (end_ - marked_to_.load() >= mark_every) static_cast<void>(flush_cursors());
  return {};
}

// The new segment's header is durable before the segment counts, and everything in the old one is durable before: only
// the newest segment can ever be torn.
Result<> SegmentJournal::roll(std::uint64_t base) {
  const std::string path = segment_path(base);
  auto made = files_.open(path, FileSystem::OpenMode::create_or_open);
  if (!made) return Error(std::move(made.error()));
  std::unique_ptr<File> file = std::move(*made);
  if (auto written = write_header(*file, base); !written) {
    file.reset();
    if (written.error().code() != ErrorCode::disk_full || !files_.remove(path)) return stop(std::move(written.error()));
    return written;
  }
  if (auto synced = file->sync(); !synced) return stop(std::move(synced.error()));
  if (auto synced = files_.sync_directory(directory_); !synced) {
    // A directory that is away was not even asked: when it is back, the same segment is begun anew.
    if (synced.error().code() == ErrorCode::data_dir_away) return synced;
    return stop(std::move(synced.error()));
  }
  tail_file_ = std::move(file);
  tail_base_ = base;
  end_ = base + sizeof(FrameHead) + sizeof(HeaderHead) + newest_.checkpoint.text.size();
  const std::scoped_lock lock(mutex_);
  segments_.try_emplace(base);
  durable_state_ = newest_;
  durable_ = end_;
  return {};
}

Result<> SegmentJournal::write_header(File& file, std::uint64_t base) {
  const HeaderHead head{.records = newest_.records};
  const std::string_view head_bytes{reinterpret_cast<const char*>(&head), sizeof head};
  const FrameHead frame = sealed({.type = FrameType::header, .offset = base, .ingest_ms = epoch_ms(clock_.now())},
                                 head_bytes, newest_.checkpoint.text);
  const std::array<std::string_view, 3> pieces{bytes_of(frame), head_bytes, newest_.checkpoint.text};
  TRY(file.truncate(0));
  return file.write_at(0, pieces);
}

Checkpoint SegmentJournal::checkpoint() const {
  const std::scoped_lock lock(mutex_);
  return durable_state_.checkpoint;
}

JournalReport SegmentJournal::report() const {
  const Mark first = first_mark();
  const std::uint64_t removed = removed_records(first);
  const std::optional<Damage> head = missing_head(first);
  const std::scoped_lock lock(mutex_);
  JournalReport report;
  report.durable = {durable_.load(), 0};
  report.first = {first.offset, 0};
  report.first_number = first.records;
  report.removed_to = removed;
  report.bytes = report.durable.offset - report.first.offset;
  report.records = durable_state_.records;
  report.segments = segments_.size();
  report.damaged_frames = damaged_frames_ + (head ? 1 : 0);
  report.truncated_bytes = truncated_bytes_;
  if (head) report.damage.push_back(*head);
  for (const auto& [from, damage] : damage_) report.damage.push_back(damage);
  return report;
}

}  // namespace capstan::store
