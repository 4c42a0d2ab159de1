// The file sink's options and class, for its declaration and its tests.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/file_system.h"
#include "component/sink.h"
#include "compression.h"
#include "owned_file.h"
#include "rotated_files.h"
#include "written_lines.h"

namespace capstan::sinks {

struct FileOptions {
  std::string path;
  Bytes rotate_bytes = 100_MiB;
  std::optional<Duration> rotate_every;
  unsigned keep = 0;
  Compression compression = Compression::none;
};

// What is stored with the cursor: "2 <rotation> <size> <begun, epoch ms> <device> <inode> <born, ns> <path>". Version
// 1, which is still read, had no identity: "1 <rotation> <size> <begun, epoch ms> <0 or 1> <path>".
struct FileReceipt {
  FilePosition position;
  Timestamp begun{};  // when the file at that position was begun: rotation by time goes on after a restart
  std::optional<FileIdentity> identity;  // of that file; nothing: its number must do
  std::string path;                      // as it was configured
};
std::string to_string(const FileReceipt& receipt);
std::optional<FileReceipt> parse_file_receipt(std::string_view text);

class FileSink final : public Sink {
public:
  FileSink(FileOptions options, const Clock& clock, FileSystem& files);
  ~FileSink() override;

  // Takes the file: file_in_use when another route or process has it.
  Result<> resume(std::string_view receipt) override;
  Result<Delivery> deliver(const Payload& payload, const Call& call) override;
  Proof proof() const override { return Proof::acknowledged_by_application; }
  std::size_t may_have_arrived() const override { return 0; }  // what comes again is compared with what is there
  bool recognizes_repeats() const override { return true; }
  std::vector<std::string> owned_files() const override { return {options_.path}; }
  Result<> probe(const Call& call) override;
  void close() override;

private:
  const std::string& path() const { return options_.path; }
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }
  Result<std::vector<RotatedFile>> rotated() const { return list_rotated(files_, directory_, base_name_); }
  Result<> find_position(std::string_view receipt);
  Result<std::optional<std::uint64_t>> find_file(const std::optional<FileIdentity>& identity,
                                                 const std::vector<RotatedFile>& rotated_files) const;
  Result<bool> find_acknowledged(const std::vector<RotatedFile>& rotated_files);
  Result<> own();
  Result<> take();
  Result<> begin_file();
  Result<FilePosition> write(std::string_view lines, const Call& call);
  Result<WrittenLines> search(std::string_view lines) const;
  Result<> write_again(std::string_view lines, const std::vector<WrittenLines::Found::Span>& spans);
  Result<> notice_emptied();
  Result<std::uint64_t> append_behind(std::string_view lines, const WrittenLines::Found& found);
  Result<char> last_byte(std::uint64_t size) const;
  Result<std::uint64_t> append(std::string_view lines, std::size_t done, std::uint64_t expected);
  Result<> sync();
  void tell_of_others();
  bool rotation_is_due(std::uint64_t size) const;
  Result<> rotate();
  void tidy(const Call& call);
  Result<> pack_one(const Call& call);
  Result<> remove_surplus();
  bool is_written_by_another(const std::string& name, std::unique_ptr<File>& lock) const;

  FileOptions options_;
  const Clock& clock_;
  FileSystem& files_;

  std::optional<OwnedFile> file_;  // nothing: it has to be taken first
  std::string directory_;          // where it really lies
  std::string base_name_;
  std::optional<FileIdentity> identity_;  // of the file whose number is rotation_
  std::uint64_t rotation_ = 1;            // of the file that is written now
  Timestamp begun_{};                     // when it was begun
  bool directory_is_synced_ = false;      // the entry of the file that is written now is on the disk

  FilePosition acknowledged_;
  std::optional<FileIdentity> acknowledged_in_;  // that file's; nothing: its number must do
  bool has_receipt_ = false;                     // false: acknowledged_ is only where to begin to look
  bool is_settled_ = false;                      // nothing of ours lies behind acknowledged_
  std::optional<WrittenLines> search_;
  bool others_are_told_ = false;
  std::string lines_;
};

}  // namespace capstan::sinks
