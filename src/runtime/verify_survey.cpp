#include "verify_survey.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::runtime {

namespace {

constexpr Bytes slice_max = 1_MiB;
// A journal that grows as fast as it is read must not hold a pass for ever.
constexpr std::uint64_t slices_max = 100'000'000;

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
  row.routes.push_back({.route = route});
  return row.routes.back();
}

class Surveyor {
public:
  Surveyor(const VerifySource& source, Survey& survey, NamedList& named)
      : source_(source), survey_(survey), named_(named), ledgers_(ledgers(source)) {}

  void see(const store::Slice::Item& item) {
    FeedSurvey* feed = survey_.find(item.record.feed);
    if (feed == nullptr) return;
    const bool is_late = item.record.kind == RecordKind::created && feed->newest &&
                         *feed->newest - item.record.saved_time > feed->late_after;
    feed->newest = std::max(feed->newest.value_or(item.record.saved_time), item.record.saved_time);
    feed->oldest = std::min(feed->oldest.value_or(item.record.saved_time), item.record.saved_time);
    if (!feed->counts(item.record)) return;

    VerifyRow& row = row_of(*feed, item.record.saved_time);
    if (!feed->is_inventory) {
      ++feed->records_by_minute[minute_of(item.record.saved_time)];
      row.figures.late += is_late ? 1U : 0U;
    }
    row.figures.updates += item.record.kind == RecordKind::updated ? 1U : 0U;
    if (item.record.is_quarantined) {
      ++row.figures.quarantined;
      name(VerifyNamed::Kind::quarantined, item, "at " + to_string(item.position));
    }
    for (const auto& ledger : ledgers_) count(ledger, row, item);
  }

private:
  VerifyRow& row_of(FeedSurvey& feed, Timestamp saved) const {
    VerifyRow& row = feed.rows[feed.hour(saved)];
    if (row.feed.empty()) {
      row.source = source_.name;
      row.feed = feed.traits.feed;
      row.hour = feed.hour(saved);
    }
    return row;
  }

  void count(const RouteLedger& ledger, VerifyRow& row, const store::Slice::Item& item) {
    if (!takes(*ledger.route, item.record.feed)) return;
    VerifyRouteFigures& figures = figures_of(row, ledger.route->name);
    if (item.position >= ledger.route->cursor.position) {
      ++figures.waiting;
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
  if (count_[named.kind] >= each_max_) {
    ++left_out_;
    return;
  }
  ++count_[named.kind];
  all_.push_back(std::move(named));
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

Result<Survey> survey_journal(const VerifySource& source, std::vector<FeedSurvey> feeds, store::Position begin,
                              NamedList& named, const std::stop_token& stop) {
  Survey survey{.feeds = std::move(feeds), .begin = begin, .end = source.journal->report().durable};
  Surveyor surveyor(source, survey, named);
  const Scanned scanned =
      TRY(scan(*source.journal, begin, survey.end, stop, [&](const auto& item) { surveyor.see(item); }));
  survey.damaged_frames = scanned.damaged_frames;
  return survey;
}

void Identities::add(std::string_view feed, const RecordView& record) {
  all_.push_back({.identity = identity(feed, record.id),
                  .content_hash = record.content_hash,
                  .saved_time = record.saved_time,
                  .created = record.kind == RecordKind::created ? 1U : 0U});
}

void Identities::sort() {
  std::ranges::stable_sort(all_, {}, &Journaled::identity);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (kept > 0 && all_[kept - 1].identity == all_[i].identity) {
      all_[i].created += all_[kept - 1].created;
      all_[kept - 1] = all_[i];
    } else {
      all_[kept++] = all_[i];
    }
  }
  all_.resize(kept);
}

Journaled* Identities::find(const Hash128& identity) {
  const auto at = std::ranges::lower_bound(all_, identity, {}, &Journaled::identity);
  return at != all_.end() && at->identity == identity ? &*at : nullptr;
}

}  // namespace capstan::runtime
