#include "mdca_feed.h"

#include <algorithm>

namespace capstan::mdca {

namespace {

constexpr std::size_t poisoned_max = 1000;
constexpr std::int64_t poison_retry_ms = 3'600'000;

auto most_due(FeedState& state) {
  return std::min_element(state.poisoned.begin(), state.poisoned.end(),
                          [](const Poisoned& a, const Poisoned& b) { return a.retry_at < b.retry_at; });
}

}  // namespace

std::int64_t Feed::floor_at(ServerTime now) const {
  if (const auto since = parse_iso8601(options_.since); since && !options_.since.empty())
    return std::max<std::int64_t>(epoch_ms(*since), 1);
  return std::max<std::int64_t>(now.ms - options_.backfill.count(), 1);
}

std::unique_ptr<Feed> make_feed(const std::string& name, const Options& options, std::string filters) {
  if (name == "activities") return make_activities(options, std::move(filters));
  if (name == "alerts") return make_alerts(options, std::move(filters));
  return make_inventory(name, options, std::move(filters));
}

void add_poisoned(FeedState& state, const Piece& piece, std::uint64_t records, std::int64_t now) {
  const auto from = piece.at ? piece.at : piece.from;
  const auto to = piece.at ? piece.at : piece.to;
  if (!from || !to) return;  // an inventory is read anew anyway
  for (auto& known : state.poisoned) {
    if (known.archived != piece.archived || known.by_saved_time != piece.by_saved_time) continue;
    const bool is_same = known.from == *from && known.to == *to;
    // Of unread places that touch each other one is made.
    const bool touches = records == 0 && known.records == 0 && *from <= known.to + 1 && known.from <= *to + 1;
    if (!is_same && !touches) continue;
    known.from = std::min(known.from, *from);
    known.to = std::max(known.to, *to);
    known.records += records;
    return;
  }
  if (state.poisoned.size() >= poisoned_max) {
    Poisoned& last = state.poisoned.back();
    last.from = std::min(last.from, *from);
    last.to = std::max(last.to, *to);
    last.records += records;
    return;
  }
  state.poisoned.push_back({*from, *to, records, now + poison_retry_ms, piece.archived, piece.by_saved_time});
}

std::int64_t poison_due_at(const FeedState& state) {
  std::int64_t due = never;
  for (const auto& poisoned : state.poisoned) due = std::min(due, poisoned.retry_at);
  return due;
}

Walk plan_poison(const FeedState& state, ServerTime now, Reading reading) {
  FeedState copy = state;
  Walk walk;
  walk.started = now.ms;
  const auto due = most_due(copy);
  if (due == copy.poisoned.end()) return walk;
  Piece piece;
  piece.from = due->from;
  piece.to = due->to;
  piece.archived = due->archived;
  piece.by_saved_time = due->by_saved_time;
  piece.reading = due->archived || due->from == due->to ? Reading::pages : reading;
  walk.pieces.push_back(std::move(piece));
  return walk;
}

void forget_poisoned(FeedState& state) {
  if (const auto due = most_due(state); due != state.poisoned.end()) state.poisoned.erase(due);
}

void postpone_poisoned(FeedState& state, std::int64_t now) {
  if (const auto due = most_due(state); due != state.poisoned.end()) due->retry_at = now + poison_retry_ms;
}

}  // namespace capstan::mdca
