// One question of the prover: a span of saved time of one feed, compared with what the journal holds, poll after poll.
// Says what to append and, at the end, how each hour came out. Appends nothing itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "comparison.h"
#include "component/source.h"
#include "held_records.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

// What is asked, and why.
struct ProofTask {
  FeedTraits traits;
  Timestamp from{};  // of an inventory both are not looked at
  Timestamp to{};
  bool heals = false;    // a damaged place: also what is young was journaled once, and is asked for
  bool was_due = false;  // by age; else because something was found missing
  bool is_inventory() const { return runtime::is_inventory(traits); }
};

class ProofQuestion {
public:
  // `held` was read for the task's span, into `journaled`.
  ProofQuestion(ProofTask task, Checkpoint checkpoint, Held held, Identities journaled, Duration late_after);

  const ProofTask& task() const { return task_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const Held& held() const { return held_; }
  // Takes one answer, which came at `now` by the service's clock.
  Result<> take(Poll& poll, Timestamp now);
  // What is missing so far and is not handed over yet; what was shown in a newer version. Empty when there is nothing.
  Batch& missing() { return missing_; }
  Batch& newer() { return newer_; }
  // These are durable now, before `end`; so many of them had been missing (what somebody else journaled first had not).
  void was_appended(const Batch& records, std::uint64_t missing, store::Position end);

  std::uint64_t records_read() const { return records_read_; }
  std::uint64_t repaired() const { return repaired_; }
  // How every hour of the span came out, in order; of an inventory one window. Without ages and times.
  std::vector<store::ProofWindow> windows() const;
  // Those in which something was repaired, with that only.
  std::vector<store::ProofWindow> repairs() const;

private:
  Timestamp begin_of(Timestamp saved) const;

  const ProofTask task_;
  Checkpoint checkpoint_;
  const Held held_;
  const Duration late_after_;
  Comparison comparison_;
  Batch missing_;
  Batch newer_;
  std::map<Timestamp, store::ProofWindow> repairs_;  // by begin of the hour: what was repaired and where
  std::map<Timestamp, std::uint64_t> unclear_;       // shown, and may have been removed by retention
  std::uint64_t records_read_ = 0;
  std::uint64_t repaired_ = 0;
};

}  // namespace capstan::runtime
