#include "verify_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "comparison.h"
#include "verify_ask.h"
#include "verify_judge.h"

namespace capstan::runtime {

namespace {

constexpr Duration since_default = std::chrono::hours(48);
// Longer ones are refused where that can be seen before (verify.cpp); an older beginning is cut off.
constexpr Duration window_max = std::chrono::hours(24 * 400);
// What a list that is asked by time reaches back at most, where nothing says when collecting began.
constexpr Duration reach = std::chrono::hours(24 * 30);
// A record is journaled after it was saved; this much is left for clocks that differ.
constexpr Duration clock_difference = std::chrono::hours(1);
constexpr Duration journal_margin = std::chrono::hours(24);
// Records of a damaged place may have been saved a little outside of what its neighbours say: sources read the time
// behind their newest record again.
constexpr Duration damage_margin = std::chrono::hours(2);
// Of records that are kept for the repair while the rest of their window is asked for.
constexpr std::size_t repair_bytes_max = 4U << 20;
constexpr Duration stretch_min = std::chrono::minutes(1);

// The windows into which a feed's time is cut, so that each holds at most entries_max journaled records (one minute may
// hold more).
std::deque<Window> stretches(const FeedSurvey& feed, std::size_t entries_max) {
  const std::string& name = feed.traits.feed;
  if (feed.is_inventory) return {Window{name, feed.since, feed.until, Manner::otherwise}};
  if (feed.since >= feed.until) return {};
  std::deque<Window> result;
  Timestamp from = feed.since;
  std::uint64_t held = 0;
  for (const auto& [minute, count] : feed.records_by_minute) {
    if (held > 0 && held + count > entries_max) {
      const Timestamp cut = std::max(minute, from);
      if (cut > from) result.push_back({name, from, cut, Manner::otherwise});
      from = cut;
      held = 0;
    }
    held += count;
  }
  result.push_back({name, from, feed.until, Manner::otherwise});
  return result;
}

// What was found in one stretch.
struct Stretch {
  explicit Stretch(const FeedTraits& traits) : comparison(traits) {}
  Comparison comparison;
  std::set<Hash128> outdated;
  std::vector<VerifyNamed> candidates;  // unknown so far, at most as many as can be named
  Batch kept;                           // unknown so far, to be repaired
  std::set<std::uint64_t> repaired;     // as a seal keeps identities
};

class SourceCheck {
public:
  SourceCheck(const VerifyOptions& options, std::size_t entries_max, const VerifySource& source,
              const VerifyWorld& world, NamedList& named, std::optional<std::string>& dead)
      : options_(options), entries_max_(entries_max), source_(source), world_(world), named_(named), dead_(dead) {}

  Result<SourceReport> run() {
    std::vector<FeedTraits> traits = wanted_feeds();
    if (traits.empty()) return std::move(report_);
    TRY(learn_time(traits));
    if (Result<> read = read_journal(traits); !read) {
      if (read.error().code() == ErrorCode::interrupted) return read.error();
      return unreadable(traits, read.error());
    }
    for (FeedSurvey& feed : survey_.feeds) TRY(check(feed));
    for (FeedSurvey& feed : survey_.feeds)
      for (auto& [hour, row] : feed.rows) {
        if (options_.repair) report_.not_repaired += row.figures.missing - row.figures.repaired;
        report_.rows.push_back(std::move(row));
      }
    return std::move(report_);
  }

private:
  // --- what is asked for ---

  std::vector<FeedTraits> wanted_feeds() const {
    std::vector<FeedTraits> wanted = source_.source->feeds();
    std::erase_if(wanted, [&](const FeedTraits& traits) {
      return !options_.feeds.empty() && std::ranges::find(options_.feeds, traits.feed) == options_.feeds.end();
    });
    return wanted;
  }

