// The prover's ledger at work: kept in memory, written now and then, shown to others as a snapshot, and put into words.
// Used by the prover's thread; snapshot() and statuses by any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "proof_schedule.h"
#include "runtime/status.h"
#include "store/journal.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

class LedgerKeeper {
public:
  LedgerKeeper(FileSystem& files, std::string path, const Clock& clock)
      : files_(files), path_(std::move(path)), clock_(clock) {}

  // An unreadable ledger is an empty one, with a line in the log.
  void load();
  store::ProofLedger& ledger() { return ledger_; }
  // What was changed is to be written: at once, or when it is due.
  void changed(bool at_once);
  // When it is due. A write that does not succeed is tried again later.
  Result<> write_if_due();
  Result<> write_now();
  // Makes what the ledger says now visible.
  void publish();
  std::shared_ptr<const store::ProofLedger> snapshot() const;

private:
  FileSystem& files_;
  const std::string path_;
  const Clock& clock_;
  store::ProofLedger ledger_;
  bool is_changed_ = false;
  bool is_urgent_ = false;
  MonotonicTime written_{};
  mutable std::mutex mutex_;  // guards the next
  std::shared_ptr<const store::ProofLedger> snapshot_ = std::make_shared<const store::ProofLedger>();
};

// What a feed's ledger says, in words. `now`: the service's time, where it is known; `trouble`: why the newest question
// was not answered; empty: it was.
ProofFeedStatus describe(const store::ProofFeed& feed, const ProofSchedule& schedule, std::optional<Timestamp> now,
                         const std::string& trouble);
RouteProof describe_route(const store::ProofFeed& feed, const ProofFeedStatus& status, const store::Position& cursor);

}  // namespace capstan::runtime
