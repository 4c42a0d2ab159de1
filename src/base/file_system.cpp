#include "base/file_system.h"

#include <fmt/format.h>

namespace capstan {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
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
