// One Capstan a data directory: an advisory lock (flock) on data_dir/lock, which the kernel lets go when the process
// ends, however it ends.
#pragma once

#include <string>

#include "base/result.h"

namespace capstan::runtime {

class DataLock {
public:
  // already_running when another process has it; directory_not_writable when the file cannot be made.
  static Result<DataLock> take(const std::string& data_dir);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

private:
  explicit DataLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace capstan::runtime