  // The service's own time is what "now" means. Where it says none, this machine's has to do.
  Result<> learn_time(const std::vector<FeedTraits>& feeds) {
    service_time_ = source_.service_time;
    service_time_at_ = world_.clock->monotonic();
    bool is_asked = false;
    for (const FeedTraits& traits : feeds) {
      if (dead_ || is_asked) break;
      tell(fmt::format("asking {} for its time", source_.tenant));
      Answered answered = TRY(ask_time(*source_.source, traits.feed, options_.patience, world_));
      take_time(answered);
      is_asked = answered.service_time.has_value();
      if (answered.is_dead) dead_ = answered.error ? answered.error->text() : "it answers and never comes to an end";
    }
    until_ = options_.until ? resolve(*options_.until, now()) : now();
    since_ = options_.since ? resolve(*options_.since, now()) : until_ - since_default;
    since_ = std::max(since_, until_ - window_max);
    // A little beyond the service's time is only a clock that differs.
    if (until_ - now() <= options_.late_after) until_ = std::min(until_, now());
    return {};
  }

  void take_time(const Answered& answered) {
    if (!answered.service_time) return;
    service_time_ = answered.service_time;
    service_time_at_ = answered.service_time_at;
  }

  // Never the local clock, unless the service does not say its time at all.
  Timestamp now() const {
    if (!service_time_) return world_.clock->now();
    return *service_time_ + std::chrono::duration_cast<Duration>(world_.clock->monotonic() - service_time_at_);
  }

  Duration clock_is_ahead() const { return world_.clock->now() - now(); }

  FeedSurvey feed_survey(const FeedTraits& traits) const {
    FeedSurvey feed;
    feed.traits = traits;
    feed.is_inventory = is_inventory(traits);
    feed.since = since_;
    feed.until = until_;
    if (const auto begin = source_.begins.find(traits.feed); begin != source_.begins.end() && !options_.since)
      feed.since = std::max(feed.since, std::min(begin->second, until_));
    return feed;
  }

  // --- the journal ---

  Result<> read_journal(const std::vector<FeedTraits>& traits) {
    std::vector<FeedSurvey> feeds;
    for (const FeedTraits& one : traits) feeds.push_back(feed_survey(one));
    NamedList met(named_.each_max());
    TRY(survey(feeds, met));
    if (!options_.since && reach_back_to_damage(feeds)) {
      NamedList again(named_.each_max());
      TRY(survey(feeds, again));
      named_.take_over(again);
    } else {
      named_.take_over(met);
    }
    report_.damaged_frames = survey_.damaged_frames;
    for (FeedSurvey& feed : survey_.feeds) begin_where_collecting_began(feed);
    if (source_.damaged)
      TRY(source_.damaged([this](const store::SealedRecord& record) {
        damaged_[std::string(record.feed)].emplace_back(record.identity, record.saved_time);
      }));
    return {};
  }

  Result<> survey(const std::vector<FeedSurvey>& feeds, NamedList& met) {
    Timestamp since = until_;
    bool has_inventory = false;
    for (const FeedSurvey& feed : feeds) {
      since = std::min(since, feed.since);
      has_inventory |= feed.is_inventory;
    }
    store::Position begin = source_.journal->report().first;
    if (!has_inventory) begin = std::max(begin, TRY(source_.journal->position_at(journaled_after(since))));
    survey_ = TRY(survey_journal(source_, feeds, begin, clock_is_ahead(), met, world_.stop));
    return {};
  }

  // What was saved then was journaled later, by a clock that may be wrong.
  Timestamp journaled_after(Timestamp saved) const {
    return saved - journal_margin + std::min(clock_is_ahead(), Duration::zero());
  }

  // By default everything that damage may have taken is asked for, however long ago it was saved. True: the feeds begin
  // earlier now.
  bool reach_back_to_damage(std::vector<FeedSurvey>& feeds) const {
    std::optional<Timestamp> earliest;
    for (const store::Damage& damage : source_.journal->report().damage) {
      if (damage.to <= survey_.begin) continue;
      const Timestamp from = damage.saved_after ? *damage.saved_after - damage_margin : until_ - reach;
      earliest = std::min(earliest.value_or(from), from);
    }
    bool is_earlier = false;
    for (FeedSurvey& feed : feeds) {
      if (feed.is_inventory || !earliest) continue;
      Timestamp from = std::max(*earliest, until_ - reach);
      if (const auto begin = source_.begins.find(feed.traits.feed); begin != source_.begins.end())
        from = std::max(from, begin->second);
      is_earlier |= from < feed.since;
      feed.since = std::min(feed.since, from);
    }
    return is_earlier;
  }

