// What a journal holds or once held of a feed and a window of saved time: from the seals of segments that are closed
// (those that retention has removed, too), and from the frames of those that have no seal yet. Reads little: the newest
// segment, and of the seals those that touch the window.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "comparison.h"
#include "runtime/seal_view.h"
#include "store/journal.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

struct Held {
  // No more was taken than allowed.
  bool fits = true;
  // Records of that window may have been removed by retention without leaving a trace.
  bool is_complete = true;
  // What was read: what is journaled from here on is not in it.
  store::Position compared_to;
};

struct HeldQuestion {
  std::string feed;
  Timestamp from;
  Timestamp to;
  std::size_t entries_max = 0;
  // How far this machine's clock is ahead of the service's: journaled times are of this machine.
  Duration clock_is_ahead{};
};

// Adds to `into` and sorts it. What lies in one of the `damaged` places does not count as journaled. Errors of the
// journal and of the seals; interrupted.
Result<Held> read_held(const store::Journal& journal, const SealView& seals,
                       const std::vector<store::DamagedPlace>& damaged, const HeldQuestion& question,
                       const std::stop_token& stop, Identities& into);

// Shows what retention has removed from the journal of a feed and window, as far as seals know. True: all of it.
Result<bool> for_each_removed(const store::Journal& journal, const SealView& seals,
                              const std::vector<store::DamagedPlace>& damaged, const HeldQuestion& question,
                              FunctionRef<void(const store::SealedRecord&)> see);

// From when on, by saved time, nothing can have vanished that way; nothing: nothing has.
Result<std::optional<Timestamp>> complete_from(const store::Journal& journal, const SealView& seals,
                                               Duration clock_is_ahead);

}  // namespace capstan::runtime
