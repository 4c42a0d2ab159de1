#include <fmt/format.h>

#include <algorithm>

#include "seal_file.h"
#include "store/seal.h"

namespace capstan::store {

namespace {

// By how much our clock may be behind the service's.
constexpr Duration clock_difference_max = std::chrono::hours(1);

bool touches(const SealedFeed& feed, Timestamp from, Timestamp to) {
  return feed.records > 0 && feed.oldest_saved < to && feed.newest_saved >= from;
}

// A damaged place may have held any record that was saved before the segment was closed.
bool gaps_may_touch(const SealHead& head, Timestamp from) {
  return !head.last_ingest || *head.last_ingest + clock_difference_max >= from;
}

void append(std::vector<OffsetSpan>& spans, OffsetSpan span) {
  if (span.from >= span.to) return;
  if (!spans.empty() && spans.back().to >= span.from) {
    spans.back().to = std::max(spans.back().to, span.to);
  } else {
    spans.push_back(span);
  }
}

}  // namespace

Result<std::unique_ptr<Seals>> Seals::open(FileSystem& files, std::string directory) {
  std::unique_ptr<Seals> seals(new Seals(files, std::move(directory)));
  for (const std::string& name : TRY(files.list(seals->directory_))) {
    const auto base = parse_base(name, seal_suffix);
    if (!base) continue;
    auto reader = SealReader::open(files, seals->directory_, *base);
    if (reader) {
      seals->heads_.push_back(reader->head());
    } else if (const ErrorCode code = reader.error().code();
               code != ErrorCode::journal_corrupt && code != ErrorCode::not_found) {
      return Error(std::move(reader.error()));
    }
  }
  std::ranges::sort(seals->heads_, {}, &SealHead::base);
  return seals;
}

const SealHead* Seals::find(std::uint64_t offset) const {
  const auto behind = std::ranges::upper_bound(heads_, offset, {}, &SealHead::base);
  if (behind == heads_.begin()) return nullptr;
  const SealHead& head = *std::prev(behind);
  return offset < head.end ? &head : nullptr;
}

std::vector<OffsetSpan> Seals::not_covered(std::uint64_t from, std::uint64_t to) const {
  std::vector<OffsetSpan> spans;
  std::uint64_t at = from;
  for (const SealHead& head : heads_) {
    if (head.end <= from || head.base >= to) continue;
    append(spans, {at, head.base});
    for (const OffsetSpan& gap : head.gaps) append(spans, {std::max(gap.from, from), std::min(gap.to, to)});
    at = head.end;
  }
  append(spans, {std::max(at, from), to});
  return spans;
}

template <class Wants>
Result<SealsNotRead> Seals::walk(const SealHead& head, Wants wants, FunctionRef<void(const SealedRecord&)> see) const {
  const SealsNotRead nothing{{{head.base, head.end}}};
  auto reader = SealReader::open(files_, directory_, head.base);
  if (!reader) {
    const ErrorCode code = reader.error().code();
    if (code == ErrorCode::journal_corrupt || code == ErrorCode::not_found) return nothing;
    return Error(std::move(reader.error()));
  }
  // Another seal than the one of the snapshot: it was made anew meanwhile.
  if (reader->head().end != head.end || reader->head().root != head.root) return nothing;
  std::uint64_t behind = head.base;  // what was seen ends here
  for (std::uint64_t at = 0; at < reader->body_size();) {
    const auto block = reader->read_block(at);
    if (!block && block.error().code() != ErrorCode::journal_corrupt) return Error(block.error());
    // The blocks behind a damaged one cannot be found.
    if (!block) return SealsNotRead{{{behind, head.end}}};
    for (std::uint32_t i = 0; i < block->frame.records; ++i) {
      const SealedRecord record = SealReader::record(*block, i, head);
      if (wants(record)) see(record);
    }
    behind = block->frame.end;
    at = block->next;
  }
  return SealsNotRead{};
}

Result<SealsNotRead> Seals::for_each(std::string_view feed, Timestamp from, Timestamp to,
                                     FunctionRef<void(const SealedRecord&)> see) const {
  SealsNotRead not_read;
  for (const SealHead& head : heads_) {
    if (gaps_may_touch(head, from))
      for (const OffsetSpan& gap : head.gaps) append(not_read.spans, gap);
    const auto facts = std::ranges::find(head.feeds, feed, &SealedFeed::name);
    if (facts == head.feeds.end() || !touches(*facts, from, to)) continue;
    const auto is_wanted = [&](const SealedRecord& record) {
      return record.feed == feed && record.saved_time >= from && record.saved_time < to;
    };
    for (const OffsetSpan& span : TRY(walk(head, is_wanted, see)).spans) append(not_read.spans, span);
  }
  return not_read;
}

Result<SealsNotRead> Seals::for_each(Position from, Position to, FunctionRef<void(const SealedRecord&)> see) const {
  SealsNotRead not_read{not_covered(from.offset, to.index == 0 ? to.offset : to.offset + 1)};
  for (const SealHead& head : heads_) {
    if (head.end <= from.offset || Position{head.base, 0} >= to) continue;
    const auto is_wanted = [&](const SealedRecord& record) { return record.position >= from && record.position < to; };
    for (const OffsetSpan& span : TRY(walk(head, is_wanted, see)).spans) not_read.spans.push_back(span);
  }
  std::ranges::sort(not_read.spans, {}, &OffsetSpan::from);
  SealsNotRead joined;
  for (const OffsetSpan& span : not_read.spans) append(joined.spans, span);
  return joined;
}

Result<std::vector<SealedFrame>> Seals::frames(std::uint64_t base) const {
  SealReader reader = TRY(SealReader::open(files_, directory_, base));
  std::vector<SealedFrame> frames;
  for (std::uint64_t at = 0; at < reader.body_size();) {
    const SealReader::Block block = TRY(reader.read_block(at));
    frames.push_back(block.frame);
    at = block.next;
  }
  return frames;
}

Result<std::vector<SealedRecord>> Seals::records_in(std::uint64_t base, std::uint64_t from, std::uint64_t to) const {
  const auto head = std::ranges::find(heads_, base, &SealHead::base);
  if (head == heads_.end())
    return Error(ErrorCode::not_found, fmt::format("looking for the records at {} of {}: the segment at {} has no seal",
                                                   from, directory_, base));
  SealReader reader = TRY(SealReader::open(files_, directory_, base));
  std::vector<SealedRecord> records;
  for (std::uint64_t at = 0; at < reader.body_size();) {
    const SealReader::Block block = TRY(reader.read_block(at));
    at = block.next;
    if (block.frame.end <= from || block.frame.offset >= to) continue;
    for (std::uint32_t i = 0; i < block.frame.records; ++i) records.push_back(SealReader::record(block, i, *head));
  }
  return records;
}

}  // namespace capstan::store
