#include "event/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace capstan {

namespace {

static_assert(std::endian::native == std::endian::little,
              "the stored form is little endian and is read and written in place");

constexpr std::uint8_t version = 1;
constexpr std::uint8_t flag_updated = 1;
constexpr std::uint8_t flag_quarantined = 2;
constexpr std::uint8_t flag_wtf8 = 4;

// What stands before feed, id and raw. `size` counts everything behind itself.
struct __attribute__((packed)) Head {
  std::uint32_t size;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint8_t feed_size;
  std::uint8_t zero1;
  std::uint16_t id_size;
  std::uint16_t zero2;
  std::int64_t event_time;
  std::int64_t saved_time;
  std::uint64_t content_hash;
};
static_assert(sizeof(Head) == 36);

Error damaged(std::size_t offset, std::string_view why) {
  return {ErrorCode::journal_corrupt, fmt::format("reading the record at offset {}: {}", offset, why)};
}

}  // namespace

Result<> Batch::add(const RecordView& record) {
  const std::size_t size =
      sizeof(Head) - sizeof(Head::size) + record.feed.size() + record.id.size() + record.raw.size();
  if (record.feed.size() > std::numeric_limits<std::uint8_t>::max() ||
      record.id.size() > std::numeric_limits<std::uint16_t>::max() || size > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::not_encodable,
                 fmt::format("adding a record: a feed of {}, an id of {} and a body of {} bytes do not fit",
                             record.feed.size(), record.id.size(), record.raw.size()));
  const Head head{
      static_cast<std::uint32_t>(size),
      version,
      static_cast<std::uint8_t>((record.kind == RecordKind::updated ? flag_updated : 0) |
                                (record.is_quarantined ? flag_quarantined : 0) | (record.is_wtf8 ? flag_wtf8 : 0)),
      static_cast<std::uint8_t>(record.feed.size()),
      0,
      static_cast<std::uint16_t>(record.id.size()),
      0,
      epoch_ms(record.event_time),
      epoch_ms(record.saved_time),
      record.content_hash};
  const std::size_t end = bytes_.size() + sizeof(Head) + record.feed.size() + record.id.size() + record.raw.size();
  if (bytes_.capacity() < end + raw_padding) bytes_.reserve(std::max(end + raw_padding, bytes_.capacity() * 2));
  offsets_.push_back(bytes_.size());
  bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
  bytes_.append(record.feed).append(record.id).append(record.raw);
  return {};
}

RecordView Batch::operator[](std::size_t i) const {
  // What add() wrote can be read; value() would throw if that were ever not so.
  return read_stored(bytes_, offsets_[i]).value().record;
}

std::string_view Batch::stored(std::size_t first, std::size_t last) const {
  const std::size_t begin = first < offsets_.size() ? offsets_[first] : bytes_.size();
  const std::size_t end = last < offsets_.size() ? offsets_[last] : bytes_.size();
  return std::string_view(bytes_).substr(begin, end - begin);
}

void Batch::clear() {
  bytes_.clear();
  offsets_.clear();
}

Result<StoredRecord> read_stored(std::string_view stored, std::size_t offset) {
  if (offset > stored.size() || stored.size() - offset < sizeof(Head))
    return damaged(offset, "it is shorter than its head");
  Head head{};
  std::memcpy(&head, stored.data() + offset, sizeof head);
  if (head.version != version)
    return damaged(offset, fmt::format("expected version {}, got {}", version, head.version));
  const std::size_t end = offset + sizeof(Head::size) + head.size;
  const std::size_t names = sizeof(Head) + head.feed_size + head.id_size;
  if (end > stored.size() || end - offset < names) return damaged(offset, "its sizes do not fit");
  std::string_view rest = stored.substr(offset + sizeof(Head), end - offset - sizeof(Head));
  StoredRecord result;
  result.end = end;
  result.record.feed = rest.substr(0, head.feed_size);
  rest.remove_prefix(head.feed_size);
  result.record.id = rest.substr(0, head.id_size);
  rest.remove_prefix(head.id_size);
  result.record.raw = rest;
  result.record.event_time = from_epoch_ms(head.event_time);
  result.record.saved_time = from_epoch_ms(head.saved_time);
  result.record.content_hash = head.content_hash;
  result.record.kind = (head.flags & flag_updated) != 0 ? RecordKind::updated : RecordKind::created;
  result.record.is_quarantined = (head.flags & flag_quarantined) != 0;
  result.record.is_wtf8 = (head.flags & flag_wtf8) != 0;
  return result;
}

}  // namespace capstan
