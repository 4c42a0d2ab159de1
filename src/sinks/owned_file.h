// The file that a sink writes, and the certainty that no other sink does, in this process or another: what is locked is
// the file itself and not one of its names, and what a path leads to is told by identity, never by text. So symbolic
// links, hard links, ".." and mounts make no difference.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"

namespace capstan::sinks {

class OwnedFile {
public:
  // Makes the file and the directories that lead to it where they are missing. Errors: file_in_use, file_not_writable
  // (something that is no regular file stands there) and those of FileSystem. A file system that knows no locks gives
  // the file all the same and is told in the log.
  static Result<OwnedFile> take(FileSystem& files, const std::string& path);

  File& file() const { return *file_; }
  const FileIdentity& identity() const { return identity_; }
  // Where it lies: absolute, without symbolic links.
  const std::string& real_path() const { return real_path_; }

  // What the path leads to now. `elsewhere`: the file was moved, removed or replaced, or a link leads to another one;
  // take it anew. output_taken_away: its directory was moved away or unmounted, and nothing should be made in its
  // place; this file is still ours.
  enum class Path : std::uint8_t { here, elsewhere };
  Result<Path> look() const;

private:
  OwnedFile(FileSystem& files, std::string path, std::string real_path)
      : files_(&files), path_(std::move(path)), real_path_(std::move(real_path)) {}

  Result<> open();
  Result<> lock();
  Result<> remember_directory();

  FileSystem* files_;
  std::string path_;
  std::string real_path_;
  std::unique_ptr<File> file_;
  FileIdentity identity_;
  std::unique_ptr<File> directory_;  // tells a directory that was moved from one that was removed
  std::uint64_t mount_below_ = 0;    // what would show in place of the directory if it were unmounted; 0: nothing would
};

// "a directory", "a pipe, socket or device"; empty for a regular file.
std::string_view not_a_file(FileStatus::Kind kind);

}  // namespace capstan::sinks
