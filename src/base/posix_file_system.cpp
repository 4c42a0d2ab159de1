#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file_system.h"

namespace capstan {

namespace {

enum class Purpose { reading, writing };

Error from_errno(int error, Purpose purpose, std::string_view call, const std::string& path) {
  const auto code = [&] {
    switch (error) {
      case ENOSPC:
      case EDQUOT:
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
  return {code, fmt::format("{} {}: {}", call, path, strerrordesc_np(error))};
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
