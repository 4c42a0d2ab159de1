// What must be true at the end of a voyage. It asks the tenant and the receivers; of Capstan it only reads the journal,
// for the order and for the sums.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conservation.h"
#include "harbour.h"
#include "runtime/program.h"
#include "simulator/tenant_model.h"
#include "voyage.h"
#include "voyage_plan.h"

namespace capstan::voyages {

// What the tenant had shown at a moment.
struct Shown {
  std::set<std::pair<std::string, std::string>> ids;                  // feed, id
  std::map<std::pair<std::string, std::string>, std::string> newest;  // of the feeds that change: canonical JSON
  std::uint64_t lines = 0;                                            // records and versions
};
Shown ask_tenant(simulator::TenantModel& tenant);

// What the voyage was.
struct Course {
  const Itinerary& itinerary;
  const Conservation& conservation;
  const Shown& shown;        // when the storm was over
  const Shown& shown_after;  // when the program had settled
};
void judge(const Course& course, const Harbour& harbour, const MemoryDeadLetters& letters, runtime::Program& program,
           Logbook& logbook);

}  // namespace capstan::voyages