  // Nobody said from when on and nothing says when collecting began: the oldest record of a whole and undamaged journal
  // shows it.
  void begin_where_collecting_began(FeedSurvey& feed) const {
    const store::JournalReport journal = source_.journal->report();
    const bool is_whole = journal.removed_to == 0 && journal.is_whole() && survey_.damaged_frames == 0;
    if (!options_.since && !source_.begins.contains(feed.traits.feed) && !feed.is_inventory && feed.oldest && is_whole)
      feed.since = std::max(feed.since, std::min(*feed.oldest, feed.until));
  }

  Result<SourceReport> unreadable(const std::vector<FeedTraits>& traits, const Error& error) {
    for (const FeedTraits& one : traits) {
      FeedSurvey feed = feed_survey(one);
      VerifyFeed checked = begin_report(feed);
      checked.error = error.text();
      finish(feed, checked, {{Timestamp::min(), Timestamp::max(), "the journal cannot be read: " + error.text()}});
      for (auto& [hour, row] : feed.rows) report_.rows.push_back(std::move(row));
    }
    return std::move(report_);
  }

  // --- what retention removed ---

  // The parts of the feed's time of which the journal does not hold everything that it once held.
  Result<std::vector<NotComparable>> removed_and_unknown(const FeedSurvey& feed) const {
    std::vector<NotComparable> gaps;
    const store::JournalReport journal = source_.journal->report();
    if (journal.removed_to == 0) return gaps;
    const std::string why = "retention has removed records of that time from the journal";
    if (feed.is_inventory) {
      if (!TRY(is_known(feed, Timestamp::min(), Timestamp::max()))) gaps.push_back({feed.since, feed.until, why});
      return gaps;
    }
    if (TRY(is_known(feed, feed.since, feed.until))) return gaps;
    // What was saved after the oldest record that is left was journaled stands behind it.
    Timestamp whole_from = feed.until;
    if (const auto oldest = TRY(first_ingest(*source_.journal)))
      whole_from = *oldest + clock_difference + std::chrono::abs(clock_is_ahead());
    for (Timestamp hour = hour_of(feed.since); hour < std::min(whole_from, feed.until); hour += std::chrono::hours(1))
      if (!TRY(is_known(feed, hour, hour + std::chrono::hours(1))))
        gaps.push_back({hour, hour + std::chrono::hours(1), why});
    return gaps;
  }

  Result<bool> is_known(const FeedSurvey& feed, Timestamp from, Timestamp to) const {
    if (!source_.removed) return false;
    return source_.removed(feed.traits.feed, from, to, clock_is_ahead(), [](const store::SealedRecord&) {});
  }

  // --- comparing one feed ---

  VerifyFeed begin_report(const FeedSurvey& feed) const {
    VerifyFeed checked;
    checked.source = source_.name;
    checked.tenant = source_.tenant;
    checked.feed = feed.traits.feed;
    checked.since = feed.since;
    checked.until = feed.until;
    return checked;
  }

  Result<> check(FeedSurvey& feed) {
    VerifyFeed checked = begin_report(feed);
    removed_ = TRY(removed_and_unknown(feed));
    std::vector<NotComparable> gaps = removed_;
    if (feed.since >= feed.until && !feed.is_inventory)
      gaps.push_back({Timestamp::min(), Timestamp::max(),
                      since_ >= until_ ? "nothing to compare: at the service it is " + to_iso8601(now())
                                       : "nothing to compare: collecting began at " + to_iso8601(feed.since)});
    checked.was_asked = true;
    auto open = stretches(feed, entries_max_);
    while (!open.empty()) {
      const Window stretch = std::move(open.front());
      open.pop_front();
      if (dead_) {
        checked.error = *dead_;
        checked.was_asked = false;
        gaps.push_back({stretch.from, stretch.to, "no answer: " + *dead_});
        continue;
      }
      TRY(compare(feed, checked, stretch, open, gaps));
    }
    finish(feed, checked, std::move(gaps));
    return {};
  }

  void finish(FeedSurvey& feed, VerifyFeed& checked, std::vector<NotComparable> gaps) {
    FeedVerdict verdict;
    verdict.service_time = now();
    verdict.local_time = world_.clock->now();
    verdict.late_after = options_.late_after;
    verdict.gaps = std::move(gaps);
    if (const auto held = source_.held.find(feed.traits.feed); held != source_.held.end()) verdict.held = held->second;
    judge(feed, source_, verdict);
    report_.feeds.push_back(std::move(checked));
  }

