// Reading journals from some point on, for commands that look at what is there.
#pragma once

#include <cstdint>
#include <stop_token>

#include "base/function_ref.h"
#include "store/journal.h"

namespace capstan::app {

// What reading a journal met.
struct JournalWalk {
  std::uint64_t records = 0;
  std::uint64_t damaged_frames = 0;
  bool is_whole = true;  // false: the visitor had enough
};

// Calls `visit` with every record until it says false. What retention removes meanwhile is passed over. Interrupted
// when stopped.
Result<JournalWalk> walk_journal(const store::Journal& journal, store::Position from, const std::stop_token& stop,
                                 FunctionRef<bool(const store::Slice::Item&)> visit);

}  // namespace capstan::app
