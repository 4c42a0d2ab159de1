#include "damage.h"

#include <algorithm>
#include <vector>

namespace capstan::voyages {

namespace {

std::vector<std::string> segments(FileSystem& files, const std::string& directory) {
  std::vector<std::string> paths;
  if (const auto names = files.list(directory))
    for (const std::string& name : *names)
      if (name.ends_with(".segment")) paths.push_back(directory + "/" + name);
  return paths;
}

bool overwrite(FileSystem& files, const std::string& path, std::uint64_t at, std::uint64_t size) {
  auto file = files.open(path, FileSystem::OpenMode::write_existing);
  if (!file) return false;
  const std::uint64_t whole = (*file)->size().value_or(0);
  if (at >= whole) return false;
  const std::string garbage(std::min(size, whole - at), '\xEE');
  return (*file)->write_at(at, garbage) && (*file)->sync();
}

bool cut(FileSystem& files, const std::string& path, std::uint64_t size) {
  auto file = files.open(path, FileSystem::OpenMode::write_existing);
  return file && (*file)->truncate(size) && (*file)->sync();
}

std::uint64_t size_of(FileSystem& files, const std::string& path) {
  auto file = files.open(path, FileSystem::OpenMode::read);
  return file ? (*file)->size().value_or(0) : 0;
}

}  // namespace

bool damage_journal(FileSystem& files, const std::string& directory, DamagedPart part, Dice& dice) {
  const std::vector<std::string> paths = segments(files, directory);
  if (paths.empty()) return false;
  const auto gone = [&](const std::string& path) { return files.remove(path) && files.sync_directory(directory); };
  switch (part) {
    case DamagedPart::head:
      if (paths.size() > 1 && dice.chance(0.3)) return gone(paths.front());
      return overwrite(files, paths.front(), dice.below(100), dice.between(1, 400));
    case DamagedPart::middle: {
      const std::string& path = paths[dice.below(paths.size())];
      if (paths.size() > 2 && dice.chance(0.1)) return gone(paths[1 + dice.below(paths.size() - 2)]);
      return overwrite(files, path, dice.below(size_of(files, path)), dice.between(1, 200));
    }
    case DamagedPart::tail: {
      const std::uint64_t size = size_of(files, paths.back());
      if (dice.chance(0.2)) return gone(paths.back());
      if (dice.chance(0.3)) return cut(files, paths.back(), 0);
      if (dice.chance(0.5)) return cut(files, paths.back(), dice.below(size + 1));
      return overwrite(files, paths.back(), size - std::min(size, dice.between(1, 500)), 500);
    }
  }
  return false;
}

}  // namespace capstan::voyages
