// One Capstan a data directory: an advisory lock (flock) on the directory itself, which the kernel lets go when the
// process ends, however it ends. No file can be removed to get around it, and every path to the directory leads to the
// same lock. The file data_dir/lock is locked as well: for a Capstan that knows only the file, and for file systems
// that cannot lock a directory (NFS).
#pragma once

#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/result.h"

namespace capstan::runtime {

class DataLock {
public:
  // already_running when another process has it; directory_not_writable when the directory cannot be locked.
  static Result<DataLock> take(const std::string& data_dir);
  // Of the directory that is locked.
  Result<FileIdentity> directory() const;

private:
  class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    int number() const { return number_; }

  private:
    int number_;
  };

  static Result<Descriptor> lock(const std::string& path, int flags);

  DataLock(Descriptor directory, Descriptor file) : directory_(std::move(directory)), file_(std::move(file)) {}
  Descriptor directory_;
  Descriptor file_;
};

}  // namespace capstan::runtime
