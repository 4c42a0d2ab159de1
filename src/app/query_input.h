// Where `capstan query` reads: files or standard input, plain or packed (gzip, zstd, told by their first bytes), cut
// into records: lines, or the items of one JSON array.
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
// `on_read` is told of every read's bytes, as they are on the disk.
Result<std::unique_ptr<ByteSource>> file_source(FileSystem& files, const std::string& path,
                                                std::function<void(std::size_t)> on_read = {});
// The same bytes, unpacked where they are packed. `name` is for messages.
Result<std::unique_ptr<ByteSource>> unpacked(std::unique_ptr<ByteSource> packed, const std::string& name);

// The first bytes, at most `size` and fewer only where there are no more, and a source that still gives all.
struct Front {
  std::string bytes;
  std::unique_ptr<ByteSource> whole;
};
Result<Front> with_front(std::unique_ptr<ByteSource> source, std::size_t size);

// Calls `each` with every record and its number from 1, until it says false. A record is followed by raw_padding
// readable bytes. Fails where the source does, where a record is longer than record_size_max, or where an array does
// not close.
constexpr std::size_t record_size_max = 64U << 20;
Result<> each_record(ByteSource& source, const std::string& name,
                     const std::function<bool(std::string_view raw, std::size_t number)>& each);

// The same of lines that are no JSON: their line ends are cut and blank ones passed over; numbers count every line.
Result<> each_text_line(ByteSource& source, const std::string& name,
                        const std::function<bool(std::string_view line, std::size_t number)>& each);
// The same of lines of JSON: an array is one record of its line there.
Result<> each_json_line(ByteSource& source, const std::string& name,
                        const std::function<bool(std::string_view raw, std::size_t number)>& each);

}  // namespace capstan::app
