#include "runtime/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "verify_ask.h"
#include "verify_survey.h"

namespace capstan::runtime {

namespace {

constexpr Duration since_default = std::chrono::hours(48);
constexpr Duration window_max = std::chrono::hours(24 * 400);
// A record is journaled after it was saved; this much is left for clocks that differ.
constexpr Duration clock_difference = std::chrono::hours(1);
constexpr Duration journal_margin = std::chrono::hours(24);

// What the tenant shows of one feed and stretch, against the journal's identities.
class Comparison {
public:
  Comparison(const VerifySource& source, FeedSurvey& feed, VerifyFeed& report, NamedList& named)
      : source_(source), feed_(feed), report_(report), named_(named) {}

  Identities& journaled() { return journaled_; }

  void see(const Window& stretch, const RecordView& record) {
    if (record.feed != stretch.feed) return;
    if (!feed_.is_inventory && (record.saved_time < stretch.from || record.saved_time >= stretch.to)) return;
    const Hash128 key = identity(record.feed, record.id);
    if (Journaled* entry = journaled_.find(key)) {
      if (entry->is_shown) return;
      entry->is_shown = true;
      VerifyRow& row = row_of(entry->saved_time);
      ++row.figures.shown;
      if (feed_.traits.repetition != Repetition::by_id && entry->content_hash != record.content_hash) {
        ++row.figures.outdated;
        name(VerifyNamed::Kind::outdated, record, "the tenant shows a newer version");
      }
      return;
    }
    if (!unknown_.insert(key).second) return;
    VerifyRow& row = row_of(record.saved_time);
    ++row.figures.shown;
    if (is_settled(record)) {
      ++row.figures.missing;
      missing_.insert(key);
      name(VerifyNamed::Kind::missing, record, "");
    } else {
      ++row.figures.waiting;
    }
  }

  // After everything was seen. `is_whole`: the tenant showed all of the stretch, so what was not shown is not there.
  void finish(bool is_whole) {
    for (const auto& entry : journaled_.all()) {
      VerifyRow& row = row_of(entry.saved_time);
      ++row.figures.journaled;
      row.figures.unshown += is_whole && !entry.is_shown ? 1U : 0U;
      if (entry.created > 1 && feed_.traits.repetition != Repetition::none) row.figures.doubled += entry.created - 1;
    }
  }

  // Identities that are missing and not repaired yet.
  std::set<Hash128>& missing() { return missing_; }

private:
  bool is_settled(const RecordView& record) const {
    return !report_.settled_until || record.saved_time < *report_.settled_until;
  }

  VerifyRow& row_of(Timestamp saved) {
    VerifyRow& row = feed_.rows[feed_.hour(saved)];
    row.source = source_.name;
    row.feed = feed_.traits.feed;
    row.hour = feed_.hour(saved);
    return row;
  }

  void name(VerifyNamed::Kind kind, const RecordView& record, std::string detail) {
    named_.add({.kind = kind,
                .source = source_.name,
                .feed = std::string(record.feed),
                .id = std::string(record.id),
                .saved_time = record.saved_time,
                .detail = std::move(detail)});
  }

  const VerifySource& source_;
  FeedSurvey& feed_;
  VerifyFeed& report_;
  NamedList& named_;
  Identities journaled_;
  std::set<Hash128> unknown_;
  std::set<Hash128> missing_;
};

// Cuts [since, until) at minutes so that a stretch holds at most entries_max journaled records (one minute may hold
// more).
std::vector<Window> stretches(const FeedSurvey& feed, std::size_t entries_max) {
  const std::string& name = feed.traits.feed;
  if (feed.since >= feed.until) return {};
  if (feed.is_inventory) return {Window{name, feed.since, feed.until}};
  std::vector<Window> result;
  Timestamp from = feed.since;
  std::uint64_t held = 0;
  for (const auto& [minute, count] : feed.records_by_minute) {
    if (held > 0 && held + count > entries_max) {
      const Timestamp cut = std::max(minute, from);
      if (cut > from) result.push_back({name, from, cut});
      from = cut;
      held = 0;
    }
    held += count;
  }
  result.push_back({name, from, feed.until});
  return result;
}

class SourceCheck {
public:
  SourceCheck(const VerifyOptions& options, const VerifySource& source, const VerifyWorld& world, NamedList& named,
              VerifyReport& report)
      : options_(options), source_(source), world_(world), named_(named), report_(report) {}

