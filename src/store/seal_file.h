// The file of a seal (docs/formats/seal.md): writing its blocks and its foot, and reading them back.
//
//   block: one data frame and its records │ block │ … │ foot: what is said of the whole │ trailer
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "store/merkle.h"
#include "store/seal.h"

namespace capstan::store {

constexpr std::string_view seal_suffix = ".seal";
std::string seal_path(const std::string& directory, std::uint64_t base);
// "00000000000067108864" + suffix → its base; nothing for any other name.
std::optional<std::uint64_t> parse_base(std::string_view name, std::string_view suffix);

struct __attribute__((packed)) SealBlockHead {
  std::uint32_t crc = 0;  // CRC-32C of the rest of the block
  std::uint32_t records = 0;
  std::uint64_t offset = 0;
  std::uint32_t payload = 0;  // bytes of the frame's payload
  std::uint32_t zero = 0;
  std::int64_t ingest_ms = 0;
  Sha256 hash{};
};
static_assert(sizeof(SealBlockHead) == 64);

struct __attribute__((packed)) SealEntry {
  std::uint64_t identity = 0;
  std::uint64_t content_hash = 0;
  std::array<std::uint8_t, 6> saved_ms{};
  std::uint16_t marks = 0;  // bit 0 updated, bit 1 quarantined, above: number of the feed
};
static_assert(sizeof(SealEntry) == 24);

// Feeds of a segment that can be told apart; a frame with a record of a further one is a gap.
constexpr std::size_t seal_feeds_max = (1U << 14) - 1;
// Gaps of a segment that are told apart; a further one makes the last one longer.
constexpr std::size_t seal_gaps_max = 4096;

class SealWriter {
public:
  // Writes beside the seal, to `path`.new.
  static Result<std::unique_ptr<SealWriter>> make(FileSystem& files, std::string directory, std::uint64_t base,
                                                  std::uint64_t end);

  Result<> begin_frame(const SealedFrame& frame);
  void add(const RecordView& record);
  Result<> end_frame();
  void add_gap(OffsetSpan gap);
  // The seal is there and durable when this returns.
  Result<SealHead> finish(const Sha256& previous);

private:
  SealWriter(FileSystem& files, std::string directory, std::unique_ptr<File> file)
      : files_(files), directory_(std::move(directory)), file_(std::move(file)) {}
  std::optional<std::uint16_t> feed_number(std::string_view name);
  Result<> flush();

  FileSystem& files_;
  std::string directory_;
  std::unique_ptr<File> file_;
  SealHead head_;
  MerkleRoot root_;
  std::map<std::string, std::uint16_t, std::less<>> feed_numbers_;
  SealedFrame frame_;
  bool frame_is_told_apart_ = true;
  std::string block_;    // of the frame at hand
  std::string pending_;  // whole blocks, not written yet
  std::uint64_t written_ = 0;
};

// One seal, opened for reading.
class SealReader {
public:
  // not_found, or journal_corrupt when the foot is not whole.
  static Result<SealReader> open(FileSystem& files, const std::string& directory, std::uint64_t base);

  const SealHead& head() const { return head_; }
  // Behind the last block.
  std::uint64_t body_size() const { return body_size_; }
  std::uint64_t file_size() const { return file_size_; }

  struct Block {
    SealedFrame frame;
    std::string_view entries;  // dies with the next read_block
    std::uint64_t next = 0;    // in the file
  };
  // With its records, at the place `at` of the file. journal_corrupt when it is damaged.
  Result<Block> read_block(std::uint64_t at);
  // `head` is this seal's, and names the feeds: the record's feed is a view into it.
  static SealedRecord record(const Block& block, std::uint32_t index, const SealHead& head);

private:
  SealReader(std::unique_ptr<File> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  Result<> read_foot();
  Result<std::string_view> bytes(std::uint64_t at, std::size_t size);
  Error damaged(std::string_view where) const;

  std::unique_ptr<File> file_;
  std::string path_;
  SealHead head_;
  std::uint64_t body_size_ = 0;
  std::uint64_t file_size_ = 0;
  std::string buffer_;
  std::uint64_t buffer_begin_ = 0;
};

}  // namespace capstan::store
