#include "seal_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/digest.h"
#include "frame.h"

namespace capstan::store {

namespace {

constexpr std::uint32_t seal_version = 1;
constexpr std::uint32_t trailer_magic = 0x4C534E43;  // "CNSL"
constexpr std::size_t write_chunk = 256U << 10;
constexpr std::size_t read_chunk = 256U << 10;
// Of the foot: far above 16,383 feeds with long names and 4,096 gaps.
constexpr std::uint64_t foot_size_max = 16U << 20;
constexpr std::uint64_t saved_ms_max = (std::uint64_t{1} << 48) - 1;
constexpr std::uint16_t feed_not_told_apart = seal_feeds_max;

struct __attribute__((packed)) Trailer {
  std::uint32_t magic = trailer_magic;
  std::uint32_t crc = 0;  // CRC-32C of the foot
  std::uint32_t foot_size = 0;
  std::uint32_t zero = 0;
};

// The start of the foot; feeds and gaps follow.
struct __attribute__((packed)) FootHead {
  std::uint32_t version = seal_version;
  std::uint32_t feeds = 0;
  std::uint32_t gaps = 0;
  std::uint32_t has_ingest = 0;
  std::uint64_t base = 0;
  std::uint64_t end = 0;
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  std::int64_t first_ingest_ms = 0;
  std::int64_t last_ingest_ms = 0;
  Sha256 root{};
  Sha256 previous{};
  Sha256 chain{};
};

struct __attribute__((packed)) FootFeed {
  std::uint64_t records = 0;
  std::int64_t oldest_ms = 0;
  std::int64_t newest_ms = 0;
  std::uint32_t name_size = 0;
};

template <class T>
std::string_view plain_bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Takes one plain value off the front; nothing when there are too few bytes.
template <class T>
std::optional<T> take(std::string_view& bytes) {
  if (bytes.size() < sizeof(T)) return {};
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::array<std::uint8_t, 6> pack_saved(Timestamp time) {
  const std::int64_t ms = epoch_ms(time);
  const std::uint64_t kept = ms < 0 ? 0 : std::min<std::uint64_t>(static_cast<std::uint64_t>(ms), saved_ms_max);
  std::array<std::uint8_t, 6> packed{};
  for (std::size_t i = 0; i < packed.size(); ++i) packed[i] = static_cast<std::uint8_t>(kept >> (8 * i));
  return packed;
}

Timestamp unpack_saved(const std::array<std::uint8_t, 6>& packed) {
  std::uint64_t ms = 0;
  for (std::size_t i = 0; i < packed.size(); ++i) ms |= static_cast<std::uint64_t>(packed[i]) << (8 * i);
  return from_epoch_ms(static_cast<std::int64_t>(ms));
}

std::string write_foot(const SealHead& head) {
  const FootHead start{.feeds = static_cast<std::uint32_t>(head.feeds.size()),
                       .gaps = static_cast<std::uint32_t>(head.gaps.size()),
                       .has_ingest = head.first_ingest ? 1U : 0U,
                       .base = head.base,
                       .end = head.end,
                       .frames = head.frames,
                       .records = head.records,
                       .first_ingest_ms = epoch_ms(head.first_ingest.value_or(Timestamp{})),
                       .last_ingest_ms = epoch_ms(head.last_ingest.value_or(Timestamp{})),
                       .root = head.root,
                       .previous = head.previous,
                       .chain = head.chain};
  std::string foot{plain_bytes(start)};
  for (const SealedFeed& feed : head.feeds) {
    foot += plain_bytes(FootFeed{feed.records, epoch_ms(feed.oldest_saved), epoch_ms(feed.newest_saved),
                                 static_cast<std::uint32_t>(feed.name.size())});
    foot += feed.name;
  }
  for (const OffsetSpan& gap : head.gaps) foot += plain_bytes(gap);
  return foot;
}

std::optional<SealHead> parse_foot(std::string_view foot) {
  const auto start = take<FootHead>(foot);
  if (!start || start->version != seal_version) return {};
  SealHead head;
  head.base = start->base;
  head.end = start->end;
  head.frames = start->frames;
  head.records = start->records;
  if (start->has_ingest != 0) {
    head.first_ingest = from_epoch_ms(start->first_ingest_ms);
    head.last_ingest = from_epoch_ms(start->last_ingest_ms);
  }
  head.root = start->root;
  head.previous = start->previous;
  head.chain = start->chain;
  for (std::uint32_t i = 0; i < start->feeds; ++i) {
    const auto feed = take<FootFeed>(foot);
    if (!feed || foot.size() < feed->name_size) return {};
    head.feeds.push_back({std::string(foot.substr(0, feed->name_size)), feed->records, from_epoch_ms(feed->oldest_ms),
                          from_epoch_ms(feed->newest_ms)});
    foot.remove_prefix(feed->name_size);
  }
  for (std::uint32_t i = 0; i < start->gaps; ++i) {
    const auto gap = take<OffsetSpan>(foot);
    if (!gap) return {};
    head.gaps.push_back(*gap);
  }
  if (!foot.empty()) return {};
  return head;
}

}  // namespace

std::uint64_t sealed_identity(std::string_view feed, std::string_view id) { return identity(feed, id).low; }

std::string seal_path(const std::string& directory, std::uint64_t base) {
  return fmt::format("{}/{:020}{}", directory, base, seal_suffix);
}

std::optional<std::uint64_t> parse_base(std::string_view name, std::string_view suffix) {
  if (name.size() != 20 + suffix.size() || !name.ends_with(suffix)) return {};
  std::uint64_t base = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, base);
  if (error != std::errc{} || end != name.data() + 20) return {};
  return base;
}

Result<std::unique_ptr<SealWriter>> SealWriter::make(FileSystem& files, std::string directory, std::uint64_t base,
                                                     std::uint64_t end) {
  auto file = TRY(files.open(seal_path(directory, base) + ".new", FileSystem::OpenMode::create_or_open));
  TRY(file->truncate(0));
  std::unique_ptr<SealWriter> writer(new SealWriter(files, std::move(directory), std::move(file)));
  writer->head_.base = base;
  writer->head_.end = end;
  return writer;
}

std::optional<std::uint16_t> SealWriter::feed_number(std::string_view name) {
  if (const auto found = feed_numbers_.find(name); found != feed_numbers_.end()) return found->second;
  if (head_.feeds.size() >= seal_feeds_max) return {};
  const auto number = static_cast<std::uint16_t>(head_.feeds.size());
  feed_numbers_.emplace(name, number);
  head_.feeds.push_back({std::string(name), 0, Timestamp::max(), Timestamp::min()});
  return number;
}

Result<> SealWriter::begin_frame(const SealedFrame& frame) {
  frame_ = frame;
  frame_.records = 0;
  frame_is_told_apart_ = true;
  block_.assign(sizeof(SealBlockHead), '\0');
  root_.add(frame.hash);
  ++head_.frames;
  head_.first_ingest = std::min(head_.first_ingest.value_or(frame.ingest_time), frame.ingest_time);
  head_.last_ingest = std::max(head_.last_ingest.value_or(frame.ingest_time), frame.ingest_time);
  return {};
}

void SealWriter::add(const RecordView& record) {
  const auto number = feed_number(record.feed);
  SealEntry entry{.identity = sealed_identity(record.feed, record.id),
                  .content_hash = record.content_hash,
                  .saved_ms = pack_saved(record.saved_time),
                  .marks = static_cast<std::uint16_t>((record.kind == RecordKind::updated ? 1U : 0U) |
                                                      (record.is_quarantined ? 2U : 0U) |
                                                      (unsigned{number.value_or(feed_not_told_apart)} << 2U))};
  block_ += plain_bytes(entry);
  ++frame_.records;
  ++head_.records;
  if (!number) {
    frame_is_told_apart_ = false;
    return;
  }
  SealedFeed& feed = head_.feeds[*number];
  const Timestamp saved = unpack_saved(entry.saved_ms);
  ++feed.records;
  feed.oldest_saved = std::min(feed.oldest_saved, saved);
  feed.newest_saved = std::max(feed.newest_saved, saved);
}

Result<> SealWriter::end_frame() {
  SealBlockHead head{.records = frame_.records,
                     .offset = frame_.offset,
                     .payload = static_cast<std::uint32_t>(frame_.end - frame_.offset - sizeof(FrameHead)),
                     .ingest_ms = epoch_ms(frame_.ingest_time),
                     .hash = frame_.hash};
  std::memcpy(block_.data(), &head, sizeof head);
  head.crc = crc32c(std::string_view(block_).substr(sizeof head.crc));
  std::memcpy(block_.data(), &head, sizeof head);
  pending_ += block_;
  if (!frame_is_told_apart_) add_gap({frame_.offset, frame_.end});
  return pending_.size() < write_chunk ? Result<>{} : flush();
}

void SealWriter::add_gap(OffsetSpan gap) {
  if (!head_.gaps.empty() && (head_.gaps.back().to == gap.from || head_.gaps.size() >= seal_gaps_max)) {
    head_.gaps.back().to = gap.to;
    return;
  }
  head_.gaps.push_back(gap);
}

Result<> SealWriter::flush() {
  TRY(file_->write_at(written_, pending_));
  written_ += pending_.size();
  pending_.clear();
  return {};
}

Result<SealHead> SealWriter::finish(const Sha256& previous) {
  head_.root = root_.root();
  head_.previous = previous;
  head_.chain = chain_hash(previous, head_.root, head_.base, head_.end);
  const std::string foot = write_foot(head_);
  pending_ += foot;
  pending_ += plain_bytes(Trailer{.crc = crc32c(foot), .foot_size = static_cast<std::uint32_t>(foot.size())});
  TRY(flush());
  TRY(file_->sync());
  file_.reset();
  const std::string path = seal_path(directory_, head_.base);
  TRY(files_.rename(path + ".new", path));
  TRY(files_.sync_directory(directory_));
  return std::move(head_);
}

Error SealReader::damaged(std::string_view where) const {
  return {ErrorCode::journal_corrupt, fmt::format("reading {}: its {} is damaged", path_, where)};
}

Result<SealReader> SealReader::open(FileSystem& files, const std::string& directory, std::uint64_t base) {
  std::string path = seal_path(directory, base);
  auto file = files.open(path, FileSystem::OpenMode::read);
  if (!file) {
    if (!TRY(files.exists(path)))
      return Error(ErrorCode::not_found, fmt::format("reading {}: there is no such seal", path));
    return Error(std::move(file.error()));
  }
  SealReader reader(std::move(*file), std::move(path));
  TRY(reader.read_foot());
  if (reader.head_.base != base) return reader.damaged("head");
  return reader;
}

Result<> SealReader::read_foot() {
  file_size_ = TRY(file_->size());
  if (file_size_ < sizeof(Trailer)) return damaged("end");
  std::string_view end = TRY(bytes(file_size_ - sizeof(Trailer), sizeof(Trailer)));
  const auto trailer = take<Trailer>(end);
  if (!trailer || trailer->magic != trailer_magic || trailer->zero != 0 || trailer->foot_size > foot_size_max ||
      trailer->foot_size > file_size_ - sizeof(Trailer))
    return damaged("end");
  body_size_ = file_size_ - sizeof(Trailer) - trailer->foot_size;
  const std::string_view foot = TRY(bytes(body_size_, trailer->foot_size));
  if (foot.size() != trailer->foot_size || crc32c(foot) != trailer->crc) return damaged("head");
  auto head = parse_foot(foot);
  if (!head) return damaged("head");
  head_ = std::move(*head);
  return {};
}

// Fewer at the end of the file. The view dies with the next call.
Result<std::string_view> SealReader::bytes(std::uint64_t at, std::size_t size) {
  const bool is_there = at >= buffer_begin_ && at - buffer_begin_ <= buffer_.size() &&
                        buffer_.size() - static_cast<std::size_t>(at - buffer_begin_) >= size;
  if (!is_there) {
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, read_chunk), file_size_ - at)));
    buffer_.resize(TRY(file_->read_at(at, std::span(buffer_))));
    buffer_begin_ = at;
  }
  return std::string_view(buffer_).substr(static_cast<std::size_t>(at - buffer_begin_), size);
}

