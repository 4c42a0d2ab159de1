#include "verify_survey.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::runtime {

namespace {

constexpr Bytes slice_max = 1_MiB;
// A journal that grows as fast as it is read must not hold a pass for ever.
constexpr std::uint64_t slices_max = 100'000'000;
// Of saved time: what is journaled longer after a newer record was late.
constexpr Duration late_behind_newest = std::chrono::hours(2);

bool takes(const VerifyRoute& route, std::string_view feed) {
  return route.feeds.empty() || std::ranges::find(route.feeds, feed) != route.feeds.end();
}

// One route, with its dead letters ready for looking up.
struct RouteLedger {
  const VerifyRoute* route;
  std::vector<store::Position> dead;
  bool is_dead(store::Position position) const { return std::ranges::binary_search(dead, position); }
};

std::vector<RouteLedger> ledgers(const VerifySource& source) {
  std::vector<RouteLedger> result;
  for (const auto& route : source.routes) {
    RouteLedger ledger{&route, route.dead_letters};
    std::ranges::sort(ledger.dead);
    result.push_back(std::move(ledger));
  }
  return result;
}

VerifyRouteFigures& figures_of(VerifyRow& row, const std::string& route) {
  const auto at = std::ranges::find(row.routes, route, &VerifyRouteFigures::route);
  if (at != row.routes.end()) return *at;
  row.routes.emplace_back().route = route;
  return row.routes.back();
}

class Surveyor {
public:
  Surveyor(const VerifySource& source, Survey& survey, NamedList& named)
      : source_(source), survey_(survey), named_(named), ledgers_(ledgers(source)) {}

  void see(const store::Slice::Item& item) {
    FeedSurvey* feed = survey_.find(item.record.feed);
    if (feed == nullptr) return;
    const bool is_late = note_time(*feed, item.record.kind, item.record.saved_time);
    if (!feed->counts(item.record.saved_time)) return;
    VerifyRow& row = count(*feed, item.record.kind, item.record.saved_time, is_late);
    if (item.record.is_quarantined) {
      ++row.figures.quarantined;
      name(VerifyNamed::Kind::quarantined, item, "at " + to_string(item.position));
    }
    for (const auto& ledger : ledgers_) count(ledger, row, item);
  }

  // Of a segment that retention removed: the record itself is gone, its rule is not asked again.
  void see(FeedSurvey& feed, const store::SealedRecord& record) {
    const bool is_late = note_time(feed, record.kind, record.saved_time);
    if (!feed.counts(record.saved_time)) return;
    VerifyRow& row = count(feed, record.kind, record.saved_time, is_late);
    row.figures.quarantined += record.is_quarantined ? 1U : 0U;
    for (const auto& ledger : ledgers_) {
      if (!takes(*ledger.route, feed.traits.feed)) continue;
      VerifyRouteFigures& figures = figures_of(row, ledger.route->name);
      std::uint64_t* counter = &figures.delivered;
      if (ledger.is_dead(record.position))
        counter = &figures.dead_lettered;
      else if (ledger.route->became)
        counter = &counter_of(figures, ledger.route->became(record.position));
      ++*counter;
    }
  }

private:
  static std::uint64_t& counter_of(VerifyRouteFigures& figures, std::optional<store::Outcome> outcome) {
    if (!outcome) return figures.delivered;  // it lies before the cursor, and no receipt says more
    switch (*outcome) {
      case store::Outcome::dropped:
      case store::Outcome::not_selected:
        return figures.dropped;
      case store::Outcome::rejected:
        return figures.dead_lettered;
      case store::Outcome::lost:
        return figures.lost_to_retention;
      case store::Outcome::delivered:
        break;
    }
    return figures.delivered;
  }

  // Whether a record of the feed that was saved much later had been journaled before.
  static bool note_time(FeedSurvey& feed, RecordKind kind, Timestamp saved) {
    const bool is_late = kind == RecordKind::created && feed.newest && *feed.newest - saved > late_behind_newest;
    feed.newest = std::max(feed.newest.value_or(saved), saved);
    feed.oldest = std::min(feed.oldest.value_or(saved), saved);
    return is_late;
  }

  static VerifyRow& count(FeedSurvey& feed, RecordKind kind, Timestamp saved, bool is_late) {
    VerifyRow& row = feed.row(saved);
    if (!feed.is_inventory) {
      ++feed.records_by_minute[minute_of(saved)];
      row.figures.late += is_late ? 1U : 0U;
    }
    row.figures.updates += kind == RecordKind::updated ? 1U : 0U;
    return row;
  }

