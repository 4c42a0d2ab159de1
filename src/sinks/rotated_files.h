// The names of a file sink's files, and what lies in its directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "compression.h"

namespace capstan::sinks {

struct RotatedFile {
  std::string name;  // in its directory
  std::uint64_t number = 0;
  Compression compression = Compression::none;
};

// "alerts.cef" rotated as number 7: "alerts.cef.20261124T160823Z.7"
std::string rotated_name(std::string_view base_name, Timestamp at, std::uint64_t number);
// Nothing when the name is not one of ours.
std::optional<RotatedFile> parse_rotated_name(std::string_view base_name, std::string_view name);

// Whether it is the name of a rotated file of any base name, packed, or on the way to be.
bool is_rotated_name(std::string_view name);

// What a packed file is called until it is whole.
constexpr std::string_view unfinished_suffix = ".part";

// The rotated files of `base_name` in the directory, by number. Where a file lies there both plain and packed (a crash
// came between), both are listed, the plain one first.
Result<std::vector<RotatedFile>> list_rotated(const FileSystem& files, const std::string& directory,
                                              std::string_view base_name);

}  // namespace capstan::sinks
