// What must be true after every step of a voyage, whatever has happened:
//
//   journaled = delivered + dropped + rejected + lost + waiting      for every journal and route
//   doubles at the receiver ≤ resent                                 equal where no process ended uncleanly
//
// and, now and then, that a backlog is what can be read, and that a record's number is the one it was given.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harbour.h"
#include "journal_follower.h"
#include "runtime/engine.h"
#include "runtime/program.h"
#include "voyage.h"
#include "voyage_plan.h"

namespace capstan::voyages {

class Conservation {
public:
  Conservation(const Itinerary& itinerary, const Harbour& harbour, Dice& dice, Logbook& logbook)
      : itinerary_(itinerary), harbour_(harbour), dice_(dice), logbook_(logbook) {}

  // After every step.
  void check(runtime::Program& program);
  // A process has ended without saying how far it got.
  void note_unclean_end() { ++unclean_ends_; }
  void note_start(runtime::Program& program);
  // The journals of a program that does not run, read by another process. `before`: what the running one said last.
  void check_stopped(FileSystem& files, const Clock& clock, const std::vector<runtime::RouteStatus>& before);

  const std::map<std::string, JournalFollower>& followers() const { return followers_; }
  const Instances& instances() const { return instances_; }

private:
  void check_sum(const std::string& about, const runtime::RouteCursor& cursor, const store::Journal& journal);
  void check_doubles(const RouteTruth& route, const runtime::RouteStatus& status);
  void look_closely(const std::string& source, const store::Journal& journal);

  const Itinerary& itinerary_;
  const Harbour& harbour_;
  Dice& dice_;
  Logbook& logbook_;
  std::uint64_t unclean_ends_ = 0;
  std::map<std::string, JournalFollower> followers_;  // by source
  Instances instances_;
};

}  // namespace capstan::voyages
