#include "temporary_directory.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

namespace capstan::app {

Result<TemporaryDirectory> TemporaryDirectory::make() {
  std::error_code failure;
  std::filesystem::path base = std::filesystem::temp_directory_path(failure);
  if (failure) base = "/tmp";
  std::string path = base / "capstan-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr)
    return Error(ErrorCode::directory_not_writable,
                 "making a temporary directory " + path + ": " + std::generic_category().message(errno));
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace capstan::app
