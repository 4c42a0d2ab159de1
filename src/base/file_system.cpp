#include "base/file_system.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <sstream>

namespace capstan {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string lock_holder(FileSystem& files, const FileIdentity& file) {
  // "1: FLOCK  ADVISORY  WRITE 4242 fd:01:131085 0 EOF" (proc_locks(5)); the device in hexadecimal.
  const std::string wanted =
      fmt::format("{:02x}:{:02x}:{}", gnu_dev_major(file.device), gnu_dev_minor(file.device), file.inode);
  const auto locks = read_file(files, "/proc/locks");
  std::istringstream lines(locks ? *locks : std::string());
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string number, kind, mode, access, process, where;
    fields >> number >> kind >> mode >> access >> process >> where;
    if (kind != "FLOCK" || where != wanted) continue;
    if (process == std::to_string(::getpid())) return "another part of this process";
    auto name = read_file(files, fmt::format("/proc/{}/comm", process));
    if (!name) return fmt::format("process {}", process);
    while (name->ends_with('\n')) name->pop_back();
    return fmt::format("process {} ({})", process, *name);
  }
  return "another process";
}

Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t size_max) {
  const auto file = TRY(files.open(path, FileSystem::OpenMode::read));
  std::string content;
  constexpr std::size_t step = 64U << 10;
  for (std::size_t done = 0;;) {
    content.resize(done + step);
    const std::size_t n = TRY(file->read_at(done, std::span(content).subspan(done)));
    done += n;
    if (n < step) {
      content.resize(done);
      return content;
    }
    if (done > size_max)
      return Error(ErrorCode::unreadable_file,
                   fmt::format("reading {}: expected at most {} bytes, got more", path, size_max));
  }
}

Result<> replace_file(FileSystem& files, const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  {
    const auto file = TRY(files.open(fresh, FileSystem::OpenMode::create_or_open));
    TRY(file->truncate(0));
    TRY(file->write_at(0, content));
    TRY(file->sync());
  }
  TRY(files.rename(fresh, path));
  return files.sync_directory(directory_of(path));
}

}  // namespace capstan
