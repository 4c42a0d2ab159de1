#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/file_system.h"

namespace capstan {

namespace {

enum class Purpose { reading, writing };

// As the kernel: more links in a row are a circle (path_resolution(7)).
constexpr int links_max = 40;

Error from_errno(int error, Purpose purpose, std::string_view call, const std::string& path) {
  const auto code = [&] {
    switch (error) {
      case ENOSPC:
      case EDQUOT:
      case EFBIG:
        return ErrorCode::disk_full;
      case ENOENT:
      case ENOTDIR:
      case EISDIR:
        return ErrorCode::unreadable_file;
      case EACCES:
      case EPERM:
      case EROFS:
        return purpose == Purpose::reading ? ErrorCode::unreadable_file : ErrorCode::directory_not_writable;
      case EEXIST:
        return ErrorCode::file_exists;
      default:
        return ErrorCode::disk_failed;
    }
  }();
  // Most people meet this one only as the limit of a shell or a unit, which its own words do not name.
  const std::string_view hint = error == EFBIG ? " (the limit on file sizes: ulimit -f, LimitFSIZE=)" : "";
  return {code, fmt::format("{} {}: {}{}", call, path, strerrordesc_np(error), hint)};
}

// Nothing: errno says why.
std::optional<FileStatus> look_at(int directory, const char* name, int flags) {
  struct statx found{};
  if (::statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &found) != 0) return std::nullopt;
  FileStatus status;
  status.identity = {::makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino, 0};
  if ((found.stx_mask & STATX_BTIME) != 0)
    status.identity.born_ns = found.stx_btime.tv_sec * 1'000'000'000 + found.stx_btime.tv_nsec;
  status.kind = S_ISREG(found.stx_mode)   ? FileStatus::Kind::regular
                : S_ISDIR(found.stx_mode) ? FileStatus::Kind::directory
                                          : FileStatus::Kind::other;
  status.size = found.stx_size;
  status.links = found.stx_nlink;
  status.mount = (found.stx_mask & STATX_MNT_ID) != 0 ? found.stx_mnt_id : 0;
  return status;
}

class PosixFile final : public File {
public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override { ::close(fd_); }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return from_errno(errno, Purpose::reading, "reading", path_);
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::array<iovec, 64> vectors;
    while (!pieces.empty()) {
      const std::size_t count = std::min(pieces.size(), vectors.size());
      for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
      offset = TRY(write_vectors(offset, std::span(vectors).first(count)));
      pieces = pieces.subspan(count);
    }
    return {};
  }

  Result<Appended> append(std::string_view bytes) override {
    ssize_t n = 0;
    while ((n = ::write(fd_, bytes.data(), bytes.size())) < 0 && errno == EINTR) continue;
    if (n < 0) return from_errno(errno, Purpose::writing, "writing", path_);
    // The end of what was written is the one certain thing: before it, anybody may have appended.
    const off_t end = ::lseek(fd_, 0, SEEK_CUR);
    if (end < 0) return from_errno(errno, Purpose::writing, "looking for the end of", path_);
    return Appended{static_cast<std::uint64_t>(end - n), static_cast<std::uint64_t>(n)};
  }

  Result<> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
      return from_errno(errno, Purpose::writing, "truncating", path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return from_errno(errno, Purpose::reading, "looking at", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<FileStatus> status() const override {
    if (const auto found = look_at(fd_, "", AT_EMPTY_PATH)) return *found;
    return from_errno(errno, Purpose::reading, "looking at", path_);
  }

  Result<Lock> lock() override {
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return Lock::is_held;
      // Network file systems without a lock service (flock(2), nfs(5)).
      if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return Lock::not_supported;
      return from_errno(errno, Purpose::writing, "locking", path_);
    }
    return Lock::taken;
  }

  Result<> sync() override {
    if (::fdatasync(fd_) != 0) return from_errno(errno, Purpose::writing, "syncing", path_);
    return {};
  }

  Result<> reserve(std::uint64_t size) override {
    if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)) == 0 || errno == EOPNOTSUPP) return {};
    return from_errno(errno, Purpose::writing, "reserving room in", path_);
  }

  void forget(std::uint64_t offset, std::uint64_t length) const override {
    ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_DONTNEED);
  }

