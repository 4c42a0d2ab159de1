// The journal on segment files. journal_open.cpp opens, journal.cpp writes, journal_read.cpp reads, journal_numbers.cpp
// numbers the records, journal_damage.cpp says what is missing, journal_retention.cpp removes, journal_cursors.cpp
// keeps the cursors.
//
// The writer thread has end_, newest_ and tail_file_. Everybody has, under mutex_, the segments, what is durable, what
// was removed, what is damaged and the cursors; durable_ is atomic so that looking at it takes no lock.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "base/file_system.h"
#include "cursor_file.h"
#include "frame.h"
#include "number_cache.h"
#include "segment_scan.h"
#include "store/journal.h"
#include "store/receipts.h"
#include "store/seal.h"

namespace capstan::store {

class SegmentJournal final : public Journal {
public:
  SegmentJournal(FileSystem& files, const Clock& clock, std::string directory, JournalOptions options, bool read_only);

  Result<> recover();

  Result<> append(const Batch& batch, const Checkpoint& next) override;
  Result<> sync() override;
  bool has_unsynced() const override { return end_ != durable_.load(); }
  Checkpoint checkpoint() const override;
  Result<Slice> read(Position from, Bytes bytes_max) const override;
  JournalReport report() const override;
  std::uint64_t number_of(Position at) const override;
  using Journal::behind;
  Behind behind(Position from, std::uint64_t number) const override;
  std::vector<Cursor> cursors() const override;
  Result<Cursor> cursor(std::string_view route) override;
  Result<> acknowledge(const Cursor& cursor) override;
  Result<> flush_cursors() override;
  void add_receipt(std::string_view route, const Receipt& receipt) override;
  std::uint64_t attempts_written(std::string_view route) const override;
  Result<> forget_cursor(std::string_view route) override;
  Result<Position> position_at(Timestamp time) const override;
  Result<> enforce_retention() override;
  Result<bool> seal_next() const override;

private:
  // What stands behind the last transaction.
  struct State {
    Checkpoint checkpoint;
    std::uint64_t records = 0;
  };
  // One segment as a reader needs it: where it is, where it ends, whether more may come.
  struct Extent {
    std::uint64_t base = 0;
    std::uint64_t limit = 0;
    std::uint64_t records = 0;  // before `limit`; of the newest only
    bool is_newest = false;
    std::shared_ptr<const File> file;
  };
  struct SegmentHead {
    std::int64_t ingest_ms = 0;
    std::uint64_t records = 0;
  };

  struct Numbered {
    std::uint64_t number = 0;
    bool is_exact = true;
  };
  enum class SegmentEnd : std::uint8_t { known, unknown };

  std::string segment_path(std::uint64_t base) const;
  Error position_gone(Position from) const;

  // Opening.
  Result<std::vector<std::uint64_t>> list_segments() const;
  Result<std::uint64_t> set_aside(std::uint64_t base, std::uint64_t size);
  Result<> recover_newest(std::vector<std::uint64_t>& bases, Mark mark);
  Result<> adopt(std::uint64_t base, SegmentScan scan, std::uint64_t size, std::uint64_t go_on_at);
  Result<> note_damage(std::uint64_t from, std::uint64_t to);
  Result<> look_for_damage(std::uint64_t from, std::uint64_t to);
  Result<CursorFile> read_cursor_file();
  Result<> finish_removing(std::vector<std::uint64_t>& bases);
  void take_cursors(CursorFile file);
  void complete(Cursor& cursor, const JournalReport& now) const;

  // Writing.
  Result<> make_room(std::uint64_t bytes);
  Result<> roll(std::uint64_t base);
  Result<> write_header(File& file, std::uint64_t base);
  Result<> write_transaction(const Batch& batch, const Checkpoint& next);
  Result<> stop(Error error);
  Result<> check_writable() const;
  void publish();

  // Reading.
  Result<Extent> extent_at(std::uint64_t offset) const;
  Result<std::shared_ptr<const File>> reader_of(std::uint64_t base) const;
  Result<SegmentHead> segment_head(std::uint64_t base) const;

  // Damage.
  void remember_damage(const Extent& extent, Damage damage) const;
  Result<Damage> described(const Extent& extent, Damage damage) const;
  std::optional<Damage> missing_head(Mark first) const;

  // Numbers.
  Result<std::uint64_t> number_at_end(const Extent& extent) const;
  Result<Numbered> number_ahead(const Extent& extent, std::uint64_t offset, std::uint64_t floor, SegmentEnd end) const;
  Result<Numbered> number_behind(const Extent& extent, const FrameReader::Step& step, std::uint64_t before,
                                 SegmentEnd end) const;
  Result<std::uint64_t> count_on(const Extent& extent, Mark from, std::uint64_t to, SegmentEnd end) const;
  Result<std::uint64_t> number_at(std::uint64_t offset) const;
  Result<std::uint64_t> records_before(const Extent& extent) const;
  void remember_number(Mark place) const;
  Mark first_mark() const;
  std::uint64_t removed_records(Mark first) const;

  // Retention.
  std::uint64_t bytes_on_disk() const;
  // Whether what a destination may still lose (Cursor::unsure_from) has to stay.
  enum class Doubt : std::uint8_t { counts, is_ignored };
  bool every_cursor_is_behind(std::uint64_t offset, Doubt doubt) const;
  Result<> remove_oldest();
  std::vector<std::uint64_t> segment_bases() const;
  void seal_before_removal(std::uint64_t base);
  Result<> flush_receipts();
  Result<> begin_another_segment();
  bool newest_is_empty() const;
  bool has_one_segment() const;
  Result<bool> remove_acknowledged();
  Result<> remove_by_policy();

  FileSystem& files_;
  const Clock& clock_;
  const std::string directory_;
  const JournalOptions options_;
  const bool read_only_;
  mutable Sealer sealer_;  // takes turns itself

  std::unique_ptr<File> tail_file_;
  std::uint64_t tail_base_ = 0;
  std::uint64_t end_ = 0;
  State newest_;
  std::optional<std::string> stopped_;  // why

  std::atomic<std::uint64_t> durable_{0};
  std::uint64_t truncated_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<std::uint64_t, std::optional<SegmentHead>> segments_;  // by base; the head once it was read
  mutable std::vector<std::pair<std::uint64_t, std::shared_ptr<const File>>> open_files_;  // most recent last
  mutable std::map<std::uint64_t, Damage> damage_;                                         // by offset; no two overlap
  mutable std::uint64_t damaged_frames_ = 0;
  mutable NumberCache numbers_;
  mutable std::optional<Damage> missing_head_;
  // Up to where retention has removed. Nothing: whoever removed left no mark (version 1, another process just now).
  mutable std::optional<Mark> removed_;
  State durable_state_;
  std::map<std::string, Cursor, std::less<>> cursors_;
  std::map<std::string, std::uint64_t, std::less<>> attempts_written_;

  std::mutex flush_mutex_;  // guards the next two
  std::string flushed_;
  std::atomic<std::uint64_t> marked_to_{0};  // the durable mark that is on disk

  std::mutex receipts_mutex_;  // guards the next one; not held while the cursors are made durable
  ReceiptWriter receipts_;
};

}  // namespace capstan::store