  Result<> compare(FeedSurvey& feed, VerifyFeed& checked, const Window& stretch, std::deque<Window>& open,
                   std::vector<NotComparable>& gaps) {
    tell(fmt::format("{}: {} of {} to {}", source_.tenant.empty() ? source_.name : source_.tenant, stretch.feed,
                     to_iso8601(stretch.from), to_iso8601(stretch.to)));
    Stretch found(feed.traits);
    TRY(read_identities(feed, stretch, found));
    const Answered answered = TRY(ask(*source_.source, stretch, options_.patience, world_,
                                      [&](const Batch& batch) { return see(stretch, batch, found); }));
    take_time(answered);
    checked.polls += answered.polls;
    checked.service_time = service_time_;
    if (answered.was_left && halve(stretch, open)) return {};
    take(checked, answered, stretch, gaps);
    TRY(look_once_more(feed, stretch, found));
    TRY(flush(stretch, found));
    settle(feed, stretch, found, answered.is_whole);
    if (repair_error_) checked.error = *repair_error_;
    if (feed.traits.repetition != Repetition::none) TRY(name_doubled(stretch, found.comparison));
    return {};
  }

  Result<> read_identities(const FeedSurvey& feed, const Window& stretch, Stretch& found) {
    Identities& journaled = found.comparison.journaled();
    if (source_.removed)
      TRY(source_.removed(stretch.feed, feed.is_inventory ? Timestamp::min() : stretch.from,
                          feed.is_inventory ? Timestamp::max() : stretch.to, clock_is_ahead(),
                          [&](const store::SealedRecord& record) { journaled.add(record); }));
    TRY(scan(*source_.journal, survey_.begin, survey_.end, world_.stop, [&](const auto& item) {
      if (item.record.feed != stretch.feed) return;
      if (!feed.is_inventory && (item.record.saved_time < stretch.from || item.record.saved_time >= stretch.to)) return;
      journaled.add(item.record, item.next);
    }));
    journaled.sort();
    return {};
  }

  // False: so much is not journaled that the stretch has to be cut.
  Result<bool> see(const Window& stretch, const Batch& batch, Stretch& found) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RecordView record = batch[i];
      const Comparison::Seen seen = found.comparison.see(stretch, record);
      if (seen == Comparison::Seen::outdated) {
        found.outdated.insert(identity(record.feed, record.id));
        name(VerifyNamed::Kind::outdated, record, "the tenant shows a newer version");
      }
      if (seen != Comparison::Seen::unknown) continue;
      if (found.candidates.size() < named_.each_max())
        found.candidates.push_back({.kind = VerifyNamed::Kind::missing,
                                    .source = source_.name,
                                    .feed = std::string(record.feed),
                                    .id = std::string(record.id),
                                    .saved_time = record.saved_time,
                                    .detail = ""});
      if (options_.repair && source_.append) TRY(keep(stretch, record, found));
    }
    return found.comparison.unknown().size() <= entries_max_;
  }

  // The two halves are asked for instead, unless it cannot be cut any more.
  bool halve(const Window& stretch, std::deque<Window>& open) const {
    const Duration half = (stretch.to - stretch.from) / 2;
    if (half < stretch_min) return false;
    open.push_front({stretch.feed, stretch.from + half, stretch.to, stretch.manner});
    open.push_front({stretch.feed, stretch.from, stretch.from + half, stretch.manner});
    return true;
  }

  void take(VerifyFeed& checked, const Answered& answered, const Window& stretch, std::vector<NotComparable>& gaps) {
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
    std::string why = answered.note;
    if (answered.error) why = checked.error = answered.error->text();
    if (answered.was_left) why = "more records that are not journaled than can be compared at once";
    if (answered.is_dead && why.empty()) why = "the service never came to an end";
    if (answered.is_dead) dead_ = why;
    gaps.push_back({stretch.from, stretch.to, answered.can_be_asked ? "no answer: " + why : why});
  }

