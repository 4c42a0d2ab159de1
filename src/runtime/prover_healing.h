// What is asked for because a place of the journal is damaged. Pure but for what it reads of journal and seals.
//
//   a seal knows what the place held ──► per feed, from the oldest to the newest of these
//   none does ──► around the times of the place's neighbours ──► fewer came back than it held? ──► everything, once
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "prover_question.h"
#include "runtime/seal_view.h"
#include "store/journal.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

// Takes the journal's damaged places into the ledger. True: there are new ones.
bool note_damage(const store::JournalReport& journal, store::ProofLedger& ledger);
// Those that were healed before are forgotten: nothing tells of them any more.
void forget_damage(store::ProofLedger& ledger, Timestamp healed_before);
// Records that the ledger's places held, as far as that is known.
std::uint64_t damaged_records(const store::ProofLedger& ledger);

struct HealingPlan {
  std::vector<ProofTask> tasks;
  bool is_exact = true;                 // a seal knows everything that the places held
  std::uint64_t expected = 0;           // records that the places held; of places that say nothing, none
  std::vector<store::Position> places;  // their beginnings
};

// For all places that are not healed. `now`: the service's time. The feeds' ledgers say from when on they are
// collected.
Result<HealingPlan> plan_healing(const store::Journal& journal, const SealView& seals, const store::ProofLedger& ledger,
                                 const std::vector<FeedTraits>& feeds, Timestamp now);
// When that did not bring everything back: all that is collected.
std::vector<ProofTask> plan_wide_healing(const store::ProofLedger& ledger, const std::vector<FeedTraits>& feeds,
                                         Timestamp now);
// They were asked for; so many records came back.
void note_healed(store::ProofLedger& ledger, const std::vector<store::Position>& places, std::uint64_t repaired,
                 Timestamp now);

}  // namespace capstan::runtime
