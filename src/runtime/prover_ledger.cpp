#include "prover_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "runtime/prover.h"

namespace capstan::runtime {

namespace {

using store::Proof;
using store::ProofFeed;
using store::ProofWindow;

// A ledger that is lost is filled again by comparing again, so a write that comes late costs requests and nothing else.
constexpr std::chrono::minutes written_every{5};

// "2026-11-24 16:00"
std::string minute_text(Timestamp time) {
  std::string text = to_iso8601(time).substr(0, 16);
  text[10] = ' ';
  return text;
}

// The first window that is not proved, or nothing: proved to the end.
const ProofWindow* first_open(const ProofFeed& feed) {
  const auto open =
      std::ranges::find_if(feed.windows, [](const ProofWindow& window) { return window.outcome != Proof::proved; });
  return open == feed.windows.end() ? nullptr : &*open;
}

std::string why_not_later(const ProofFeed& feed, const ProofSchedule& schedule, std::optional<Timestamp> now,
                          const std::string& trouble) {
  if (const ProofWindow* open = first_open(feed)) {
    if (feed.is_inventory) return fmt::format("the list is {}: {}", to_string(open->outcome), open->why);
    return fmt::format("{} to {} is {}: {}", minute_text(open->from), minute_text(open->to), to_string(open->outcome),
                       open->why);
  }
  if (!trouble.empty()) return "no answer: " + trouble;
  if (!now) return "the service has not said its time yet";
  if (feed.is_inventory) return feed.windows.empty() ? "the list was not compared yet" : "it is compared once a day";
  if (schedule.due(feed, *now)) return "the next hour is being compared";
  return fmt::format("the next hour is compared at {}", minute_text(schedule.next_at(feed, *now)));
}

}  // namespace

void LedgerKeeper::load() {
  auto read = store::read_proof_ledger(files_, path_);
  if (read)
    ledger_ = std::move(*read);
  else
    log::repeating(path_, std::move(read).during("beginning to prove anew").error());
  written_ = clock_.monotonic();
  publish();
}

void LedgerKeeper::changed(bool at_once) {
  is_changed_ = true;
  is_urgent_ = is_urgent_ || at_once;
  publish();
}

Result<> LedgerKeeper::write_if_due() {
  if (!is_changed_ || (!is_urgent_ && clock_.monotonic() - written_ < written_every)) return {};
  return write_now();
}

Result<> LedgerKeeper::write_now() {
  if (!is_changed_) return {};
  is_urgent_ = false;
  written_ = clock_.monotonic();
  TRY(store::store_proof_ledger(files_, path_, ledger_));
  is_changed_ = false;
  return {};
}

void LedgerKeeper::publish() {
  auto now = std::make_shared<const store::ProofLedger>(ledger_);
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(now);
}

std::shared_ptr<const store::ProofLedger> LedgerKeeper::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

ProofFeedStatus describe(const ProofFeed& feed, const ProofSchedule& schedule, std::optional<Timestamp> now,
                         const std::string& trouble) {
  ProofFeedStatus status;
  status.feed = feed.feed;
  status.proved_until = feed.proved_until();
  status.why_not_later = why_not_later(feed, schedule, now, trouble);
  for (const ProofWindow& window : feed.windows) {
    status.proved += window.outcome == Proof::proved ? 1U : 0U;
    status.missing += window.outcome == Proof::missing ? 1U : 0U;
    status.not_comparable += window.outcome == Proof::not_comparable ? 1U : 0U;
    status.repaired += window.repaired;
    status.checked_at = std::max(status.checked_at.value_or(window.checked_at), window.checked_at);
  }
  return status;
}

ProofStatus proof_status(const store::ProofLedger& ledger, const ProofOptions& options) {
  ProofStatus status;
  status.is_enabled = options.enabled;
  const ProofSchedule schedule(ages_of(options));
  for (const ProofFeed& feed : ledger.feeds) {
    status.feeds.push_back(describe(feed, schedule, std::nullopt, ""));
    if (first_open(feed) == nullptr) status.feeds.back().why_not_later = "Capstan does not run";
  }
  for (const store::DamagedPlace& place : ledger.damage)
    ++(place.healed_at ? status.healed_places : status.damaged_places);
  return status;
}

std::vector<RouteProof> route_proof(const store::ProofLedger& ledger, const ProofStatus& status,
                                    const std::vector<std::string>& feeds, const store::Position& cursor) {
  std::vector<RouteProof> proof;
  for (const ProofFeedStatus& of_source : status.feeds) {
    if (!feeds.empty() && std::ranges::find(feeds, of_source.feed) == feeds.end()) continue;
    if (const ProofFeed* feed = ledger.find(of_source.feed))
      proof.push_back(describe_route(*feed, of_source, cursor));
    else
      proof.push_back({of_source.feed, std::nullopt, of_source.why_not_later});
  }
  return proof;
}

RouteProof describe_route(const ProofFeed& feed, const ProofFeedStatus& status, const store::Position& cursor) {
  RouteProof route;
  route.feed = feed.feed;
  route.proved_until = feed.delivered_until(cursor);
  if (route.proved_until == status.proved_until) {
    route.why_not_later = status.why_not_later;
    return route;
  }
  const auto behind =
      std::ranges::find_if(feed.windows, [&](const ProofWindow& window) { return window.behind > cursor; });
  if (behind == feed.windows.end()) return route;
  route.why_not_later = feed.is_inventory ? std::string("the route has not delivered all of the list")
                                          : fmt::format("the route has not delivered all of {} to {}",
                                                        minute_text(behind->from), minute_text(behind->to));
  return route;
}

}  // namespace capstan::runtime
