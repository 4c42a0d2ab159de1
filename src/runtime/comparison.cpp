#include "comparison.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

// Sorted by the part that seals keep, so that one list can be looked up both ways.
std::uint64_t low_of(const Journaled& entry) { return entry.identity.low; }

bool are_the_same(const Journaled& a, const Journaled& b) {
  return a.identity.low == b.identity.low && (a.is_removed || b.is_removed || a.identity.high == b.identity.high);
}

// `newer` stands behind `older` in the journal.
Journaled joined(const Journaled& older, Journaled newer) {
  newer.created += older.created;
  if (newer.is_removed && !older.is_removed) newer.identity = older.identity;
  newer.is_removed = newer.is_removed && older.is_removed;
  return newer;
}

}  // namespace

bool is_inventory(const FeedTraits& traits) { return !traits.remember && traits.repetition != Repetition::by_id; }

void Identities::add(const RecordView& record, store::Position behind) {
  all_.push_back({.identity = identity(record.feed, record.id),
                  .content_hash = record.content_hash,
                  .saved_time = record.saved_time,
                  .behind = behind,
                  .created = record.kind == RecordKind::created ? 1U : 0U});
}

void Identities::add(const store::SealedRecord& record) {
  all_.push_back({.identity = {.high = 0, .low = record.identity},
                  .content_hash = record.content_hash,
                  .saved_time = record.saved_time,
                  .behind = {record.position.offset, record.position.index + 1},
                  .created = record.kind == RecordKind::created ? 1U : 0U,
                  .is_removed = true});
}

void Identities::sort() {
  std::ranges::stable_sort(all_, {}, low_of);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (kept > 0 && are_the_same(all_[kept - 1], all_[i]))
      all_[kept - 1] = joined(all_[kept - 1], all_[i]);
    else
      all_[kept++] = all_[i];
  }
  all_.resize(kept);
}

Journaled* Identities::find(const Hash128& identity) {
  for (auto at = std::ranges::lower_bound(all_, identity.low, {}, low_of);
       at != all_.end() && at->identity.low == identity.low; ++at)
    if (at->is_removed || at->identity.high == identity.high) return &*at;
  return nullptr;
}

bool Identities::holds(std::uint64_t sealed_identity) const {
  const auto at = std::ranges::lower_bound(all_, sealed_identity, {}, low_of);
  return at != all_.end() && at->identity.low == sealed_identity;
}

Comparison::Seen Comparison::see(const Window& window, const RecordView& record) {
  if (record.feed != window.feed) return Seen::outside;
  if (!is_inventory_ && (record.saved_time < window.from || record.saved_time >= window.to)) return Seen::outside;
  const Hash128 key = identity(record.feed, record.id);
  if (Journaled* entry = journaled_.find(key)) {
    if (std::exchange(entry->is_shown, true)) return Seen::known;
    const bool is_outdated = traits_.repetition != Repetition::by_id && entry->content_hash != record.content_hash;
    return is_outdated ? Seen::outdated : Seen::known;
  }
  return unknown_.try_emplace(key, record.saved_time).second ? Seen::unknown : Seen::known;
}

}  // namespace capstan::runtime
