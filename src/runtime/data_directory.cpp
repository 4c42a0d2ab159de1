#include "data_directory.h"

#include <fmt/format.h>

namespace capstan::runtime {

Result<> DataDirectory::check(const std::string& path) const {
  const bool is_inside = path.starts_with(path_) && (path.size() == path_.size() || path[path_.size()] == '/');
  if (!is_inside) return {};
  const auto found = TRY(files_.status(path_));
  if (found && found->identity == identity_) return {};
  return Error(ErrorCode::data_dir_away, fmt::format("looking for {}: {} was moved away or unmounted", path, path_));
}

Result<std::unique_ptr<File>> DataDirectory::open(const std::string& path, OpenMode mode) {
  TRY(check(path));
  return files_.open(path, mode);
}

Result<std::vector<std::string>> DataDirectory::list(const std::string& directory) const {
  TRY(check(directory));
  return files_.list(directory);
}

Result<bool> DataDirectory::exists(const std::string& path) const {
  TRY(check(path));
  return files_.exists(path);
}

Result<std::optional<FileStatus>> DataDirectory::status(const std::string& path) const {
  TRY(check(path));
  return files_.status(path);
}

Result<std::string> DataDirectory::real_path(const std::string& path) const { return files_.real_path(path); }

Result<> DataDirectory::make_directories(const std::string& path) {
  TRY(check(path));
  return files_.make_directories(path);
}

Result<> DataDirectory::rename(const std::string& from, const std::string& to) {
  TRY(check(from));
  return files_.rename(from, to);
}

Result<> DataDirectory::rename_to_new(const std::string& from, const std::string& to) {
  TRY(check(from));
  return files_.rename_to_new(from, to);
}

Result<> DataDirectory::remove(const std::string& path) {
  TRY(check(path));
  return files_.remove(path);
}

Result<> DataDirectory::sync_directory(const std::string& directory) {
  TRY(check(directory));
  return files_.sync_directory(directory);
}

Result<std::uint64_t> DataDirectory::free_bytes(const std::string& path) const {
  TRY(check(path));
  return files_.free_bytes(path);
}

}  // namespace capstan::runtime
