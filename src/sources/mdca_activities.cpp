// Activities, the feed that must not lose anything.
//
//             floor                              base − overlap     base           now (the service's Date)
//   ───────────┼───────────────────────────────────────┼─────────────┼───────────────┼──►  created
//   first walk ├────────────────────────────────────────────────────►│
//   next walk                                          ├────────────────────────────►│      every `interval`
//   deep look                       ├──────────────────►                                    every hour, 6 h back
//   archive    ├────────────────────────────────────────────────────────────────────►│      every hour
//
// The recent list shows what happened in the last 30 days, the archive what happened earlier, whenever it was saved. So
// the archive is asked every hour for what was saved since the last time.
//
// A walk reads to the end of the list. A record that it could not see yet has `created` less than its lateness before
// the walk began; the next walk begins an overlap before that time and sees it. `base` is the smaller of the service's
// time when the walk began and the newest record seen, so a wrong Date cannot push it past records. The deep look
// finds, and measures, what came later than the overlap.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mdca_feed.h"

namespace capstan::mdca {

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

constexpr std::int64_t overlap_at_start = 10 * minute_ms;
// By event time the overlap has to span what a connector takes to report: minutes, at times hours.
constexpr std::int64_t overlap_by_date_min = 2 * hour_ms;
constexpr std::int64_t deep_look_every = hour_ms;
constexpr std::int64_t deep_look_back = 6 * hour_ms;
constexpr std::int64_t deep_look_back_by_date = 25 * hour_ms;
constexpr const char* archive_job = "archive";
constexpr std::int64_t archive_every = hour_ms;
constexpr std::int64_t archive_overlap = 6 * hour_ms;
// An archive that refused to answer is asked again.
constexpr std::int64_t archive_again_after = day_ms;
// The recent list holds 30 days, the archive what is older; both are asked for a day around the border.
constexpr std::int64_t recent_span = 30 * day_ms;
constexpr std::int64_t archive_span = 181 * day_ms;

// The forms in which a tenant may want to be asked, best first. A 400 leads to the next.
struct Dialect {
  bool by_date;
  bool scans;
  std::string_view note;
};
constexpr std::array<Dialect, 4> dialects{
    Dialect{false, true, ""},
    Dialect{true, true, "the tenant refuses to sort or filter by created; using date with a wider overlap"},
    Dialect{false, false, "the tenant refuses scan mode; reading pages of 100"},
    Dialect{true, false,
            "the tenant refuses scan mode and to sort or filter by created; reading pages of 100 by date with a wider "
            "overlap"},
};
const Dialect& dialect_of(const FeedState& state) { return dialects[state.dialect % dialects.size()]; }

class Activities final : public Feed {
public:
  Activities(const Options& options, std::string filters) : Feed("activities", options, std::move(filters)) {}

  std::vector<JobKind> jobs() const override {
    return {{main_job, net::Urgency::activities},
            {poison_job, net::Urgency::sweep},
            {"deep", net::Urgency::sweep},
            {archive_job, net::Urgency::sweep}};
  }

  // Longer than the deep look and the border of the archive reach back.
  FeedTraits traits() const override { return {"activities", Repetition::by_id, std::chrono::days(3)}; }

  std::int64_t due_at(const FeedState& state, const std::string& job) const override {
    if (job == poison_job) return poison_due_at(state);
    const auto done = state.jobs.find(job);
    const std::int64_t done_at = done == state.jobs.end() ? 0 : done->second.done_at;
    if (job == main_job) return done_at + options().interval.count();
    if (state.base == 0) return never;
    if (job == archive_job) {
      if (!options().archive) return never;
      const std::int64_t refused_at = std::max(state.archive_refused_at, state.archive_refused_created_at);
      return std::max(done_at + archive_every, refused_at == 0 ? 0 : refused_at + archive_again_after);
    }
    return done_at + deep_look_every;
  }

  Walk plan(FeedState& state, const std::string& job, ServerTime now) const override {
    const Reading reading = dialect_of(state).scans ? Reading::scan : Reading::pages;
    if (job == poison_job) return plan_poison(state, now, reading);
    Walk walk;
    if (job == main_job) {
      if (state.floor == 0) state.floor = floor_at(now);
      walk.started = now.is_dated ? now.ms : state.newest;
      const std::int64_t from = state.base == 0 ? state.floor : std::max(state.floor, state.base - overlap(state));
      add_pieces(walk, state, from, now);
    } else if (job == archive_job) {
      walk.started = now.ms;
      walk.pieces.push_back(archive_piece(state, now));
    } else {
      walk.started = now.ms;
      const std::int64_t back = dialect_of(state).by_date ? deep_look_back_by_date : deep_look_back;
      const std::int64_t from = std::max(state.floor, state.base - back);
      const std::int64_t to = state.base - overlap(state);
      if (from < to) walk.pieces.push_back(recent_piece(from, to, reading));
    }
    return walk;
  }

  Walk plan_window(const FeedState& state, const Window& window, ServerTime now) const override {
    Walk walk;
    walk.started = now.ms;
    const bool is_otherwise = window.manner == Manner::otherwise;
    const bool scans = dialect_of(state).scans;
    std::int64_t from = epoch_ms(window.from);
    const std::int64_t to = epoch_ms(window.to) - 1;
    // By event time the records of a window of saved time lie up to a day before it; the others are left out.
    if (dialect_of(state).by_date) from -= deep_look_back_by_date;
    // The recent list first: what leaves it meanwhile is in the archive then.
    Piece recent = recent_piece(from, to, scans && !is_otherwise ? Reading::scan : Reading::pages);
    recent.descending = recent.confirms_end = is_otherwise;
    recent.scans_when_long = is_otherwise && scans;
    walk.pieces.push_back(std::move(recent));
    Piece archived;
    if (asks_archive_by_saved_time(state, now)) {
      archived = lately_archived(epoch_ms(window.from), to);
    } else if (const std::int64_t border = now.ms - recent_span + day_ms; asks_archive(state, now) && from < border) {
      archived = recent_piece(epoch_ms(window.from) - deep_look_back_by_date, std::min(to, border), Reading::pages);
      archived.archived = true;
    }
    archived.descending = archived.confirms_end = is_otherwise;
    if (archived.archived) walk.pieces.push_back(std::move(archived));
    return walk;
  }

