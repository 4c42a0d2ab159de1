#include "shared_files.h"

#include <fmt/format.h>

#include <filesystem>

namespace capstan::runtime {

std::optional<SharedFiles::Owner> SharedFiles::add(const Owner& owner) {
  const auto [entry, is_new] = owners_.try_emplace(key(owner.path), owner);
  return is_new ? std::nullopt : std::optional(entry->second);
}

// What is there is told by its identity. What is not there yet, by that of the nearest directory above it and the names
// from there. Where even this cannot be looked at, only the text is left.
std::string SharedFiles::key(const std::string& path) const {
  const auto real = files_.real_path(path);
  std::string above = real ? *real : std::filesystem::path(path).lexically_normal().string();
  std::string below;
  while (real) {
    const auto found = files_.status(above);
    if (!found) break;
    if (*found) return fmt::format("{}:{}{}", (*found)->identity.device, (*found)->identity.inode, below);
    below = above.substr(above.rfind('/')) + below;
    above = directory_of(above);
  }
  return above + below;
}

}  // namespace capstan::runtime
