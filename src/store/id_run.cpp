#include "id_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace capstan::store {

namespace {
constexpr std::uint64_t sample_max = 8192;  // 128 KiB a run; there are at most a dozen runs
constexpr std::uint64_t forget_step = 16U << 20;
}  // namespace

Result<std::unique_ptr<IdRun>> IdRun::open(FileSystem& files, const std::string& path, std::uint64_t entries) {
  auto file = TRY(files.open(path, FileSystem::OpenMode::read));
  const std::uint64_t size = TRY(file->size());
  std::unique_ptr<IdRun> run(new IdRun(std::move(file), path, entries));
  if (size != run->blocks() * id_block_size)
    return Error(ErrorCode::index_rebuilt,
                 fmt::format("opening {}: expected {} bytes, got {}", path, run->blocks() * id_block_size, size));
  TRY(run->take_sample());
  return run;
}

Result<> IdRun::take_sample() {
  stride_ = std::max<std::uint64_t>(1, (blocks() + sample_max - 1) / sample_max);
  for (std::uint64_t i = 0; i < blocks(); i += stride_) sample_.push_back(TRY(block(i)).front().key());
  return {};
}

Result<std::vector<IdEntry>> IdRun::block(std::uint64_t number) const {
  std::array<char, id_block_size> bytes;
  const std::size_t got = TRY(file_->read_at(number * id_block_size, bytes));
  std::uint32_t crc = 0;
  std::uint32_t count = 0;
  std::memcpy(&crc, bytes.data(), sizeof crc);
  std::memcpy(&count, bytes.data() + sizeof crc, sizeof count);
  if (got != bytes.size() || crc32c({bytes.data() + sizeof crc, bytes.size() - sizeof crc}) != crc || count == 0 ||
      count > id_entries_per_block)
    return Error(ErrorCode::index_rebuilt, fmt::format("reading {}: block {} is damaged", path_, number));
  std::vector<IdEntry> entries(count);
  std::memcpy(entries.data(), bytes.data() + 2 * sizeof crc, count * sizeof(IdEntry));
  return entries;
}

Result<std::optional<IdEntry>> IdRun::find(Hash128 key) const {
  const auto behind = std::ranges::upper_bound(sample_, key);
  if (behind == sample_.begin()) return std::optional<IdEntry>{};
  std::uint64_t low = static_cast<std::uint64_t>(behind - sample_.begin() - 1) * stride_;
  std::uint64_t high = std::min(low + stride_, blocks());
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const std::vector<IdEntry> entries = TRY(block(middle));
    if (key < entries.front().key()) {
      high = middle;
    } else if (entries.back().key() < key) {
      low = middle + 1;
    } else {
      const auto found = std::ranges::lower_bound(entries, key, {}, &IdEntry::key);
      return found != entries.end() && found->key() == key ? std::optional(*found) : std::nullopt;
    }
  }
  return std::optional<IdEntry>{};
}

Result<IdRunWriter> IdRunWriter::make(FileSystem& files, const std::string& path) {
  auto file = TRY(files.open(path, FileSystem::OpenMode::create_or_open));
  TRY(file->truncate(0));
  return IdRunWriter(std::move(file));
}

Result<> IdRunWriter::add(const IdEntry& entry) {
  pending_.push_back(entry);
  return pending_.size() == id_entries_per_block ? flush() : Result<>{};
}

Result<> IdRunWriter::flush() {
  std::array<char, id_block_size> bytes{};
  const auto count = static_cast<std::uint32_t>(pending_.size());
  std::memcpy(bytes.data() + 4, &count, sizeof count);
  std::memcpy(bytes.data() + 8, pending_.data(), pending_.size() * sizeof(IdEntry));
  const std::uint32_t crc = crc32c({bytes.data() + 4, bytes.size() - 4});
  std::memcpy(bytes.data(), &crc, sizeof crc);
  TRY(file_->write_at(written_, std::string_view(bytes.data(), bytes.size())));
  written_ += bytes.size();
  entries_ += pending_.size();
  pending_.clear();
  if (written_ % forget_step == 0) file_->forget(0, written_);
  return {};
}

Result<std::uint64_t> IdRunWriter::finish() {
  if (!pending_.empty()) TRY(flush());
  TRY(file_->sync());
  file_->forget(0, written_);
  return entries_;
}

}  // namespace capstan::store
