// Finds routes that would write one file, whatever their configurations call it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/file_system.h"

namespace capstan::runtime {

class SharedFiles {
public:
  explicit SharedFiles(const FileSystem& files) : files_(files) {}

  struct Owner {
    std::string route;
    std::string path;  // as the route calls the file
  };
  // The route that was added with this file before; nothing: it is the first.
  std::optional<Owner> add(const Owner& owner);

private:
  std::string key(const std::string& path) const;

  const FileSystem& files_;
  std::map<std::string, Owner> owners_;
};

}  // namespace capstan::runtime