  Result<> run() {
    auto feeds = feeds_to_check();
    if (feeds.empty()) return {};
    const store::Position begin = TRY(where_to_read(feeds));
    survey_ = TRY(survey_journal(source_, std::move(feeds), begin, named_, world_.stop));
    report_.damaged_frames += survey_.damaged_frames;
    for (auto& feed : survey_.feeds) TRY(check(feed));
    for (auto& feed : survey_.feeds)
      for (auto& [hour, row] : feed.rows) report_.rows.push_back(std::move(row));
    return {};
  }

private:
  std::vector<FeedSurvey> feeds_to_check() const {
    const Timestamp since = beginning();
    std::vector<FeedSurvey> feeds;
    for (const auto& traits : source_.source->feeds()) {
      if (!options_.feeds.empty() && std::ranges::find(options_.feeds, traits.feed) == options_.feeds.end()) continue;
      FeedSurvey feed;
      feed.traits = traits;
      feed.is_inventory = !traits.remember && traits.repetition != Repetition::by_id;
      feed.since = since;
      feed.until = report_.until;
      feed.late_after = options_.late_after.value_or(options_.overlap);
      feeds.push_back(std::move(feed));
    }
    return feeds;
  }

  // The saved time from which the journal can be expected to hold everything.
  Timestamp beginning() const {
    Timestamp since = std::max(report_.since, source_.begins.value_or(report_.since));
    const store::Position first = source_.journal->report().first;
    if (first.offset == 0) return since;
    // Retention has removed segments: what was saved before the oldest record that is left was journaled may be gone.
    if (const auto slice = source_.journal->read(first, 1_B); slice && !slice->items.empty())
      since = std::max(since, hour_of(slice->items.front().ingest_time + clock_difference));
    return since;
  }

  Result<store::Position> where_to_read(const std::vector<FeedSurvey>& feeds) const {
    const bool has_inventory = std::ranges::any_of(feeds, &FeedSurvey::is_inventory);
    const store::Position first = source_.journal->report().first;
    if (has_inventory) return first;
    return std::max(first, TRY(source_.journal->position_at(report_.since - journal_margin)));
  }

  Result<> check(FeedSurvey& feed) {
    begin_where_collecting_began(feed);
    VerifyFeed checked;
    checked.source = source_.name;
    checked.feed = feed.traits.feed;
    checked.since = feed.since;
    checked.until = feed.until;
    if (!feed.is_inventory) {
      checked.overlap = options_.overlap;
      checked.settled_until = settled_until(feed);
      if (!feed.newest) checked.note = "nothing of this feed has been journaled";
    }
    checked.was_asked = true;
    for (const auto& stretch : stretches(feed, options_.entries_max)) {
      if (world_.progress)
        world_.progress(fmt::format("asking {} for {} of {} to {}", source_.tenant, stretch.feed,
                                    to_iso8601(stretch.from), to_iso8601(stretch.to)));
      TRY(compare(feed, checked, stretch));
    }
    for (auto& [hour, row] : feed.rows)
      row.is_open = checked.settled_until && hour && *hour + std::chrono::hours(1) > *checked.settled_until;
    report_.feeds.push_back(std::move(checked));
    return {};
  }

  // Nobody said from when on, so what lies before the backfill's beginning is not asked for: it was never to be
  // collected. The oldest record of a whole and undamaged journal shows where that was.
  void begin_where_collecting_began(FeedSurvey& feed) const {
    const bool is_whole = source_.journal->report().first.offset == 0 && survey_.damaged_frames == 0;
    if (!options_.since && !feed.is_inventory && feed.oldest && is_whole)
      feed.since = std::max(feed.since, std::min(*feed.oldest, feed.until));
  }

  Timestamp settled_until(const FeedSurvey& feed) const {
    if (feed.newest && survey_.damaged_frames > 0) return *feed.newest + std::chrono::milliseconds(1);
    return feed.newest.value_or(report_.started) - options_.overlap;
  }

