// Continuous proof of one source: re-reads closed windows of saved time with what the request budget has to spare, at
// growing ages (proof_schedule.h), collects what is missing, and keeps the ledger (store/proof_ledger.h). So what
// appears at the tenant hours or days after it was saved arrives without a person.
//
//   due ── what the journal and its seals hold ──► ask the window (otherwise) ──► unknown? ──► committer.repair ─┐
//    ▲                                               one poll a step                                            │
//    └───────────────── ledger, at most every few minutes ◄─────────────────────────────────────────────────────┘
//
// Damaged places of the journal are asked for again at once, before anything else, by the same road: with the ids that
// a seal knows, else around the times of their neighbours, and wider when that did not bring everything back.
// When a window turns out to have been incomplete, all younger ones are compared again at once: what held one record
// back held back others.
//
// Stepped by one thread at a time, like the collector; status(), ledger() and fence() by any. Asks through an instance
// of the source of its own, at the lowest urgency.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "component/source.h"
#include "runtime/committer.h"
#include "runtime/plan.h"
#include "runtime/seal_view.h"
#include "runtime/status.h"
#include "runtime/step.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

class Prover {
public:
  struct Options {
    std::string name;    // of the source
    std::string ledger;  // the file
    ProofOptions proof;
    std::size_t entries_max = 200'000;  // journaled records of one question
  };
  // What it learns from the rest of the program; each may be empty.
  struct Surroundings {
    // The service's time, as the collector heard it last; nothing: it has not heard it yet.
    std::function<std::optional<Timestamp>()> service_time;
    // The journal's seals as they are now.
    std::function<Result<std::unique_ptr<SealView>>()> seals;
    // These are about to be appended: a route may have had them already, before the journal lost them.
    std::function<void(const Batch&)> before_repair;
    // Records that routes lost to damage, as their cursors say: more than the ledger knows of means that a place was
    // not seen by this process.
    std::function<std::uint64_t()> lost_to_damage;
  };

  // All that is referred to outlives the prover. Reads the ledger with its first step.
  Prover(Options options, Source& source, Committer& committer, std::size_t number, FileSystem& files,
         const Clock& clock, Surroundings surroundings);
  ~Prover();

  Step step(const std::stop_token& stop);
  // What is on its way to the journal; null: nothing. While there is, a step without a time waits for it.
  const std::shared_ptr<Submission>& submission() const;
  // After the last step: writes the ledger.
  Result<> finish();
  // Any thread: from now on nothing that it does counts.
  void fence();

  // Any thread.
  ProofStatus status() const;
  std::shared_ptr<const store::ProofLedger> ledger() const;
  // A damaged place is known that is being asked for. False, too, while the tenant does not answer.
  bool is_healing() const;

private:
  class Work;
  std::unique_ptr<Work> work_;
};

// What a ledger alone tells, when nothing runs.
ProofStatus proof_status(const store::ProofLedger& ledger, const ProofOptions& options);
// What a route has that takes these feeds (none: all).
std::vector<RouteProof> route_proof(const store::ProofLedger& ledger, const ProofStatus& status,
                                    const std::vector<std::string>& feeds, const store::Position& cursor);

// Where data_dir keeps a source's ledger.
std::string ledger_path(const std::string& data_dir, std::string_view source);

}  // namespace capstan::runtime
