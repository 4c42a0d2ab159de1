#include "segment_chain.h"

#include <algorithm>

#include "store/merkle.h"

namespace capstan::runtime {

Result<std::vector<ReportSegment>> segment_chain(FileSystem& files, const std::string& directory,
                                                 const store::Seals& seals, std::uint64_t durable) {
  std::vector<ReportSegment> all;
  for (const store::SealHead& head : seals.heads())
    all.push_back({.base = head.base,
                   .end = head.end,
                   .frames = head.frames,
                   .records = head.records,
                   .is_open = false,
                   .root = head.root,
                   .previous = head.previous,
                   .chain = head.chain});
  const std::vector<std::uint64_t> bases = TRY(store::list_segments(files, directory));
  Sha256 chain{};
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const std::uint64_t base = bases[i];
    if (base >= durable) break;
    if (const store::SealHead* head = seals.find(base); head != nullptr) {
      chain = head->chain;
      end = head->end;
      continue;
    }
    // The seal before it may be of a segment that is gone.
    if (end != base)
      if (const store::SealHead* before = base == 0 ? nullptr : seals.find(base - 1); before != nullptr) {
        chain = before->chain;
        end = before->end;
      }
    ReportSegment segment{.base = base, .previous = end == base ? chain : Sha256{}};
    segment.is_open = i + 1 == bases.size() || bases[i + 1] > durable;
    segment.end = segment.is_open ? durable : bases[i + 1];
    const auto scan = store::scan_frames(files, directory, segment.base, segment.end, [](const store::SealedFrame&) {});
    if (!scan && scan.error().code() == ErrorCode::unreadable_file) continue;  // retention was faster
    if (!scan) return Error(scan.error());
    segment.frames = scan->frames;
    segment.records = scan->records;
    segment.root = scan->root;
    if (!segment.is_open) segment.chain = store::chain_hash(segment.previous, segment.root, segment.base, segment.end);
    chain = segment.chain;
    end = segment.end;
    all.push_back(segment);
  }
  std::ranges::sort(all, {}, &ReportSegment::base);
  return all;
}

}  // namespace capstan::runtime
