#include "owned_file.h"

#include <fmt/format.h>

#include "base/log.h"

namespace capstan::sinks {
namespace {

// Each time somebody has put another file in the place between opening and locking: a rotation, for example.
constexpr int attempts_max = 10;

Error not_regular(const std::string& path, FileStatus::Kind kind) {
  return {ErrorCode::file_not_writable,
          fmt::format("opening {}: expected a file, got {}{}", path, not_a_file(kind),
                      kind == FileStatus::Kind::other ? " (for standard output there is type: stdout)" : "")};
}

// Of the path, or of the nearest directory above it that is there.
Result<FileStatus> nearest_status(const FileSystem& files, std::string path) {
  for (;;) {
    if (const auto found = TRY(files.status(path))) return *found;
    path = directory_of(path);
  }
}

}  // namespace

std::string_view not_a_file(FileStatus::Kind kind) {
  switch (kind) {
    case FileStatus::Kind::regular:
      break;
    case FileStatus::Kind::directory:
      return "a directory";
    case FileStatus::Kind::other:
      return "a pipe, socket or device";
  }
  return "";
}

Result<OwnedFile> OwnedFile::take(FileSystem& files, const std::string& path) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    // Looked at before it is opened: opening a device may do something.
    const auto there = TRY(files.status(path));
    if (there && there->kind != FileStatus::Kind::regular) return not_regular(path, there->kind);
    OwnedFile owned(files, path, TRY(files.real_path(path)));
    TRY(owned.open());
    const auto found = TRY(files.status(path));
    if (!found || found->identity != owned.identity_) continue;
    TRY(owned.remember_directory());
    return owned;
  }
  return Error(ErrorCode::file_in_use, fmt::format("opening {}: it is replaced again and again", path));
}

Result<> OwnedFile::open() {
  TRY(files_->make_directories(directory_of(real_path_)));
  file_ = TRY(files_->open(real_path_, FileSystem::OpenMode::append));
  const FileStatus status = TRY(file_->status());
  if (status.kind != FileStatus::Kind::regular) return not_regular(path_, status.kind);
  identity_ = status.identity;
  return lock();
}

Result<> OwnedFile::lock() {
  switch (TRY(file_->lock())) {
    case File::Lock::taken:
      return {};
    case File::Lock::is_held:
      return Error(ErrorCode::file_in_use,
                   fmt::format("opening {}: {} writes it", path_, lock_holder(*files_, identity_)));
    case File::Lock::not_supported:
      log::repeating("lock " + real_path_,
                     Error(ErrorCode::file_not_writable,
                           fmt::format("locking {}: its file system knows no locks; make sure that no other process "
                                       "writes it. Capstan only appends, so no line is lost",
                                       path_)));
      return {};
  }
  return {};
}

Result<> OwnedFile::remember_directory() {
  std::string directory = directory_of(real_path_);
  directory_ = TRY(files_->open(directory, FileSystem::OpenMode::read));
  const std::uint64_t mount = TRY(directory_->status()).mount;
  while (mount_below_ == 0 && directory != "/") {
    directory = directory_of(directory);
    const std::uint64_t above = TRY(nearest_status(*files_, directory)).mount;
    if (above != mount) mount_below_ = above;
  }
  return {};
}

Result<OwnedFile::Path> OwnedFile::look() const {
  const auto found = TRY(files_->status(path_));
  if (found && found->identity == identity_) return Path::here;
  // A link that leads elsewhere was meant to.
  if (TRY(files_->real_path(path_)) != real_path_) return Path::elsewhere;
  const std::string directory = directory_of(real_path_);
  const auto taken_away = [&](std::string_view how) {
    return Error(ErrorCode::output_taken_away, fmt::format("{} {}", directory, how));
  };
  if (mount_below_ != 0 && TRY(nearest_status(*files_, directory)).mount == mount_below_)
    return taken_away("is not mounted any more");
  if (!TRY(files_->status(directory)) && TRY(directory_->status()).links > 0) return taken_away("was moved away");
  return Path::elsewhere;
}

}  // namespace capstan::sinks