  Result<> compare(FeedSurvey& feed, VerifyFeed& checked, const Window& stretch) {
    Comparison comparison(source_, feed, checked, named_);
    TRY(scan(*source_.journal, survey_.begin, survey_.end, world_.stop, [&](const auto& item) {
      if (item.record.feed != stretch.feed || !feed.counts(item.record)) return;
      if (!feed.is_inventory && (item.record.saved_time < stretch.from || item.record.saved_time >= stretch.to)) return;
      comparison.journaled().add(item.record.feed, item.record);
    }));
    comparison.journaled().sort();
    const Answered answered = TRY(ask(*source_.source, stretch, options_.patience, world_, [&](const Batch& batch) {
      for (std::size_t i = 0; i < batch.size(); ++i) comparison.see(stretch, batch[i]);
      return Result<>();
    }));
    comparison.finish(answered.is_whole);
    if (feed.traits.repetition != Repetition::none) TRY(name_doubled(stretch, comparison));
    take(checked, answered, stretch);
    if (options_.repair && !comparison.missing().empty()) TRY(repair(stretch, comparison.missing()));
    return {};
  }

  // The identities do not hold the ids, so the few that are doubled are looked for once more.
  Result<> name_doubled(const Window& stretch, Comparison& comparison) {
    if (std::ranges::none_of(comparison.journaled().all(), [](const auto& entry) { return entry.created > 1; }))
      return {};
    TRY(scan(*source_.journal, survey_.begin, survey_.end, world_.stop, [&](const auto& item) {
      if (item.record.feed != stretch.feed || item.record.kind != RecordKind::created) return;
      Journaled* entry = comparison.journaled().find(identity(item.record.feed, item.record.id));
      if (entry == nullptr || entry->created < 2) return;
      named_.add({.kind = VerifyNamed::Kind::doubled,
                  .source = source_.name,
                  .feed = stretch.feed,
                  .id = std::string(item.record.id),
                  .saved_time = item.record.saved_time,
                  .detail = fmt::format("journaled as created {} times, also at {}", entry->created,
                                        to_string(item.position))});
      entry->created = 0;
    }));
    return {};
  }

  void take(VerifyFeed& checked, const Answered& answered, const Window& stretch) {
    checked.polls += answered.polls;
    checked.passed_over += answered.passed_over;
    if (!answered.note.empty()) checked.note = answered.note;
    if (answered.passed_over > 0)
      named_.add({.kind = VerifyNamed::Kind::poisoned,
                  .source = source_.name,
                  .feed = stretch.feed,
                  .id = {},
                  .saved_time = stretch.from,
                  .detail = fmt::format("{} records that the service cannot show, in {} to {}{}{}",
                                        answered.passed_over, to_iso8601(stretch.from), to_iso8601(stretch.to),
                                        answered.note.empty() ? "" : ": ", answered.note)});
    if (answered.is_whole) return;
    checked.was_asked = false;
    checked.can_be_asked = answered.can_be_asked;
    if (answered.error) checked.error = answered.error->text();
  }

  // Asks once more and appends what is still missing: the records are not kept in memory while they are only compared.
  Result<> repair(const Window& stretch, std::set<Hash128>& missing) {
    if (!source_.append) {
      report_.not_repaired += missing.size();
      return {};
    }
    // What the collector journaled since the question began needs no repair.
    TRY(scan(*source_.journal, survey_.end, source_.journal->report().durable, world_.stop,
             [&](const auto& item) { missing.erase(identity(item.record.feed, item.record.id)); }));
    const Answered answered = TRY(ask(*source_.source, stretch, options_.patience, world_, [&](const Batch& batch) {
      return append_missing(batch, missing).during("repairing " + stretch.feed + " of " + source_.name);
    }));
    if (!answered.is_whole) report_.not_repaired += missing.size();
    return {};
  }

  Result<> append_missing(const Batch& shown, std::set<Hash128>& missing) {
    Batch batch;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      RecordView record = shown[i];
      if (missing.erase(identity(record.feed, record.id)) == 0) continue;
      record.kind = RecordKind::created;
      TRY(batch.add(record));
    }
    if (batch.is_empty()) return {};
    TRY(source_.append(batch));
    report_.repaired += batch.size();
    return {};
  }

