#include "day_proof.h"

#include <algorithm>
#include <array>

namespace capstan::runtime {

namespace {

constexpr std::string_view not_compared = "not compared";
constexpr std::string_view waiting = "waiting";

// From good to bad. What is not known is worse than what waits, and better than what is missing.
std::size_t badness(std::string_view outcome) {
  constexpr std::array<std::string_view, 5> order{"proved", "waiting", "not compared", "not comparable", "missing"};
  return static_cast<std::size_t>(std::ranges::find(order, outcome) - order.begin());
}

void worsen(HourProof& proof, std::string_view outcome, const std::string& why) {
  if (badness(outcome) <= badness(proof.outcome)) return;
  proof.outcome = outcome;
  proof.why = why;
}

bool overlaps(const store::ProofWindow& window, Timestamp from, Timestamp to) {
  return window.from < to && window.to > from;
}

void take(HourProof& proof, const store::ProofWindow& window, const FeedHour& hour) {
  worsen(proof, to_string(window.outcome), window.why);
  proof.missing = proof.missing.value_or(0);
  proof.repaired = proof.repaired.value_or(0);
  if (window.from >= hour.from && window.to <= hour.to) {
    if (proof.shown) *proof.shown += window.shown;
    *proof.missing += window.missing;
    *proof.repaired += window.repaired;
  } else {
    proof.shown.reset();
  }
  if (window.checked_at != Timestamp{})
    proof.checked_at = std::min(proof.checked_at.value_or(window.checked_at), window.checked_at);
}

HourProof compared(const std::optional<store::ProofLedger>& ledger, const FeedHour& hour) {
  const store::ProofFeed* const feed = ledger ? ledger->find(hour.feed) : nullptr;
  if (feed == nullptr || feed->windows.empty()) return {};
  HourProof proof;
  proof.outcome = "proved";
  if (feed->is_inventory) {
    const store::ProofWindow& whole = feed->windows.front();
    proof.outcome = to_string(whole.outcome);
    proof.why = whole.why.empty() ? "an inventory is compared whole, not by hours" : whole.why;
    proof.missing = 0;
    proof.repaired = 0;
    proof.checked_at = whole.checked_at;
    return proof;
  }
  proof.shown = 0;
  Timestamp covered = hour.from;
  for (const store::ProofWindow& window : feed->windows) {
    if (!overlaps(window, hour.from, hour.to)) continue;
    if (window.from <= covered) covered = std::max(covered, window.to);
    take(proof, window, hour);
  }
  if (covered < hour.to) {
    worsen(proof, not_compared, covered == hour.from ? "" : "a part of this hour was not compared yet");
    proof.shown.reset();
  }
  return proof;
}

}  // namespace

bool has_window(const store::ProofFeed& feed, Timestamp from, Timestamp to) {
  return std::ranges::any_of(
      feed.windows, [&](const store::ProofWindow& window) { return !feed.is_inventory && overlaps(window, from, to); });
}

HourProof proof_of(const std::optional<store::ProofLedger>& ledger, const FeedHour& hour) {
  HourProof proof = compared(ledger, hour);
  if (std::ranges::any_of(hour.routes, [](const RouteDay& route) { return route.waiting > 0; }))
    worsen(proof, waiting, "a route has not delivered all of it yet");
  if (std::ranges::any_of(hour.routes, [](const RouteDay& route) { return route.lost > 0; }))
    worsen(proof, to_string(store::Proof::not_comparable), "retention removed records before a route had them");
  return proof;
}

void RouteDay::add(const RouteDay& other) {
  delivered += other.delivered;
  dropped += other.dropped;
  dead_lettered += other.dead_lettered;
  not_selected += other.not_selected;
  lost += other.lost;
  waiting += other.waiting;
  unknown += other.unknown;
  not_provable += other.not_provable;
  resent += other.resent;
  if (other.first) first = std::min(first.value_or(*other.first), *other.first);
  if (other.last) last = std::max(last.value_or(*other.last), *other.last);
}

FeedHour empty_day(std::string_view feed, Timestamp from, Timestamp to) {
  FeedHour day{.feed = std::string(feed), .from = from, .to = to};
  day.proof.outcome = "proved";
  day.proof.shown = 0;
  return day;
}

void add(FeedHour& total, const FeedHour& hour) {
  total.journaled += hour.journaled;
  total.updates += hour.updates;
  total.quarantined += hour.quarantined;
  for (std::size_t i = 0; i < hour.routes.size(); ++i) total.routes[i].add(hour.routes[i]);
  worsen(total.proof, hour.proof.outcome, hour.proof.why);
  if (total.proof.shown && hour.proof.shown) {
    *total.proof.shown += *hour.proof.shown;
  } else {
    total.proof.shown.reset();
  }
  if (hour.proof.missing) total.proof.missing = total.proof.missing.value_or(0) + *hour.proof.missing;
  if (hour.proof.repaired) total.proof.repaired = total.proof.repaired.value_or(0) + *hour.proof.repaired;
  if (hour.proof.checked_at)
    total.proof.checked_at = std::min(total.proof.checked_at.value_or(*hour.proof.checked_at), *hour.proof.checked_at);
}

}  // namespace capstan::runtime
