// The journal on segment files. journal.cpp opens and writes, journal_read.cpp reads, journal_retention.cpp removes,
// journal_cursors.cpp keeps the cursors.
//
//   writer thread: end_, newest_, tail_file_         readers: segments_ and durable state, under mutex_; durable_
//   atomic
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "base/file_system.h"
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
  std::vector<Cursor> cursors() const override;
  Result<Cursor> cursor(std::string_view route) override;
  Result<> acknowledge(const Cursor& cursor) override;
  Result<> flush_cursors() override;
  void add_receipt(std::string_view route, const Receipt& receipt) override;
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
    bool is_newest = false;
    std::shared_ptr<const File> file;
  };
  struct SegmentHead {
    std::int64_t ingest_ms = 0;
    std::uint64_t records = 0;
  };

  std::string segment_path(std::uint64_t base) const;
  Error position_gone(Position from) const;

  // Opening.
  Result<std::vector<std::uint64_t>> list_segments() const;
  Result<std::uint64_t> set_aside(std::uint64_t base, std::uint64_t size);
  Result<> recover_newest(std::vector<std::uint64_t>& bases);
  Result<> adopt(std::uint64_t base, SegmentScan scan, std::uint64_t size);
  Result<> read_cursor_file();

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
  void remember_damage(const Extent& extent, std::uint64_t from, std::uint64_t to) const;
  Result<Damage> describe_damage(const Extent& extent, std::uint64_t from, std::uint64_t to) const;

  // Retention.
  std::uint64_t bytes_on_disk() const;
  bool every_cursor_is_behind(std::uint64_t offset) const;
  Result<> remove_oldest();
  std::vector<std::uint64_t> segment_bases() const;
  void seal_before_removal(std::uint64_t base);
  Result<> count_lost(std::uint64_t new_first);
  Result<bool> remove_acknowledged();
  Result<bool> remove_by_policy();
  Result<std::uint64_t> records_before(Position position) const;

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
  mutable std::map<std::uint64_t, Damage> damage_;
  mutable std::uint64_t damaged_frames_ = 0;
  State durable_state_;
  std::map<std::string, Cursor, std::less<>> cursors_;

  std::mutex flush_mutex_;  // guards the next two
  std::string flushed_;
  ReceiptWriter receipts_;
};

}  // namespace capstan::store
