// The disk, through a parameter, so that a crash, a full disk or a lost write is a unit test.
// Errors: disk_full (ENOSPC, EDQUOT, EFBIG), disk_failed (EIO and everything unexpected), unreadable_file (ENOENT,
// EACCES on read), directory_not_writable (EACCES, EROFS on write). The sentence names the call and the path. One File
// is used by one thread at a time, except read_at, which any number may call at once. A FileSystem is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace capstan {

// Which file it is, whatever it is called: all names of one file (links, "..", mounts) lead to the same identity. The
// number of a file that was removed is soon given to a new one; when it was made tells the two apart.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t born_ns = 0;  // since the epoch; 0: the file system does not tell
  auto operator<=>(const FileIdentity&) const = default;
};

struct FileStatus {
  FileIdentity identity;
  enum class Kind : std::uint8_t { regular, directory, other } kind = Kind::regular;
  std::uint64_t size = 0;
  std::uint64_t links = 1;  // names that it has; 0: it was removed and lives on only for those who have it open
  std::uint64_t mount = 0;  // number of the mount that the path leads through; 0: the system does not tell
};

class File {
public:
  virtual ~File() = default;
  // Reads up to `into.size()` bytes at `offset`; fewer only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const = 0;
  // Writes all of the pieces one after another at `offset`, or fails (then any part may have been written).
  virtual Result<> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  Result<> write_at(std::uint64_t offset, std::string_view piece) { return write_at(offset, std::span(&piece, 1)); }
  // Only for OpenMode::append: writes behind whatever the file holds by then, also what somebody else appends at the
  // same time. Tells where it stands and how much was taken: all of it, or less where the disk is full or a limit is
  // reached, and the next call says why. An error: nothing was written.
  struct Appended {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  virtual Result<Appended> append(std::string_view bytes) = 0;
  virtual Result<> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual Result<FileStatus> status() const = 0;
  // An advisory lock on the file itself, not on a name of it, until this object is destroyed (flock(2)). Two objects
  // exclude each other also within one process.
  enum class Lock : std::uint8_t { taken, is_held, not_supported };
  virtual Result<Lock> lock() = 0;
  // Data and what is needed to read it back (fdatasync). After a failure the file must be given up, never synced again.
  virtual Result<> sync() = 0;
  // Reserves room without changing the size that readers see, where the disk can (fallocate KEEP_SIZE).
  virtual Result<> reserve(std::uint64_t size) = 0;
  // Tells the kernel that these bytes are not needed in memory any more (posix_fadvise DONTNEED); never fails.
  virtual void forget(std::uint64_t offset, std::uint64_t length) const = 0;
};

class FileSystem {
public:
  // append: made where it is missing; write_at is not for it. Never waits, also when the path leads to a FIFO.
  enum class OpenMode { read, write_existing, create_new, create_or_open, append };

  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Names (not paths) of what is in the directory, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) const = 0;
  virtual Result<bool> exists(const std::string& path) const = 0;
  // Of the file that the path leads to, through symbolic links; nothing: it leads to none.
  virtual Result<std::optional<FileStatus>> status(const std::string& path) const = 0;
  // The absolute path without symbolic links, "." and "..": of a file that is there or would be made by opening it.
  // Directories that are missing are taken as they are written.
  virtual Result<std::string> real_path(const std::string& path) const = 0;
  // With all that lead to it; what was made is durable.
  virtual Result<> make_directories(const std::string& path) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  // file_exists where `to` is taken already.
  virtual Result<> rename_to_new(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& path) = 0;
  // Makes create, rename and remove in this directory durable.
  virtual Result<> sync_directory(const std::string& directory) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) const = 0;
};

class PosixFileSystem final : public FileSystem {
public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<bool> exists(const std::string& path) const override;
  Result<std::optional<FileStatus>> status(const std::string& path) const override;
  Result<std::string> real_path(const std::string& path) const override;
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_to_new(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& directory) override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;
};

// The directory that a path is in: "a/b" → "a", "b" → ".", "/b" → "/".
std::string directory_of(const std::string& path);

// Who holds the lock on a file (File::lock): "process 4242 (capstan)", "another part of this process", or, where the
// system does not tell, "another process". For messages: it may have changed meanwhile.
std::string lock_holder(FileSystem& files, const FileIdentity& file);

// The whole file as text. `size_max` guards against a wrong path.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t size_max = 64U << 20);
// Replaces the file's content so that after a crash it is the old or the new, never a mixture.
Result<> replace_file(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace capstan
