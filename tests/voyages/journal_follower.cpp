#include "journal_follower.h"

#include <algorithm>

namespace capstan::voyages {

void JournalFollower::follow(const store::Journal& journal, Instances& instances) {
  while (at_ < journal.report().durable) {
    const auto slice = journal.read(at_, 1_MiB);
    if (!slice) {
      const store::Position first = journal.report().first;
      if (slice.error().code() != ErrorCode::position_gone || first <= at_) return;
      at_ = first;
      continue;
    }
    for (const auto& item : slice->items) {
      records_.push_back({std::string(item.record.feed), std::string(item.record.id), std::string(item.record.raw),
                          item.position, item.number});
      ++instances[key_of(item.record.feed, item.record.id, item.record.raw)];
    }
    if (slice->end <= at_) return;
    at_ = slice->end;
  }
}

void JournalFollower::restart(const store::Journal& journal) {
  const store::JournalReport report = journal.report();
  at_ = std::min(at_, report.durable);
  while (!records_.empty() && records_.back().number >= report.records) {
    ++unknown_losses_;
    records_.pop_back();
  }
}

}  // namespace capstan::voyages
