#include "day_walk.h"

#include <algorithm>
#include <array>

#include "day_proof.h"
#include "segment_chain.h"

namespace capstan::runtime {

namespace {

// Receipts that are in memory at once belong to so much of the journal: about a hundred thousand payloads at most.
constexpr std::uint64_t batch_bytes_max = 256U << 20;
constexpr Bytes slice_max = 1_MiB;
// By how much our clock may be behind the service's.
constexpr Duration clock_difference_max = std::chrono::hours(1);
constexpr Duration hour = std::chrono::hours(1);

bool takes(const ReportRoute& route, std::string_view feed) {
  return route.feeds.empty() || std::ranges::find(route.feeds, feed) != route.feeds.end();
}

void widen(std::optional<Timestamp>& first, std::optional<Timestamp>& last, Timestamp time) {
  first = std::min(first.value_or(time), time);
  last = std::max(last.value_or(time), time);
}

// A record may have been delivered after it was dead-lettered (replayed): what went best counts.
std::optional<store::Outcome> best(const std::vector<ReceiptTrack::Step>& steps) {
  using store::Outcome;
  for (const Outcome outcome :
       {Outcome::delivered, Outcome::rejected, Outcome::dropped, Outcome::not_selected, Outcome::lost})
    if (std::ranges::find(steps, outcome, &ReceiptTrack::Step::outcome) != steps.end()) return outcome;
  return {};
}

template <class Named>
Named& named(std::vector<Named>& list, std::string Named::* member, const std::string& name) {
  const auto found = std::ranges::find(list, name, member);
  if (found != list.end()) return *found;
  list.emplace_back().*member = name;
  return list.back();
}

}  // namespace

Result<SourceDay> DayWalk::run() {
  result_.source = source_.name;
  result_.tenant = source_.tenant;
  TRY(open());
  TRY(find_pieces());
  TRY(walk_pieces());
  TRY(add_segments());
  if (source_.ledger)
    for (const store::ProofFeed& feed : source_.ledger->feeds)
      for (Timestamp at = from_; at < to_; at += hour)
        if (has_window(feed, at, std::min(at + hour, to_)))
          hour_of(feed.feed, static_cast<std::size_t>((at - from_) / hour));
  for (auto& [feed, hours] : hours_) {
    FeedHour total = empty_day(feed, from_, to_);
    for (const Route& route : routes_) total.routes.push_back({.route = route.names.route});
    for (auto& one : hours) {
      if (!one) continue;
      one->proof = proof_of(source_.ledger, *one);
      add(total, *one);
      result_.hours.push_back(std::move(*one));
    }
    result_.totals.push_back(std::move(total));
  }
  for (Route& route : routes_) result_.routes.push_back(std::move(route.names));
  return std::move(result_);
}

Result<> DayWalk::open() {
  seals_ = TRY(store::Seals::open(files_, source_.directory));
  receipts_ = TRY(store::Receipts::open(files_, source_.directory));
  const auto add_route = [&](const ReportRoute* configured, const std::string& name) {
    RouteNames names;
    names.route = name;
    names.is_configured = configured != nullptr;
    routes_.push_back({configured, ReceiptTrack(*receipts_, name), std::move(names)});
  };
  for (const ReportRoute& route : source_.routes) add_route(&route, route.name);
  for (const std::string& name : receipts_->routes())
    if (std::ranges::find(source_.routes, name, &ReportRoute::name) == source_.routes.end()) add_route(nullptr, name);
  return {};
}

// A seal's head tells whether its segment holds records of the day; a segment without a seal has to be read.
Result<> DayWalk::find_pieces() {
  const store::JournalReport journal = source_.journal->report();
  for (const store::SealHead& head : seals_->heads()) {
    const bool is_touched = std::ranges::any_of(head.feeds, [&](const store::SealedFeed& feed) {
      return feed.records > 0 && feed.oldest_saved < to_ && feed.newest_saved >= from_;
    });
    if (is_touched) pieces_.push_back({head.base, head.end, true});
    if (!head.last_ingest || *head.last_ingest + clock_difference_max >= from_)
      for (const store::OffsetSpan& gap : head.gaps)
        result_.not_known.push_back({gap.from, gap.to, "it was damaged before it could be sealed"});
  }
  const auto in_a_seal = [&](const store::OffsetSpan& span) { return seals_->find(span.from) != nullptr; };
  for (const store::OffsetSpan& span : seals_->not_covered(journal.first.offset, journal.durable.offset))
    if (!in_a_seal(span)) pieces_.push_back({span.from, span.to, false});
  for (const store::OffsetSpan& span : seals_->not_covered(0, journal.first.offset))
    if (!in_a_seal(span)) TRY(note_unknown(span.from, span.to));
  std::ranges::sort(pieces_, {}, &Piece::from);
  return {};
}

// Records are saved before they are ingested. So a removed part does not matter when the first record behind it was
// ingested before the day began.
Result<> DayWalk::note_unknown(std::uint64_t from, std::uint64_t to) {
  const std::optional<Timestamp> behind = TRY(ingested_behind(to));
  if (behind && *behind + clock_difference_max < from_) return {};
  result_.not_known.push_back({from, to, "retention has removed it, and its seal is gone too"});
  return {};
}

Result<std::optional<Timestamp>> DayWalk::ingested_behind(std::uint64_t offset) const {
  if (const store::SealHead* head = seals_->find(offset); head != nullptr && head->first_ingest)
    return head->first_ingest;
  const store::JournalReport journal = source_.journal->report();
  const auto slice = source_.journal->read(std::max(journal.first, store::Position{offset, 0}), 1_B);
  if (!slice || slice->items.empty()) return std::optional<Timestamp>{};
  return std::optional(slice->items.front().ingest_time);
}

Result<> DayWalk::walk_pieces() {
  for (auto first = pieces_.begin(); first != pieces_.end();) {
    auto last = first + 1;
    while (last != pieces_.end() && last->to - first->from <= batch_bytes_max) ++last;
    for (Route& route : routes_)
      TRY(route.track.load({first->from, 0}, {std::prev(last)->to, 0}).during("reading receipts of " + source_.name));
    for (; first != last; ++first) TRY(walk(*first));
  }
  return {};
}

Result<> DayWalk::walk(const Piece& piece) {
  if (stop_.stop_requested())
    return Error(ErrorCode::interrupted, "reading the day's records of " + source_.name + ": stopped");
  if (!piece.is_sealed) return walk_segments(piece.from, piece.to);
  const auto not_read = TRY(seals_->for_each(
      store::Position{piece.from, 0}, store::Position{piece.to, 0}, [&](const store::SealedRecord& record) {
        take({record.feed, record.saved_time, record.position, record.kind, record.is_quarantined});
      }));
  // Where the seal itself is damaged, the segment may still be there. Gaps are in result_ already.
  const store::SealHead& head = *seals_->find(piece.from);
  for (const store::OffsetSpan& span : not_read.spans)
    if (std::ranges::find(head.gaps, span) == head.gaps.end()) TRY(walk_segments(span.from, span.to));
  return {};
}

Result<> DayWalk::walk_segments(std::uint64_t from, std::uint64_t to) {
  for (store::Position at{from, 0}; at.offset < to;) {
    if (stop_.stop_requested())
      return Error(ErrorCode::interrupted, "reading the day's records of " + source_.name + ": stopped");
    auto slice = source_.journal->read(at, slice_max);
    if (!slice && slice.error().code() == ErrorCode::position_gone) {
      result_.not_known.push_back({at.offset, to, "retention has removed it, and its seal cannot be read"});
      return {};
    }
    const store::Slice read = TRY(std::move(slice));
    for (const auto& item : read.items)
      if (item.position.offset < to)
        take({item.record.feed, item.record.saved_time, item.position, item.record.kind, item.record.is_quarantined});
    if (read.end <= at) break;
    at = read.end;
  }
  for (const store::Damage& damage : source_.journal->report().damage)
    if (damage.from.offset >= from && damage.from.offset < to)
      result_.not_known.push_back({damage.from.offset, damage.to.offset, "it is damaged"});
  return {};
}

FeedHour& DayWalk::hour_of(std::string_view feed, std::size_t number) {
  auto found = hours_.find(feed);
  if (found == hours_.end()) {
    const auto count = static_cast<std::size_t>((to_ - from_ + hour - Duration(1)) / hour);
    found = hours_.emplace(feed, std::vector<std::optional<FeedHour>>(count)).first;
  }
  std::optional<FeedHour>& slot = found->second[number];
  if (!slot) {
    const Timestamp begin = from_ + hour * static_cast<std::int64_t>(number);
    slot = FeedHour{.feed = std::string(feed), .from = begin, .to = std::min(begin + hour, to_)};
    for (const Route& route : routes_) slot->routes.push_back({.route = route.names.route});
  }
  return *slot;
}

void DayWalk::take(const Found& record) {
  if (record.saved_time < from_ || record.saved_time >= to_) return;
  touched_ = touched_.value_or(store::OffsetSpan{record.position.offset, record.position.offset});
  touched_->to = std::max(touched_->to, record.position.offset);
  FeedHour& at = hour_of(record.feed, static_cast<std::size_t>((record.saved_time - from_) / hour));
  ++at.journaled;
  at.updates += record.kind == RecordKind::updated ? 1 : 0;
  at.quarantined += record.is_quarantined ? 1 : 0;
  for (std::size_t i = 0; i < routes_.size(); ++i) judge(routes_[i], record, at.routes[i]);
}

void DayWalk::judge(Route& route, const Found& record, RouteDay& figures) {
  const std::vector<ReceiptTrack::Step>& steps = route.track.steps_at(record.position);
  const bool is_configured = route.configured != nullptr;
  if (is_configured && !takes(*route.configured, record.feed)) {
    ++figures.not_selected;
    return;
  }
  if (steps.empty()) {
    if (!is_configured) return;
    ++(record.position >= route.configured->cursor.position ? figures.waiting : figures.unknown);
    return;
  }
  const auto outcome = best(steps);
  std::uint64_t deliveries = 0;
  bool is_shown = false;  // somebody acknowledged it
  for (const auto& [receipt, what] : steps) {
    if (what != store::Outcome::delivered) continue;
    ++deliveries;
    is_shown = is_shown || receipt->proof != Sink::Proof::not_provable;
    widen(figures.first, figures.last, receipt->acknowledged);
    RouteNames::Destination& to =
        named(route.names.destinations, &RouteNames::Destination::destination, receipt->destination);
    to.proof = receipt->proof;
    ++to.delivered;
    widen(to.first, to.last, receipt->acknowledged);
  }
  figures.resent += deliveries > 1 ? 1 : 0;
  const auto deciding = std::ranges::find(steps, outcome, &ReceiptTrack::Step::outcome);
  RouteNames::Rule& rule = named(route.names.rules, &RouteNames::Rule::digest, deciding->receipt->rule);
  if (is_configured && rule.digest == route.configured->rule) rule.text = route.configured->rule_text;
  if (!outcome) {
    ++figures.unknown;
    return;
  }
  switch (*outcome) {
    case store::Outcome::delivered:
      ++figures.delivered;
      figures.not_provable += is_shown ? 0 : 1;
      ++rule.delivered;
      return;
    case store::Outcome::dropped:
      ++figures.dropped;
      ++rule.dropped;
      return;
    case store::Outcome::rejected:
      ++figures.dead_lettered;
      return;
    case store::Outcome::not_selected:
      ++figures.not_selected;
      return;
    case store::Outcome::lost:
      ++figures.lost;
      return;
  }
}

Result<> DayWalk::add_segments() {
  const std::uint64_t durable = source_.journal->report().durable.offset;
  const std::vector<ReportSegment> all = TRY(segment_chain(files_, source_.directory, *seals_, durable));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool is_touched = touched_ && all[i].end > touched_->from && all[i].base <= touched_->to;
    const bool is_newest = i + 2 >= all.size();
    if (is_touched || is_newest) result_.segments.push_back(all[i]);
  }
  return {};
}

}  // namespace capstan::runtime
