// Bytes in order out of files, pipes and standard input, unpacked where they are packed (gzip, zstd: told by their
// first bytes).
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <memory>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/result.h"

namespace capstan::app {

class ByteSource {
public:
  virtual ~ByteSource() = default;
  // 0 at the end. After an error nothing more is asked.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

std::unique_ptr<ByteSource> stream_source(std::istream& in);
// `on_read` is told of every read's bytes, as they are on the disk.
Result<std::unique_ptr<ByteSource>> file_source(FileSystem& files, const std::string& path,
                                                std::function<void(std::size_t)> on_read = {});
// The same bytes, unpacked where they are packed; several gzip members or zstd frames one behind the other are one
// text. Reading fails where the packing is damaged, cut off, or followed by something else, and says at which byte.
// Fails for other packings. `name` is for messages.
Result<std::unique_ptr<ByteSource>> unpacked(std::unique_ptr<ByteSource> packed, const std::string& name);

// The first bytes, at most `size` and fewer only where there are no more, and a source that still gives all. Where the
// source fails on the way, the other one fails behind what was had.
struct Front {
  std::string bytes;
  std::unique_ptr<ByteSource> whole;
};
Front with_front(std::unique_ptr<ByteSource> source, std::size_t size);

}  // namespace capstan::app
