// All segments of a journal as evidence knows them: from their seals, and read where there is none yet.
#pragma once

#include <string>
#include <vector>

#include "runtime/day_report.h"
#include "store/seal.h"

namespace capstan::runtime {

// In the order of their bases, those that retention removed included as long as they have seals. `durable`: the end of
// the journal; a segment that was closed after it was looked up counts as the open one that it was.
Result<std::vector<ReportSegment>> segment_chain(FileSystem& files, const std::string& directory,
                                                 const store::Seals& seals, std::uint64_t durable);

}  // namespace capstan::runtime