  void count(const RouteLedger& ledger, VerifyRow& row, const store::Slice::Item& item) {
    if (!takes(*ledger.route, item.record.feed)) return;
    VerifyRouteFigures& figures = figures_of(row, ledger.route->name);
    if (item.position >= ledger.route->cursor.position) {
      ++figures.waiting;
      figures.waiting_since = std::min(figures.waiting_since.value_or(item.ingest_time), item.ingest_time);
      const Timestamp saved = item.record.saved_time;
      if (item.record.kind == RecordKind::created)
        figures.waiting_saved = std::min(figures.waiting_saved.value_or(saved), saved);
    } else if (ledger.is_dead(item.position)) {
      ++figures.dead_lettered;
      name(VerifyNamed::Kind::dead_lettered, item, "route " + ledger.route->name + ", at " + to_string(item.position));
    } else if (ledger.route->drops && ledger.route->drops(item)) {
      ++figures.dropped;
    } else {
      ++figures.delivered;
    }
  }

  void name(VerifyNamed::Kind kind, const store::Slice::Item& item, std::string detail) {
    named_.add({.kind = kind,
                .source = source_.name,
                .feed = std::string(item.record.feed),
                .id = std::string(item.record.id),
                .saved_time = item.record.saved_time,
                .detail = std::move(detail)});
  }

  const VerifySource& source_;
  Survey& survey_;
  NamedList& named_;
  std::vector<RouteLedger> ledgers_;
};

}  // namespace

Timestamp hour_of(Timestamp t) { return std::chrono::floor<std::chrono::hours>(t); }
Timestamp minute_of(Timestamp t) { return std::chrono::floor<std::chrono::minutes>(t); }

FeedSurvey* Survey::find(std::string_view feed) {
  for (auto& candidate : feeds)
    if (candidate.traits.feed == feed) return &candidate;
  return nullptr;
}

void NamedList::add(VerifyNamed named) {
  const std::lock_guard lock(mutex_);
  if (count_[named.kind] >= each_max_) {
    ++left_out_;
    return;
  }
  ++count_[named.kind];
  all_.push_back(std::move(named));
}

void NamedList::leave_out(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  left_out_ += count;
}

void NamedList::take_over(NamedList& other) {
  for (VerifyNamed& named : other.take()) add(std::move(named));
  leave_out(other.left_out());
}

Result<Scanned> scan(const store::Journal& journal, store::Position from, store::Position to,
                     const std::stop_token& stop, const std::function<void(const store::Slice::Item&)>& see) {
  Scanned scanned{.end = from};
  for (std::uint64_t slices = 0; scanned.end < to && slices < slices_max; ++slices) {
    if (stop.stop_requested()) return Error(ErrorCode::interrupted, "reading the journal: stopped");
    auto slice = journal.read(scanned.end, slice_max);
    if (!slice && slice.error().code() == ErrorCode::position_gone && journal.report().first > scanned.end) {
      scanned.end = journal.report().first;
      continue;
    }
    if (!slice) return slice.error();
    for (const auto& item : slice->items)
      if (item.position < to) see(item);
    scanned.damaged_frames += slice->damaged_frames;
    if (slice->end <= scanned.end) break;
    scanned.end = std::min(slice->end, to);
  }
  return scanned;
}

Result<std::optional<Timestamp>> first_ingest(const store::Journal& journal) {
  for (store::Position at = journal.report().first; at < journal.report().durable;) {
    const store::Slice slice = TRY(journal.read(at, 1_B));
    if (!slice.items.empty()) return std::optional(slice.items.front().ingest_time);
    if (slice.end <= at) break;
    at = slice.end;
  }
  return std::optional<Timestamp>();
}

Result<Survey> survey_journal(const VerifySource& source, std::vector<FeedSurvey> feeds, store::Position begin,
                              Duration clock_is_ahead, NamedList& named, const std::stop_token& stop) {
  Survey survey{.feeds = std::move(feeds), .begin = begin, .end = source.journal->report().durable};
  Surveyor surveyor(source, survey, named);
  if (source.removed)
    for (FeedSurvey& feed : survey.feeds)
      TRY(source.removed(feed.traits.feed, feed.is_inventory ? Timestamp::min() : feed.since,
                         feed.is_inventory ? Timestamp::max() : feed.until, clock_is_ahead,
                         [&](const auto& record) { surveyor.see(feed, record); }));
  const Scanned scanned =
      TRY(scan(*source.journal, begin, survey.end, stop, [&](const auto& item) { surveyor.see(item); }));
  survey.damaged_frames = scanned.damaged_frames;
  return survey;
}

}  // namespace capstan::runtime
