#include "proof_schedule.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

using store::Proof;
using store::ProofFeed;
using store::ProofWindow;

constexpr Duration hour = std::chrono::hours(1);
constexpr int part_of_age = 4;
// An age is only called barren when it has had the time to find something.
constexpr Duration looked_long_enough = std::chrono::hours(24 * 7);

Timestamp floor_to(Timestamp time, Duration length) {
  const std::int64_t ms = epoch_ms(time);
  const std::int64_t step = length.count();
  return from_epoch_ms(ms - ((ms % step) + step) % step);
}

bool is_quiet(const ProofWindow& window) {
  return window.outcome == Proof::proved && window.shown == 0 && window.journaled == 0 && window.repaired == 0 &&
         window.found_at_age == 0;
}

// No window lies across `at` any more. One that does is quiet, or is compared anew: its figures stay with its first
// part.
void cut(ProofFeed& feed, Timestamp at) {
  const auto across =
      std::ranges::find_if(feed.windows, [&](const ProofWindow& window) { return window.from < at && at < window.to; });
  if (across == feed.windows.end()) return;
  ProofWindow rest = *across;
  rest.from = at;
  rest.shown = rest.journaled = rest.missing = rest.repaired = 0;
  across->to = at;
  feed.windows.insert(std::next(across), std::move(rest));
}

}  // namespace

ProofSchedule::ProofSchedule(std::vector<Duration> ages) : ages_(std::move(ages)) {}

std::uint32_t ProofSchedule::ages_passed(Timestamp to, Timestamp now) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(ages_, [&](Duration age) { return to + age <= now; }));
}

Timestamp ProofSchedule::end_of(const ProofFeed& feed) const {
  return feed.windows.empty() ? feed.since : feed.windows.back().to;
}

Duration ProofSchedule::block(std::size_t age, const ProofFeed& feed) const {
  const Duration length = std::clamp(std::chrono::floor<std::chrono::hours>(ages_[age] / part_of_age),
                                     std::chrono::hours(1), std::chrono::hours(24));
  const bool has_looked =
      !feed.windows.empty() && feed.windows.back().to - feed.windows.front().from >= looked_long_enough + ages_[age];
  const bool is_barren = has_looked && std::ranges::none_of(feed.windows, [&](const ProofWindow& window) {
                           return window.found_at_age > age;
                         });
  return is_barren ? length * 2 : length;
}

std::optional<ProofSchedule::Waiting> ProofSchedule::waiting(std::size_t age, const ProofFeed& feed) const {
  const auto first = std::ranges::find_if(
      feed.windows, [&](const ProofWindow& window) { return window.ages_passed >= 1 && window.ages_passed <= age; });
  if (first == feed.windows.end()) return {};
  const Duration length = block(age, feed);
  const Timestamp end = floor_to(first->from, length) + length;
  return Waiting{{first->from, end}, end + ages_[age]};
}

std::optional<ProofSchedule::Due> ProofSchedule::due(const ProofFeed& feed, Timestamp now) const {
  // What was never compared comes first: it moves proved_until.
  const Timestamp begin = end_of(feed);
  const Timestamp closed = floor_to(now - ages_[0], hour);
  if (begin < closed) return Due{begin, std::min(closed, floor_to(begin, hour) + due_max)};
  std::optional<Waiting> first;
  for (std::size_t age = 1; age < ages_.size(); ++age)
    if (const auto next = waiting(age, feed); next && next->at <= now && (!first || next->at < first->at)) first = next;
  if (!first) return {};
  // What is due behind it is asked for with the same question.
  Due due = first->block;
  const Duration length = due.to - floor_to(due.from, hour);
  while (due.to + length - due.from <= due_max && due.to + length + (first->at - first->block.to) <= now &&
         due.to + length <= begin)
    due.to += length;
  due.to = std::min(due.to, begin);
  return due;
}

Timestamp ProofSchedule::next_at(const ProofFeed& feed, Timestamp now) const {
  if (due(feed, now)) return now;
  Timestamp next = floor_to(end_of(feed), hour) + hour + ages_[0];
  for (std::size_t age = 1; age < ages_.size(); ++age)
    if (const auto one = waiting(age, feed)) next = std::min(next, one->at);
  return next;
}

void put_windows(ProofFeed& feed, Timestamp from, Timestamp to, std::vector<ProofWindow> found) {
  cut(feed, from);
  cut(feed, to);
  const auto inside = [&](const ProofWindow& window) { return window.from >= from && window.to <= to; };
  for (const ProofWindow& before : feed.windows) {
    if (!inside(before)) continue;
    const auto same = std::ranges::find_if(
        found, [&](const ProofWindow& window) { return window.from <= before.from && before.from < window.to; });
    if (same == found.end()) continue;
    same->repaired += before.repaired;
    same->found_at_age = std::max(same->found_at_age, before.found_at_age);
  }
  std::erase_if(feed.windows, inside);
  const auto at = std::ranges::find_if(feed.windows, [&](const ProofWindow& window) { return window.from >= to; });
  feed.windows.insert(at, std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
}

void add_repairs(ProofFeed& feed, const std::vector<ProofWindow>& repairs) {
  for (const ProofWindow& repair : repairs) {
    if (repair.repaired == 0) continue;
    const auto at = std::ranges::find_if(feed.windows, [&](const ProofWindow& window) {
      return feed.is_inventory || (window.from <= repair.from && repair.from < window.to);
    });
    if (at == feed.windows.end()) continue;
    at->repaired += repair.repaired;
    at->behind = std::max(at->behind, repair.behind);
  }
}

void merge_quiet_windows(ProofFeed& feed) {
  std::vector<ProofWindow> merged;
  for (ProofWindow& window : feed.windows) {
    ProofWindow* before = merged.empty() ? nullptr : &merged.back();
    if (before != nullptr && before->to == window.from && is_quiet(*before) && is_quiet(window) &&
        before->ages_passed == window.ages_passed) {
      before->to = window.to;
      before->checked_at = std::min(before->checked_at, window.checked_at);
    } else {
      merged.push_back(std::move(window));
    }
  }
  feed.windows = std::move(merged);
}

void forget_windows_before(ProofFeed& feed, Timestamp time) {
  if (feed.windows.empty() || feed.is_inventory) return;
  cut(feed, time);
  std::erase_if(feed.windows, [&](const ProofWindow& window) { return window.to <= time; });
  if (feed.since < time)
    feed.since = feed.windows.empty() ? time : std::max(feed.since, std::min(time, feed.windows.front().from));
}

}  // namespace capstan::runtime
