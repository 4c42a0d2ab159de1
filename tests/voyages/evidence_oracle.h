// What evidence must say at the end of a voyage: seals what the journal holds, receipts what the receivers got. It asks
// the journal and the receivers; nothing of what wrote the evidence is trusted.
#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"
#include "voyage_oracle.h"

namespace capstan::voyages {

struct EvidencePlace {
  FileSystem& files;
  std::string directory;  // of the journal
  // The power was cut or the disk refused something: then receipts may be missing. They are never wrong.
  bool may_lack_receipts = false;
};

void judge_evidence(const EvidencePlace& place, const Harbour& harbour, runtime::Program& program,
                    const std::vector<RouteTruth>& routes, Logbook& logbook);

}  // namespace capstan::voyages
