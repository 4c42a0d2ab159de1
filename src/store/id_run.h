// A run of the id index: entries sorted by identity in one file that never changes once it was written. Blocks of 4 KiB
// with a CRC; which block a key is in is found by bisection over a sample in memory, then over the file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file_system.h"

namespace capstan::store {

struct __attribute__((packed)) IdEntry {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint64_t content_hash = 0;
  std::int64_t saved_ms = 0;
  std::uint64_t feed = 0;  // hash of its name
  Hash128 key() const { return {high, low}; }
};
static_assert(sizeof(IdEntry) == 40);

constexpr std::size_t id_block_size = 4096;
constexpr std::size_t id_entries_per_block = (id_block_size - 8) / sizeof(IdEntry);  // behind u32 crc, u32 count

class IdRun {
public:
  // Fails with index_rebuilt when the file is not `entries` long or damaged where it is looked at.
  static Result<std::unique_ptr<IdRun>> open(FileSystem& files, const std::string& path, std::uint64_t entries);

  std::uint64_t size() const { return entries_; }
  Result<std::optional<IdEntry>> find(Hash128 key) const;
  Result<std::vector<IdEntry>> block(std::uint64_t number) const;
  std::uint64_t blocks() const { return (entries_ + id_entries_per_block - 1) / id_entries_per_block; }

private:
  IdRun(std::unique_ptr<File> file, std::string path, std::uint64_t entries)
      : file_(std::move(file)), path_(std::move(path)), entries_(entries) {}
  Result<> take_sample();

  std::unique_ptr<File> file_;
  std::string path_;
  std::uint64_t entries_;
  std::uint64_t stride_ = 1;
  std::vector<Hash128> sample_;  // first key of every stride_-th block
};

// Writes a run; entries come in ascending order of their keys.
class IdRunWriter {
public:
  static Result<IdRunWriter> make(FileSystem& files, const std::string& path);
  Result<> add(const IdEntry& entry);
  Result<std::uint64_t> finish();  // durable; how many

private:
  explicit IdRunWriter(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Result<> flush();

  std::unique_ptr<File> file_;
  std::vector<IdEntry> pending_;
  std::uint64_t written_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace capstan::store