  // Before a record is called missing, the places are looked at that were passed over because it could not be there:
  // what was journaled since the question began; what was journaled earlier than it can have been, by a clock that was
  // wrong; and versions that were saved at another time.
  Result<> look_once_more(const FeedSurvey& feed, const Window& stretch, Stretch& found) {
    if (found.comparison.unknown().empty()) return {};
    const auto known = [&](const auto& item) {
      if (item.record.feed == stretch.feed)
        found.comparison.was_journaled_meanwhile(identity(item.record.feed, item.record.id));
    };
    TRY(scan(*source_.journal, survey_.end, source_.journal->report().durable, world_.stop, known));
    if (std::ranges::none_of(found.comparison.unknown(),
                             [&](const auto& one) { return is_missing(feed, found, one.first, one.second); }))
      return {};
    TRY(scan(*source_.journal, source_.journal->report().first, survey_.end, world_.stop, known));
    return {};
  }

  bool is_young(Timestamp saved) const { return saved > now() - options_.late_after; }

  bool is_early(const FeedSurvey& feed, Timestamp saved) const {
    const auto begin = source_.begins.find(feed.traits.feed);
    return !feed.is_inventory && begin != source_.begins.end() && saved < begin->second;
  }

  // Retention has removed what nothing tells of any more: a record of that time may have been journaled.
  bool may_have_been_removed(const FeedSurvey& feed, Timestamp saved) const {
    return std::ranges::any_of(
        removed_, [&](const NotComparable& gap) { return feed.is_inventory || (saved >= gap.from && saved < gap.to); });
  }

  // What was seen becomes figures of the rows.
  void settle(FeedSurvey& feed, const Window& stretch, Stretch& found, bool is_whole) {
    for (const Journaled& entry : found.comparison.journaled().all()) {
      VerifyFigures& figures = feed.row(entry.saved_time).figures;
      ++figures.journaled;
      figures.removed += entry.is_removed ? 1U : 0U;
      figures.shown += entry.is_shown ? 1U : 0U;
      figures.unshown += is_whole && !entry.is_shown ? 1U : 0U;
      figures.outdated += found.outdated.contains(entry.identity) ? 1U : 0U;
      if (entry.created > 1 && feed.traits.repetition != Repetition::none) figures.doubled += entry.created - 1;
    }
    for (const auto& [key, saved] : found.comparison.unknown()) {
      VerifyFigures& figures = feed.row(saved).figures;
      ++figures.shown;
      if (is_early(feed, saved))
        ++figures.early;
      else if (is_young(saved))
        ++figures.young;
      else if (!may_have_been_removed(feed, saved))
        ++figures.missing;
    }
    if (is_whole) count_lost(feed, stretch, found);
    for (VerifyNamed& candidate : found.candidates)
      if (is_missing(feed, found, identity(candidate.feed, candidate.id), candidate.saved_time))
        named_.add(std::move(candidate));
    leave_unnamed(feed, found);
  }

  bool is_missing(const FeedSurvey& feed, const Stretch& found, const Hash128& key, Timestamp saved) const {
    return found.comparison.unknown().contains(key) && !is_early(feed, saved) && !is_young(saved) &&
           !may_have_been_removed(feed, saved);
  }

  // Those whose id was not kept are counted as not named.
  void leave_unnamed(const FeedSurvey& feed, const Stretch& found) {
    if (found.candidates.size() < named_.each_max()) return;
    std::uint64_t missing = 0;
    for (const auto& [key, saved] : found.comparison.unknown())
      missing += is_missing(feed, found, key, saved) ? 1U : 0U;
    if (missing > found.candidates.size()) named_.leave_out(missing - found.candidates.size());
  }

  // What a seal says was in a damaged place, and what is neither journaled elsewhere nor shown.
  void count_lost(FeedSurvey& feed, const Window& stretch, const Stretch& found) {
    const auto damaged = damaged_.find(stretch.feed);
    if (damaged == damaged_.end()) return;
    std::set<std::uint64_t> shown = found.repaired;
    for (const auto& [key, saved] : found.comparison.unknown()) shown.insert(key.low);
    for (const auto& [key, saved] : damaged->second) {
      if (!feed.is_inventory && (saved < stretch.from || saved >= stretch.to)) continue;
      if (found.comparison.journaled().holds(key) || !shown.insert(key).second) continue;
      ++feed.row(saved).figures.lost;
    }
  }

