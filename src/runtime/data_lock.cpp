#include "data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace capstan::runtime {

Result<DataLock> DataLock::take(const std::string& data_dir) {
  const std::string path = data_dir + "/lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor < 0) return Error(ErrorCode::directory_not_writable, "locking " + path + ": " + std::strerror(errno));
  DataLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return Error(ErrorCode::already_running, "locking " + path + ": another process has it");
  return Error(ErrorCode::directory_not_writable, "locking " + path + ": " + std::strerror(errno));
}

DataLock::DataLock(DataLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

DataLock::~DataLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace capstan::runtime
