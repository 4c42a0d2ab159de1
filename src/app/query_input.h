// Where `capstan query` reads: files or standard input, plain or packed (gzip, zstd, told by their first bytes), cut
// into records: lines of NDJSON, or the items of one JSON array.
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"

namespace capstan::app {

// Bytes in order; 0 at the end.
class ByteSource {
public:
  virtual ~ByteSource() = default;
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

std::unique_ptr<ByteSource> stream_source(std::istream& in);
Result<std::unique_ptr<ByteSource>> file_source(FileSystem& files, const std::string& path);
// The same bytes, unpacked where they are packed. `name` is for messages.
Result<std::unique_ptr<ByteSource>> unpacked(std::unique_ptr<ByteSource> packed, const std::string& name);

// Calls `each` with every record and its number from 1, until it says false. A record is followed by raw_padding
// readable bytes. Fails where the source does, where a record is longer than record_size_max, or where an array does
// not close.
constexpr std::size_t record_size_max = 64U << 20;
Result<> each_record(ByteSource& source, const std::string& name,
                     const std::function<bool(std::string_view raw, std::size_t number)>& each);

}  // namespace capstan::app
