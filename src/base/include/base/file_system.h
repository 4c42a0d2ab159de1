// The disk, through a parameter, so that a crash, a full disk or a lost write is a unit test.
// Errors: disk_full (ENOSPC, EDQUOT), disk_failed (EIO and everything unexpected), unreadable_file (ENOENT, EACCES on
// read), directory_not_writable (EACCES, EROFS on write). The sentence names the call and the path. One File is used by
// one thread at a time, except read_at, which any number may call at once. A FileSystem is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace capstan {

class File {
public:
  virtual ~File() = default;
  // Reads up to `into.size()` bytes at `offset`; fewer only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const = 0;
  // Writes all of the pieces one after another at `offset`, or fails (then any part may have been written).
  virtual Result<> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  Result<> write_at(std::uint64_t offset, std::string_view piece) { return write_at(offset, std::span(&piece, 1)); }
  virtual Result<> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  // Data and what is needed to read it back (fdatasync). After a failure the file must be given up, never synced again.
  virtual Result<> sync() = 0;
  // Reserves room without changing the size that readers see, where the disk can (fallocate KEEP_SIZE).
  virtual Result<> reserve(std::uint64_t size) = 0;
  // Tells the kernel that these bytes are not needed in memory any more (posix_fadvise DONTNEED); never fails.
  virtual void forget(std::uint64_t offset, std::uint64_t length) const = 0;
};

class FileSystem {
public:
  enum class OpenMode { read, write_existing, create_new, create_or_open };

  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Names (not paths) of what is in the directory, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) const = 0;
  virtual Result<bool> exists(const std::string& path) const = 0;
  // With all that lead to it; what was made is durable.
  virtual Result<> make_directories(const std::string& path) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
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
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& directory) override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;
};

// The directory that a path is in: "a/b" → "a", "b" → ".", "/b" → "/".
std::string directory_of(const std::string& path);

// The whole file as text. `size_max` guards against a wrong path.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t size_max = 64U << 20);
// Replaces the file's content so that after a crash it is the old or the new, never a mixture.
Result<> replace_file(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace capstan
