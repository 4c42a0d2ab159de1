// The file sink's options and class, for its declaration and its tests.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/file_system.h"
#include "claims.h"
#include "component/sink.h"
#include "compression.h"
#include "rotated_files.h"

namespace capstan::sinks {

struct FileOptions {
  std::string path;
  Bytes rotate_bytes = 100_MiB;
  std::optional<Duration> rotate_every;
  unsigned keep = 0;
  Compression compression = Compression::none;
};

// How far a file sink got: everything before it is on the disk.
struct FilePosition {
  std::uint64_t rotation = 1;  // number that the file has, or will have when it is rotated away
  std::uint64_t size = 0;      // of that file, unpacked
  bool operator==(const FilePosition&) const = default;
};

// What is stored with the cursor: "1 <rotation> <size> <begun, epoch ms> <is ours: 0 or 1> <path>".
struct FileReceipt {
  FilePosition position;
  Timestamp begun{};    // when the file at that position was begun: rotation by time goes on after a restart
  bool is_ours = true;  // false: what lies behind the position was there before us
  std::string path;
};
std::string to_string(const FileReceipt& receipt);
std::optional<FileReceipt> parse_file_receipt(std::string_view text);

class FileSink final : public Sink {
public:
  FileSink(FileOptions options, const Clock& clock, FileSystem& files, std::shared_ptr<Claims> claims);
  ~FileSink() override;

  // file_not_writable when another route of this process has the path.
  Result<> resume(std::string_view receipt) override;
  Result<Delivery> deliver(const Payload& payload, const Call& call) override;
  Proof proof() const override { return Proof::acknowledged_by_application; }
  std::size_t may_have_arrived() const override { return 0; }  // what comes again is compared with what is there
  bool recognizes_repeats() const override { return true; }
  Result<> probe(const Call& call) override;
  void close() override;

private:
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }
  Result<> find_position(std::string_view receipt);
  Result<FilePosition> write(std::string_view lines);
  Result<std::string_view> skip_rotated(std::string_view lines, FilePosition& at);
  Result<std::size_t> skip_within(const RotatedFile& file, std::string_view lines, FilePosition& at);
  Result<> write_current(std::string_view lines, FilePosition& at);
  Result<> settle_tail(File& file, std::uint64_t size, std::string_view lines, FilePosition& at);
  bool rotation_is_due(std::uint64_t size) const;
  Result<> rotate();
  void tidy(const Call& call);
  Result<> pack_one(const Call& call);
  Result<> remove_surplus();

  FileOptions options_;
  const Clock& clock_;
  FileSystem& files_;
  std::shared_ptr<Claims> claims_;
  std::string directory_;
  std::string base_name_;
  bool has_claim_ = false;

  FilePosition acknowledged_;
  std::uint64_t rotation_ = 1;              // of the file that is written now
  Timestamp begun_{};                       // when it was begun
  bool is_ours_ = true;                     // false: what is in the file was there before us and is never cut
  bool directory_is_synced_ = false;        // the entry of the file that is written now is on the disk
  std::vector<RotatedFile> ahead_;          // rotated files that hold what comes again, by number
  std::unique_ptr<UnpackedReader> reader_;  // of the file at reader_at_.rotation, standing at reader_at_.size
  FilePosition reader_at_;
  std::string lines_;
};

}  // namespace capstan::sinks
