#include "frame.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/digest.h"
#include "event/record.h"

namespace capstan::store {

namespace {
constexpr std::size_t crc_from = offsetof(FrameHead, length);
}

std::string_view bytes_of(const FrameHead& head) { return {reinterpret_cast<const char*>(&head), sizeof head}; }

FrameHead sealed(FrameHead head, std::string_view payload, std::string_view rest) {
  head.magic = frame_magic;
  head.length = static_cast<std::uint32_t>(payload.size() + rest.size());
  head.crc = crc32c(rest, crc32c(payload, crc32c(bytes_of(head).substr(crc_from))));
  return head;
}

FrameReader::FrameReader(const File& file, std::uint64_t base, std::uint64_t from, std::uint64_t limit,
                         std::size_t chunk, Buffers buffers)
    : file_(file), base_(base), position_(from), limit_(limit), chunk_(chunk), buffers_(buffers) {}

Result<FrameReader::Step> FrameReader::next() {
  if (position_ >= limit_)
    return Step{.kind = Step::Kind::end, .offset = limit_, .next = limit_, .head = {}, .payload = {}};
  Step step;
  step.offset = position_;
  if (TRY(frame_is_whole_at(position_))) {
    step.kind = Step::Kind::frame;
    step.head = head_at(position_);
    step.payload = {at(position_) + sizeof(FrameHead), step.head.length};
    step.next = position_ + sizeof(FrameHead) + step.head.length;
    buffer_has_views_ |= step.head.type == FrameType::records;
  } else {
    step.kind = Step::Kind::damage;
    step.next = TRY(next_whole_behind(position_));
  }
  position_ = step.next;
  return step;
}

bool FrameReader::next_is_known_and_without_records() const {
  if (position_ >= limit_ || position_ < buffer_begin_ || position_ + sizeof(FrameHead) > buffer_end_) return false;
  const FrameHead head = head_at(position_);
  return head.magic == frame_magic && head.type != FrameType::records &&
         head.length <= buffer_end_ - position_ - sizeof(FrameHead);
}

std::vector<std::unique_ptr<char[]>> FrameReader::take_buffers() {
  if (buffer_) kept_.push_back(std::move(buffer_));
  buffer_begin_ = buffer_end_ = 0;
  return std::move(kept_);
}

FrameHead FrameReader::head_at(std::uint64_t offset) const {
  FrameHead head;
  std::memcpy(&head, at(offset), sizeof head);
  return head;
}

Result<std::size_t> FrameReader::have(std::uint64_t offset, std::size_t size) {
  if (offset >= buffer_begin_ && offset <= buffer_end_ && buffer_end_ - offset >= size) return size;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, chunk_), limit_ - offset));
  if (buffers_ == Buffers::kept && buffer_ && buffer_has_views_) kept_.push_back(std::move(buffer_));
  buffer_has_views_ = false;
  if (!buffer_ || buffer_capacity_ < wanted) {
    buffer_ = std::make_unique_for_overwrite<char[]>(wanted + raw_padding);
    buffer_capacity_ = wanted;
  }
  const std::size_t got = TRY(file_.read_at(offset - base_, std::span(buffer_.get(), wanted)));
  std::memset(buffer_.get() + got, 0, raw_padding);
  buffer_begin_ = offset;
  buffer_end_ = offset + got;
  return std::min(size, got);
}

Result<bool> FrameReader::frame_is_whole_at(std::uint64_t offset) {
  if (limit_ - offset < sizeof(FrameHead)) return false;
  if (TRY(have(offset, sizeof(FrameHead))) < sizeof(FrameHead)) return false;
  const FrameHead head = head_at(offset);
  if (head.magic != frame_magic || head.offset != offset || head.length > limit_ - offset - sizeof(FrameHead))
    return false;
  const std::size_t size = sizeof(FrameHead) + head.length;
  if (TRY(have(offset, size)) < size) return false;
  return crc32c({at(offset) + crc_from, size - crc_from}) == head.crc;
}

// The logical offset in a frame makes a false hit inside a record's bytes as good as impossible.
Result<std::uint64_t> FrameReader::next_whole_behind(std::uint64_t offset) {
  constexpr std::string_view mark{"CNSJ"};
  for (std::uint64_t from = offset + 1; from + sizeof(FrameHead) <= limit_;) {
    const std::size_t got = TRY(have(from, sizeof(FrameHead)));
    if (got < sizeof(FrameHead)) return limit_;
    const std::string_view seen{at(from), static_cast<std::size_t>(buffer_end_ - from)};
    const std::size_t hit = seen.find(mark);
    if (hit == std::string_view::npos) {
      from += seen.size() - (mark.size() - 1);
      continue;
    }
    from += hit;
    if (TRY(frame_is_whole_at(from))) return from;
    ++from;
  }
  return limit_;
}

}  // namespace capstan::store
