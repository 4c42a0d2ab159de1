// A voyage of days: records that appear hours late, a journal that is damaged, kills and power cuts, and the prover
// that sails too. At the end everything that the tenant showed has arrived, nothing stands in the journal twice, and
// the ledger says until when it is proved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace capstan::voyages {

struct ProofLogbook {
  std::uint64_t seed = 0;
  std::vector<std::string> complaints;
  std::uint64_t steps = 0;
  std::uint64_t hours = 0;  // of the tenant's time
  std::uint64_t crashes = 0;
  std::uint64_t damages = 0;
  std::uint64_t shown = 0;
  std::uint64_t repaired = 0;
  std::uint64_t questions = 0;  // of the prover, answered to their end
  std::uint64_t doubles = 0;    // at the receivers
  std::uint64_t resent = 0;
};

ProofLogbook sail_for_proof(std::uint64_t seed);

}  // namespace capstan::voyages
