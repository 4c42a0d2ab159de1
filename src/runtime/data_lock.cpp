#include "data_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace capstan::runtime {

namespace {

// Each time somebody else has put another directory or file in the place between opening and locking.
constexpr int attempts_max = 10;

Error not_locked(const std::string& path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT;
  return {is_full ? ErrorCode::disk_full : ErrorCode::directory_not_writable,
          fmt::format("locking {}: {}", path, std::strerror(error))};
}

bool is_same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

DataLock::Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<DataLock> DataLock::take(const std::string& data_dir) {
  Descriptor directory = TRY(lock(data_dir, O_RDONLY | O_DIRECTORY));
  return DataLock(std::move(directory), TRY(lock(data_dir + "/lock", O_RDWR | O_CREAT)));
}

Result<FileIdentity> DataLock::directory() const {
  PosixFileSystem files;
  const auto status = TRY(files.status(fmt::format("/proc/self/fd/{}", directory_.number())));
  if (!status) return Error(ErrorCode::internal, "looking at the locked directory: it is not open");
  return status->identity;
}

// What was locked is worth something only while the path leads to it.
Result<DataLock::Descriptor> DataLock::lock(const std::string& path, int flags) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    Descriptor descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0640));
    if (descriptor.number() < 0) return not_locked(path, errno);
    struct stat locked{};
    if (::fstat(descriptor.number(), &locked) != 0) return not_locked(path, errno);
    if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        PosixFileSystem files;
        return Error(ErrorCode::already_running,
                     fmt::format("locking {}: {} has it", path, lock_holder(files, {locked.st_dev, locked.st_ino, 0})));
      }
      // A directory cannot be opened for writing, which some network file systems want of who locks (nfs(5)).
      if ((flags & O_DIRECTORY) == 0) return not_locked(path, errno);
    }
    struct stat found{};
    if (::stat(path.c_str(), &found) == 0 && is_same_file(found, locked)) return descriptor;
  }
  return Error(ErrorCode::directory_not_writable, fmt::format("locking {}: it is replaced again and again", path));
}

}  // namespace capstan::runtime