  std::string gap_in(const FeedState& state, const Window& window, ServerTime now) const override {
    if (epoch_ms(window.from) >= now.ms - recent_span || asks_archive(state, now)) return {};
    return options().archive ? "the tenant's archive refuses to answer"
                             : "only the archive has activities older than 30 days, and the option archive is false";
  }

  WalkShape shape(const FeedState& state, const std::string&) const override {
    const bool by_date = dialect_of(state).by_date;
    WalkShape shape;
    shape.path = "activities/";
    shape.sort_field = shape.time_field = by_date ? "date" : "created";
    // Where created is refused there is no other time to go by.
    shape.other_time = by_date ? "" : "date";
    shape.by_event_time = by_date;
    shape.filters = filters();
    return shape;
  }

  void finished(FeedState& state, const std::string& job, std::int64_t started) const override {
    if (job == poison_job) return forget_poisoned(state);
    if (job == archive_job && state.archive_refused_at < started) state.archive_refused_at = 0;
    if (job == archive_job && state.archive_refused_created_at < started) state.archive_refused_created_at = 0;
    if (job != main_job) return;
    state.base = std::max(state.base, std::min(started, state.newest));
    if (state.archive_refused_at == 0) state.archived_to = std::max(state.archived_to, started - recent_span + day_ms);
    if (Job& deep = state.jobs["deep"]; deep.done_at == 0) deep.done_at = started;
    if (Job& old = state.jobs[archive_job]; old.done_at == 0) old.done_at = std::max<std::int64_t>(state.floor, 1);
  }

  bool take_refusal(FeedState& state, const std::string&) const override {
    state.dialect = (state.dialect + 1) % static_cast<std::uint32_t>(dialects.size());
    // What was seen by one clock is looked for once more by the other, far enough back.
    state.jobs["deep"].done_at = 1;
    return state.dialect != 0;
  }

  std::string note(const FeedState& state) const override {
    std::string note(dialect_of(state).note);
    if (state.archive_refused_at != 0) {
      if (!note.empty()) note += "; ";
      note +=
          "the tenant's archive refuses to answer; activities older than 30 days are not collected; it is asked "
          "again every day";
    } else if (state.archive_refused_created_at != 0) {
      if (!note.empty()) note += "; ";
      note +=
          "the tenant's archive refuses to filter by created; activities that happened more than 30 days before they "
          "were saved "
          "are looked for once a day, while it holds less than 5,000";
    }
    return note;
  }

private:
  static std::int64_t overlap(const FeedState& state) {
    const std::int64_t measured = state.overlap == 0 ? overlap_at_start : state.overlap;
    return dialect_of(state).by_date ? std::max(measured, overlap_by_date_min) : measured;
  }

  static bool is_refused(std::int64_t at, ServerTime now) { return at != 0 && now.ms < at + archive_again_after; }
  bool asks_archive(const FeedState& state, ServerTime now) const {
    return options().archive && !is_refused(state.archive_refused_at, now);
  }
  bool asks_archive_by_saved_time(const FeedState& state, ServerTime now) const {
    return asks_archive(state, now) && !is_refused(state.archive_refused_created_at, now);
  }

  // What was saved since the last time. An archive that cannot be asked so is read as a whole where it is short.
  Piece archive_piece(const FeedState& state, ServerTime now) const {
    const auto job = state.jobs.find(archive_job);
    const std::int64_t done_at = job == state.jobs.end() ? 0 : job->second.done_at;
    if (asks_archive_by_saved_time(state, now))
      return lately_archived(std::max(state.floor, done_at - archive_overlap), now.ms + hour_ms);
    Piece piece = recent_piece(now.ms - archive_span, now.ms - recent_span + day_ms, Reading::pages);
    piece.archived = piece.only_when_short = true;
    return piece;
  }

  static Piece lately_archived(std::int64_t from, std::int64_t to) {
    Piece piece = recent_piece(from, to, Reading::pages);
    piece.archived = piece.by_saved_time = true;
    return piece;
  }

  static Piece recent_piece(std::int64_t from, std::optional<std::int64_t> to, Reading reading) {
    Piece piece;
    piece.from = from;
    piece.to = to;
    piece.reading = reading;
    return piece;
  }

  // The archive first where the walk reaches back so far, then the recent list; both show a day around the border. What
  // an archive that refused has not shown yet is asked for when it answers again.
  void add_pieces(Walk& walk, const FeedState& state, std::int64_t from, ServerTime now) const {
    const std::int64_t border = now.ms - recent_span;
    const std::int64_t archived_from = state.archived_to == 0 ? state.floor : std::max(from, state.archived_to);
    if (now.is_dated && asks_archive(state, now) && archived_from < border) {
      Piece archived = recent_piece(archived_from, border + day_ms, Reading::pages);
      archived.archived = true;
      walk.pieces.push_back(std::move(archived));
    }
    walk.pieces.push_back(recent_piece(from, std::nullopt, dialect_of(state).scans ? Reading::scan : Reading::pages));
  }
};

}  // namespace

std::unique_ptr<Feed> make_activities(const Options& options, std::string filters) {
  return std::make_unique<Activities>(options, std::move(filters));
}

}  // namespace capstan::mdca