  // The identities do not hold the ids, so the few that are doubled are looked for once more.
  Result<> name_doubled(const Window& stretch, Comparison& comparison) {
    if (std::ranges::none_of(comparison.journaled().all(), [](const auto& entry) { return entry.created > 1; }))
      return {};
    TRY(scan(*source_.journal, survey_.begin, survey_.end, world_.stop, [&](const auto& item) {
      if (item.record.feed != stretch.feed || item.record.kind != RecordKind::created) return;
      Journaled* entry = comparison.journaled().find(identity(item.record.feed, item.record.id));
      if (entry == nullptr || entry->created < 2) return;
      name(VerifyNamed::Kind::doubled, item.record,
           fmt::format("journaled as created {} times, also at {}", entry->created, to_string(item.position)));
      entry->created = 0;
    }));
    return {};
  }

  // --- repair ---

  Result<> keep(const Window& stretch, RecordView record, Stretch& found) {
    record.kind = RecordKind::created;
    TRY(found.kept.add(record));
    if (found.kept.stored_size() < repair_bytes_max) return {};
    TRY(look_once_more(*survey_.find(stretch.feed), stretch, found));
    return flush(stretch, found);
  }

  // Appends what was kept and is still missing, and counts it.
  Result<> flush(const Window& stretch, Stretch& found) {
    if (found.kept.is_empty()) return {};
    FeedSurvey& feed = *survey_.find(stretch.feed);
    Batch missing;
    for (std::size_t i = 0; i < found.kept.size(); ++i) {
      const RecordView record = found.kept[i];
      if (is_missing(feed, found, identity(record.feed, record.id), record.saved_time)) TRY(missing.add(record));
    }
    found.kept.clear();
    if (missing.is_empty()) return {};
    if (source_.before_append) source_.before_append(missing);
    auto done = source_.append(missing, survey_.end);
    if (!done) {
      if (done.error().code() == ErrorCode::interrupted) return done.error();
      repair_error_ = std::move(done).during("repairing " + stretch.feed + " of " + source_.name).error().text();
      return {};
    }
    report_.repaired += done->appended;
    for (std::size_t i = 0; i < missing.size(); ++i) {
      VerifyFigures& figures = feed.row(missing[i].saved_time).figures;
      ++figures.shown;
      ++figures.missing;
      ++figures.repaired;
      name(VerifyNamed::Kind::missing, missing[i], "repaired");
      const Hash128 key = identity(missing[i].feed, missing[i].id);
      found.comparison.was_journaled_meanwhile(key);
      found.repaired.insert(key.low);
    }
    return {};
  }

  // --- saying ---

  void name(VerifyNamed::Kind kind, const RecordView& record, std::string detail) {
    named_.add({.kind = kind,
                .source = source_.name,
                .feed = std::string(record.feed),
                .id = std::string(record.id),
                .saved_time = record.saved_time,
                .detail = std::move(detail)});
  }

  void tell(const std::string& doing) const {
    if (world_.progress) world_.progress(doing);
  }

  const VerifyOptions& options_;
  const std::size_t entries_max_;
  const VerifySource& source_;
  const VerifyWorld& world_;
  NamedList& named_;
  std::optional<std::string>& dead_;
  SourceReport report_;
  Survey survey_;
  std::vector<NotComparable> removed_;  // of the feed that is being compared
  std::optional<Timestamp> service_time_;
  MonotonicTime service_time_at_{};
  Timestamp since_{};
  Timestamp until_{};
  std::map<std::string, std::vector<std::pair<std::uint64_t, Timestamp>>> damaged_;  // by feed
  std::optional<std::string> repair_error_;
};

}  // namespace

Timestamp resolve(const VerifyMoment& moment, Timestamp now) {
  if (const Duration* ago = std::get_if<Duration>(&moment)) return now - *ago;
  return std::get<Timestamp>(moment);
}

Result<SourceReport> verify_source(const VerifyOptions& options, std::size_t entries_max, const VerifySource& source,
                                   const VerifyWorld& world, NamedList& named, std::optional<std::string>& dead) {
  return SourceCheck(options, entries_max, source, world, named, dead).run();
}

}  // namespace capstan::runtime