Result<SealReader::Block> SealReader::read_block(std::uint64_t at) {
  SealBlockHead head;
  const std::string_view start = TRY(bytes(at, sizeof head));
  if (start.size() < sizeof head) return damaged("body");
  std::memcpy(&head, start.data(), sizeof head);
  const std::uint64_t size = sizeof head + std::uint64_t{head.records} * sizeof(SealEntry);
  if (size > body_size_ - at) return damaged("body");
  const std::string_view block = TRY(bytes(at, static_cast<std::size_t>(size)));
  if (block.size() != size || crc32c(block.substr(sizeof head.crc)) != head.crc) return damaged("body");
  return Block{.frame = {.offset = head.offset,
                         .end = head.offset + sizeof(FrameHead) + head.payload,
                         .records = head.records,
                         .ingest_time = from_epoch_ms(head.ingest_ms),
                         .hash = head.hash},
               .entries = block.substr(sizeof head),
               .next = at + size};
}

SealedRecord SealReader::record(const Block& block, std::uint32_t index, const SealHead& head) {
  SealEntry entry;
  std::memcpy(&entry, block.entries.data() + std::size_t{index} * sizeof entry, sizeof entry);
  const std::size_t feed = entry.marks >> 2U;
  return {.identity = entry.identity,
          .content_hash = entry.content_hash,
          .saved_time = unpack_saved(entry.saved_ms),
          .feed = feed < head.feeds.size() ? std::string_view(head.feeds[feed].name) : std::string_view{},
          .kind = (entry.marks & 1U) != 0 ? RecordKind::updated : RecordKind::created,
          .is_quarantined = (entry.marks & 2U) != 0,
          .position = {block.frame.offset, index},
          .ingest_time = block.frame.ingest_time};
}

}  // namespace capstan::store
