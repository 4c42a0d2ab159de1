#include "journal_walk.h"

namespace capstan::app {

namespace {

constexpr Bytes slice_size = 4_MiB;  // what is in memory at once

}  // namespace

Result<JournalWalk> walk_journal(const store::Journal& journal, store::Position from, const std::stop_token& stop,
                                 FunctionRef<bool(const store::Slice::Item&)> visit) {
  JournalWalk walked;
  for (store::Position at = from;;) {
    if (stop.stop_requested()) return Error(ErrorCode::interrupted, "reading the journal: stopped");
    auto slice = journal.read(at, slice_size);
    if (!slice.has_value() && slice.error().code() == ErrorCode::position_gone && at < journal.report().first) {
      at = journal.report().first;
      continue;
    }
    if (!slice.has_value()) return std::move(slice.error());
    walked.damaged_frames += slice->damaged_frames;
    for (const store::Slice::Item& item : slice->items) {
      ++walked.records;
      if (visit(item)) continue;
      walked.is_whole = false;
      return walked;
    }
    if (slice->end == at) return walked;
    at = slice->end;
  }
}

}  // namespace capstan::app
