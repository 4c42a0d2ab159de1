#include "prover_question.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

using store::Proof;
using store::ProofWindow;

constexpr Duration hour = std::chrono::hours(1);

Timestamp hour_begin(Timestamp time) { return std::chrono::floor<std::chrono::hours>(time); }

}  // namespace

ProofQuestion::ProofQuestion(ProofTask task, Checkpoint checkpoint, Held held, Identities journaled,
                             Duration late_after)
    : task_(std::move(task)),
      checkpoint_(std::move(checkpoint)),
      held_(held),
      late_after_(late_after),
      comparison_(task_.traits) {
  comparison_.journaled() = std::move(journaled);
}

Result<> ProofQuestion::take(Poll& poll, Timestamp now) {
  const Window window{task_.traits.feed, task_.from, task_.to, Manner::otherwise};
  records_read_ += poll.batch.size();
  for (std::size_t i = 0; i < poll.batch.size(); ++i) {
    RecordView record = poll.batch[i];
    const Comparison::Seen seen = comparison_.see(window, record);
    if (seen == Comparison::Seen::outdated && task_.traits.repetition == Repetition::by_content)
      TRY(newer_.add(record));
    if (seen != Comparison::Seen::unknown) continue;
    // Still on its way: the collector brings it.
    if (!task_.heals && record.saved_time > now - late_after_) continue;
    if (!held_.is_complete) {
      ++unclear_[begin_of(record.saved_time)];
      continue;
    }
    record.kind = RecordKind::created;
    TRY(missing_.add(record));
  }
  checkpoint_ = std::move(poll.next);
  return {};
}

void ProofQuestion::was_appended(const Batch& records, std::uint64_t missing, store::Position end) {
  repaired_ += missing;
  for (std::size_t i = 0; i < records.size(); ++i) {
    ProofWindow& window = repairs_[begin_of(records[i].saved_time)];
    window.behind = std::max(window.behind, end);
    // A newer version of what is journaled is counted with that.
    if (comparison_.unknown().contains(identity(records[i].feed, records[i].id))) {
      ++window.shown;
      ++window.journaled;
    }
    if (missing == 0) continue;
    ++window.repaired;
    --missing;
  }
}

Timestamp ProofQuestion::begin_of(Timestamp saved) const {
  if (task_.is_inventory()) return {};
  return std::max(task_.from, hour_begin(saved));
}

std::vector<ProofWindow> ProofQuestion::repairs() const {
  std::vector<ProofWindow> result;
  for (const auto& [from, window] : repairs_) {
    result.push_back(window);
    result.back().from = from;
  }
  return result;
}

std::vector<ProofWindow> ProofQuestion::windows() const {
  std::map<Timestamp, ProofWindow> windows = repairs_;
  if (task_.is_inventory()) {
    windows[Timestamp{}];
  } else {
    for (Timestamp from = task_.from; from < task_.to; from = hour_begin(from) + hour) windows[from];
  }
  for (const Journaled& entry : comparison_.journaled().all()) {
    ProofWindow& window = windows[begin_of(entry.saved_time)];
    ++window.journaled;
    window.shown += entry.is_shown ? 1U : 0U;
    window.behind = std::max(window.behind, entry.behind);
  }
  std::vector<ProofWindow> result;
  for (auto& [from, window] : windows) {
    window.from = from;
    window.to = task_.is_inventory() ? from : std::min(task_.to, hour_begin(from) + hour);
    window.outcome = Proof::proved;
    if (const auto unclear = unclear_.find(from); unclear != unclear_.end()) {
      window.outcome = Proof::not_comparable;
      window.shown += unclear->second;
      window.why = "retention has removed records of that time and no seal knows them";
    }
    result.push_back(std::move(window));
  }
  return result;
}

}  // namespace capstan::runtime
