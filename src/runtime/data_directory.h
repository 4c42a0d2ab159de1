// The disk as the engine sees it: what lies in data_dir is found only while data_dir is the directory that was locked.
// One that was moved away or unmounted is not "empty" then and is not made anew: every operation on a path in it is an
// error that passes by itself (data_dir_away), and goes on when the directory is back. Files that are open stay usable.
#pragma once

#include <string>

#include "base/file_system.h"

namespace capstan::runtime {

// Any thread may call. Paths outside of data_dir are passed on as they are.
class DataDirectory final : public FileSystem {
public:
  DataDirectory(FileSystem& files, std::string path, FileIdentity identity)
      : files_(files), path_(std::move(path)), identity_(identity) {}

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

private:
  Result<> check(const std::string& path) const;

  FileSystem& files_;
  std::string path_;
  FileIdentity identity_;
};

}  // namespace capstan::runtime