  const VerifyOptions& options_;
  const VerifySource& source_;
  const VerifyWorld& world_;
  NamedList& named_;
  VerifyReport& report_;
  Survey survey_;
};

Result<> all_are_known(std::string_view what, const std::vector<std::string>& wanted,
                       const std::vector<std::string>& names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const auto& one : wanted) {
    if (std::ranges::find(known, one) != known.end()) continue;
    const std::string_view near = nearest(one, known);
    return Error(ErrorCode::wrong_usage, fmt::format("verifying: there is no {} \"{}\"{}", what, one,
                                                     near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  return {};
}

Result<> check_options(const VerifyOptions& options, const std::vector<VerifySource>& sources, Timestamp since,
                       Timestamp until) {
  if (since >= until)
    return Error(ErrorCode::wrong_usage, fmt::format("verifying: expected since before until, got {} and {}",
                                                     to_iso8601(since), to_iso8601(until)));
  if (until - since > window_max)
    return Error(ErrorCode::wrong_usage,
                 fmt::format("verifying: expected at most {}, got {}", capstan::to_string(window_max),
                             capstan::to_string(Duration(until - since))));
  std::vector<std::string> names;
  std::vector<std::string> feeds;
  for (const auto& source : sources) {
    names.push_back(source.name);
    for (const auto& traits : source.source->feeds()) feeds.push_back(traits.feed);
  }
  TRY(all_are_known("source", options.sources, names));
  return all_are_known("feed", options.feeds, feeds);
}

void add_up(VerifyReport& report, const std::vector<VerifySource>& sources) {
  for (const auto& row : report.rows) {
    report.totals += row.figures;
    for (const auto& figures : row.routes) {
      auto at = std::ranges::find(report.routes, figures.route, &VerifyRouteFigures::route);
      if (at == report.routes.end()) at = report.routes.insert(at, {.route = figures.route});
      at->delivered += figures.delivered;
      at->dropped += figures.dropped;
      at->dead_lettered += figures.dead_lettered;
      at->waiting += figures.waiting;
    }
  }
  for (const auto& source : sources)
    for (const auto& route : source.routes)
      for (auto& total : report.routes)
        if (total.route == route.name) {
          total.resent += route.cursor.resent;
          total.proof = route.proof;
        }
}

}  // namespace

VerifyFigures& VerifyFigures::operator+=(const VerifyFigures& other) {
  shown += other.shown;
  journaled += other.journaled;
  missing += other.missing;
  waiting += other.waiting;
  outdated += other.outdated;
  late += other.late;
  doubled += other.doubled;
  updates += other.updates;
  unshown += other.unshown;
  quarantined += other.quarantined;
  return *this;
}

std::string_view to_string(VerifyNamed::Kind kind) {
  switch (kind) {
    case VerifyNamed::Kind::missing:
      return "missing";
    case VerifyNamed::Kind::outdated:
      return "outdated";
    case VerifyNamed::Kind::doubled:
      return "doubled";
    case VerifyNamed::Kind::quarantined:
      return "quarantined";
    case VerifyNamed::Kind::dead_lettered:
      return "dead-lettered";
    case VerifyNamed::Kind::poisoned:
      return "poisoned";
  }
  return "unknown";
}

bool VerifyReport::is_proved() const {
  return totals.missing <= repaired && not_repaired == 0 &&
         std::ranges::all_of(feeds, [](const VerifyFeed& feed) { return feed.was_asked || !feed.can_be_asked; });
}

Result<VerifyReport> verify(const VerifyOptions& options, std::vector<VerifySource> sources, const VerifyWorld& world) {
  VerifyReport report;
  report.started = world.clock->now();
  report.until = options.until.value_or(report.started);
  report.since = options.since.value_or(report.until - since_default);
  TRY(check_options(options, sources, report.since, report.until));
  std::erase_if(sources, [&](const VerifySource& source) {
    return !options.sources.empty() && std::ranges::find(options.sources, source.name) == options.sources.end();
  });
  NamedList named(options.named_max);
  for (const auto& source : sources)
    TRY(SourceCheck(options, source, world, named, report).run().during("verifying " + source.name));
  add_up(report, sources);
  report.named = named.take();
  report.named_left_out = named.left_out();
  return report;
}

}  // namespace capstan::runtime