private:
  // Writes all vectors; a short write goes on where it stopped. Returns the offset behind.
  Result<std::uint64_t> write_vectors(std::uint64_t offset, std::span<iovec> vectors) {
    while (!vectors.empty()) {
      const ssize_t n = ::pwritev(fd_, vectors.data(), static_cast<int>(vectors.size()), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return from_errno(errno, Purpose::writing, "writing", path_);
      offset += static_cast<std::uint64_t>(n);
      auto written = static_cast<std::size_t>(n);
      while (!vectors.empty() && written >= vectors.front().iov_len) {
        written -= vectors.front().iov_len;
        vectors = vectors.subspan(1);
      }
      if (!vectors.empty()) {
        vectors.front().iov_base = static_cast<char*>(vectors.front().iov_base) + written;
        vectors.front().iov_len -= written;
      }
    }
    return offset;
  }

  int fd_;
  std::string path_;
};

int open_flags(FileSystem::OpenMode mode) {
  switch (mode) {
    case FileSystem::OpenMode::read:
      return O_RDONLY;
    case FileSystem::OpenMode::write_existing:
      return O_RDWR;
    case FileSystem::OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
    case FileSystem::OpenMode::create_or_open:
      return O_RDWR | O_CREAT;
    case FileSystem::OpenMode::append:
      return O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  const int fd = ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, 0640);
  if (fd < 0) return from_errno(errno, mode == OpenMode::read ? Purpose::reading : Purpose::writing, "opening", path);
  return std::make_unique<PosixFile>(fd, path);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& directory) const {
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return from_errno(errno, Purpose::reading, "listing", directory);
  std::vector<std::string> names;
  while (const dirent* item = ::readdir(stream)) {
    const std::string_view name = item->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(stream);
  std::ranges::sort(names);
  return names;
}

Result<bool> PosixFileSystem::exists(const std::string& path) const {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return from_errno(errno, Purpose::reading, "looking at", path);
}

Result<std::optional<FileStatus>> PosixFileSystem::status(const std::string& path) const {
  const auto found = look_at(AT_FDCWD, path.c_str(), 0);
  if (found || errno == ENOENT || errno == ENOTDIR) return found;
  return from_errno(errno, Purpose::reading, "looking at", path);
}

Result<std::string> PosixFileSystem::real_path(const std::string& path) const {
  std::string name = path;
  for (int links = 0; links < links_max; ++links) {
    const std::unique_ptr<char, decltype(&::free)> found(::realpath(name.c_str(), nullptr), &::free);
    if (found) return std::string(found.get());
    if (errno != ENOENT) return from_errno(errno, Purpose::writing, "looking for", path);
    // What is not there may be behind a link that is: opening it would make the file that the link names.
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlink(name.c_str(), target.data(), target.size());
    if (size <= 0) break;
    const std::string_view aim(target.data(), static_cast<std::size_t>(size));
    name = aim.starts_with('/') ? std::string(aim) : directory_of(name) + "/" + std::string(aim);
  }
  std::error_code failed;
  const auto directory = std::filesystem::weakly_canonical(std::filesystem::absolute(directory_of(name)), failed);
  if (failed) return from_errno(failed.value(), Purpose::writing, "looking for", directory_of(name));
  return (directory / name.substr(name.rfind('/') + 1)).string();
}

Result<> PosixFileSystem::make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0750) == 0) {
      TRY(sync_directory(directory_of(part)));
    } else if (errno != EEXIST) {
      return from_errno(errno, Purpose::writing, "making the directory", part);
    }
    if (end == std::string::npos) break;
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return from_errno(errno, Purpose::writing, "looking at", path);
  if (!S_ISDIR(status.st_mode)) return from_errno(ENOTDIR, Purpose::writing, "making the directory", path);
  return {};
}

Result<> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return from_errno(errno, Purpose::writing, "renaming", from);
  return {};
}

Result<> PosixFileSystem::rename_to_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  // Not every file system knows how to do it in one step (renameat2(2)).
  if (errno != EINVAL && errno != ENOSYS) return from_errno(errno, Purpose::writing, "renaming", from);
  if (TRY(exists(to))) return from_errno(EEXIST, Purpose::writing, "renaming", from);
  return rename(from, to);
}

Result<> PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return from_errno(errno, Purpose::writing, "removing", path);
  return {};
}

Result<> PosixFileSystem::sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno(errno, Purpose::writing, "opening", directory);
  const int outcome = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (outcome != 0) return from_errno(error, Purpose::writing, "syncing", directory);
  return {};
}

Result<std::uint64_t> PosixFileSystem::free_bytes(const std::string& path) const {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0)
    return from_errno(errno, Purpose::reading, "looking for free space at", path);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace capstan
