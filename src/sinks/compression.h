// Files that are compressed after they were rotated: packing one, and reading any of them from the front.
#pragma once

#include <memory>
#include <stop_token>

#include "base/file_system.h"

namespace capstan::sinks {

enum class Compression : std::uint8_t { none, gzip, zstd };

// "", ".gz", ".zst"
std::string_view suffix(Compression compression);

// Writes the packed content of `from` to `to` (which is replaced) and syncs it; `from` stays. Gives how many bytes of
// `from` that was. Stops early with `interrupted`.
Result<std::uint64_t> pack(FileSystem& files, const std::string& from, const std::string& to, Compression compression,
                           std::stop_token stop);

// The unpacked bytes of a file, front to back.
class UnpackedReader {
public:
  virtual ~UnpackedReader() = default;
  // Up to into.size() bytes; 0 only at the end. A damaged file is an error (disk_failed).
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};
Result<std::unique_ptr<UnpackedReader>> open_unpacked(FileSystem& files, const std::string& path,
                                                      Compression compression);

}  // namespace capstan::sinks
