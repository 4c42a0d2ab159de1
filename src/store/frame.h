// The frame: what a segment file is made of (docs/formats/journal.md). Writing one, and finding the next whole one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/time.h"

namespace capstan::store {

enum class FrameType : std::uint8_t { header = 1, records = 2, commit = 3 };

struct __attribute__((packed)) FrameHead {
  std::uint32_t magic = 0;
  std::uint32_t crc = 0;     // CRC-32C of everything behind this field, payload included
  std::uint32_t length = 0;  // of the payload
  FrameType type = FrameType::header;
  std::array<std::uint8_t, 3> zero{};
  std::uint64_t offset = 0;  // logical, of the frame: a copy of old bytes at another place is no frame
  std::int64_t ingest_ms = 0;
  std::uint32_t records = 0;  // records: in this frame; commit: in this transaction
  std::uint32_t zero_too = 0;
};
static_assert(sizeof(FrameHead) == 40);  // frame_head_size of store/seal.h

constexpr std::uint32_t frame_magic = 0x4A534E43;  // "CNSJ"
constexpr std::uint32_t format_version = 1;

// The start of the payload of header frames; the checkpoint follows.
struct __attribute__((packed)) HeaderHead {
  std::uint32_t version = format_version;
  std::uint32_t zero = 0;
  std::uint64_t records = 0;  // appended before this segment since the journal was made
};

// The start of the payload of commit frames; the checkpoint follows.
struct __attribute__((packed)) CommitHead {
  std::uint64_t start = 0;       // logical offset of the transaction's first frame
  std::uint64_t synced_to = 0;   // everything before this was durable when the transaction was written
  std::uint64_t records = 0;     // appended up to here since the journal was made
  std::uint32_t frames_crc = 0;  // CRC-32C over the crc fields of the transaction's data frames
  std::uint32_t zero = 0;
};

// Fills in magic, length and crc for a payload that stands in one or two pieces.
FrameHead sealed(FrameHead head, std::string_view payload, std::string_view rest = {});
std::string_view bytes_of(const FrameHead& head);

// Walks the frames of one segment in order, passing over what is damaged: it looks for the next whole frame.
class FrameReader {
public:
  enum class Buffers { reused, kept };  // kept: payloads stay valid until take_buffers()'s result dies

  struct Step {
    enum class Kind { frame, damage, end };
    Kind kind = Kind::end;
    std::uint64_t offset = 0;  // logical
    std::uint64_t next = 0;    // logical, behind it
    FrameHead head;
    std::string_view payload;  // raw_padding readable bytes follow
  };

  // `base` is the segment's, `from` and `limit` are logical too.
  FrameReader(const File& file, std::uint64_t base, std::uint64_t from, std::uint64_t limit, std::size_t chunk,
              Buffers buffers);
  Result<Step> next();
  // Whether the next frame is known without another read, and is not one of records.
  bool next_is_known_and_without_records() const;
  std::vector<std::unique_ptr<char[]>> take_buffers();

private:
  // At least `size` bytes at `at` in the buffer, or as many as the file has.
  Result<std::size_t> have(std::uint64_t at, std::size_t size);
  Result<bool> frame_is_whole_at(std::uint64_t at);
  Result<std::uint64_t> next_whole_behind(std::uint64_t at);
  const char* at(std::uint64_t offset) const { return buffer_.get() + (offset - buffer_begin_); }
  FrameHead head_at(std::uint64_t offset) const;

  const File& file_;
  std::uint64_t base_;
  std::uint64_t position_;
  std::uint64_t limit_;
  std::size_t chunk_;
  Buffers buffers_;
  std::unique_ptr<char[]> buffer_;
  std::size_t buffer_capacity_ = 0;
  bool buffer_has_views_ = false;
  std::uint64_t buffer_begin_ = 0;
  std::uint64_t buffer_end_ = 0;
  std::vector<std::unique_ptr<char[]>> kept_;
};

}  // namespace capstan::store
