// data_dir/admin.json, the server's side: written at start, removed at the end.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace capstan::api {

// 256 bits from the kernel, in hexadecimal.
Result<Secret> make_token();

class WrittenAdminFile {
public:
  // Replaces an older file. Written past the FileSystem because the mode (0600) is the point: whoever reads the token
  // may start a replay.
  static Result<WrittenAdminFile> write(const std::string& data_dir, const std::string& address, const Secret& token);
  WrittenAdminFile(WrittenAdminFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WrittenAdminFile& operator=(WrittenAdminFile&&) = delete;
  ~WrittenAdminFile();

private:
  explicit WrittenAdminFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace capstan::api
