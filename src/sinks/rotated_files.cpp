#include "rotated_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace capstan::sinks {
namespace {

constexpr std::string_view stamp_pattern =
    "dddddddd"
    "T"
    "dddddd"
    "Z";

bool is_stamp(std::string_view text) {
  return std::ranges::equal(text, stamp_pattern,
                            [](char c, char pattern) { return pattern == 'd' ? c >= '0' && c <= '9' : c == pattern; });
}

}  // namespace

std::string rotated_name(std::string_view base_name, Timestamp at, std::uint64_t number) {
  return fmt::format("{}.{:%Y%m%dT%H%M%SZ}.{}", base_name,
                     fmt::gmtime(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()), number);
}

std::optional<RotatedFile> parse_rotated_name(std::string_view base_name, std::string_view name) {
  std::string_view rest = name;
  if (!rest.starts_with(base_name)) return std::nullopt;
  rest.remove_prefix(base_name.size());
  if (rest.size() < stamp_pattern.size() + 3 || rest[0] != '.' || !is_stamp(rest.substr(1, stamp_pattern.size())))
    return std::nullopt;
  rest.remove_prefix(1 + stamp_pattern.size());
  if (rest[0] != '.') return std::nullopt;
  rest.remove_prefix(1);

  RotatedFile file;
  file.name = name;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), file.number);
  if (error != std::errc{} || file.number == 0) return std::nullopt;
  const std::string_view ending(end, rest.data() + rest.size());
  for (const auto compression : {Compression::none, Compression::gzip, Compression::zstd}) {
    if (ending != suffix(compression)) continue;
    file.compression = compression;
    return file;
  }
  return std::nullopt;
}

bool is_rotated_name(std::string_view name) {
  if (name.ends_with(unfinished_suffix)) name.remove_suffix(unfinished_suffix.size());
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1))
    if (parse_rotated_name(name.substr(0, dot), name)) return true;
  return false;
}

Result<std::vector<RotatedFile>> list_rotated(const FileSystem& files, const std::string& directory,
                                              std::string_view base_name) {
  std::vector<RotatedFile> found;
  for (const auto& name : TRY(files.list(directory)))
    if (auto file = parse_rotated_name(base_name, name)) found.push_back(std::move(*file));
  std::ranges::sort(found, {}, [](const RotatedFile& file) { return std::pair(file.number, file.compression); });
  return found;
}

}  // namespace capstan::sinks
