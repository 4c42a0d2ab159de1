#include "receipt_track.h"

#include <algorithm>

namespace capstan::runtime {

Result<> ReceiptTrack::load(store::Position from, store::Position to) {
  entries_.clear();
  active_.clear();
  next_ = 0;
  TRY(receipts_.for_each(route_, from, to,
                         [this](const store::Receipt& receipt) { entries_.push_back({receipt, entries_.size()}); }));
  std::ranges::sort(entries_, {}, [](const Entry& entry) { return std::pair(entry.receipt.from, entry.number); });
  return {};
}

const std::vector<ReceiptTrack::Step>& ReceiptTrack::steps_at(store::Position position) {
  std::erase_if(active_, [&](const Entry* entry) { return entry->receipt.to <= position; });
  for (; next_ < entries_.size() && entries_[next_].receipt.from <= position; ++next_) {
    const Entry* const entry = &entries_[next_];
    if (entry->receipt.to <= position) continue;
    active_.insert(std::ranges::upper_bound(active_, entry->number, {}, [](const Entry* one) { return one->number; }),
                   entry);
  }
  steps_.clear();
  for (const Entry* entry : active_) steps_.push_back({&entry->receipt, entry->receipt.outcome(position)});
  return steps_;
}

}  // namespace capstan::runtime
