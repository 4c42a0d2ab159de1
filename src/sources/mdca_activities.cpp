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
// A walk reads up to the service's own time at its beginning, so a record that it could not see yet has `created` less
// than its lateness before that time; the next walk begins an overlap earlier and sees it. `base` is the smaller of
// that time and the newest record seen, so a wrong Date cannot push it past records. The deep look finds, and measures,
// what came later than the overlap.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mdca_feed.h"

namespace capstan::mdca {

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

constexpr std::int64_t date_step = 1'000;  // of the Date header (RFC 9110 section 5.6.7)
constexpr std::int64_t overlap_at_start = 10 * minute_ms;
// By event time the overlap has to span what a connector takes to report: minutes, at times hours.
constexpr std::int64_t overlap_by_date_min = 2 * hour_ms;
constexpr std::int64_t deep_look_every = hour_ms;
constexpr std::int64_t deep_look_back = 6 * hour_ms;
constexpr std::int64_t deep_look_back_by_date = 25 * hour_ms;
constexpr const char* archive_job = "archive";
constexpr std::int64_t archive_every = hour_ms;
constexpr std::int64_t archive_overlap = 6 * hour_ms;
// The recent list holds 30 days, the archive what is older; both are asked for a day around the border.
constexpr std::int64_t recent_span = 30 * day_ms;

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
    if (job == archive_job) return asks_archive_by_saved_time(state) ? done_at + archive_every : never;
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
      // A Date counts whole seconds: the service may be almost one further.
      add_pieces(walk, state, from, now.is_dated ? std::optional(now.ms + date_step - 1) : std::nullopt, now);
    } else if (job == archive_job) {
      walk.started = now.ms;
      const std::int64_t done_at = state.jobs[archive_job].done_at;
      walk.pieces.push_back(lately_archived(std::max(state.floor, done_at - archive_overlap), now.ms + hour_ms));
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
    recent.descending = is_otherwise;
    recent.scans_when_long = is_otherwise && scans;
    walk.pieces.push_back(std::move(recent));
    if (asks_archive_by_saved_time(state)) {
      Piece archived = lately_archived(epoch_ms(window.from), to);
      archived.descending = is_otherwise;
      walk.pieces.push_back(std::move(archived));
    } else if (const std::int64_t border = now.ms - recent_span; asks_archive(state) && from < border) {
      Piece archived =
          recent_piece(epoch_ms(window.from) - deep_look_back_by_date, std::min(to, border + day_ms), Reading::pages);
      archived.archived = true;
      archived.descending = is_otherwise;
      walk.pieces.push_back(std::move(archived));
    }
    return walk;
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
    if (job != main_job) return;
    state.base = std::max(state.base, std::min(started, state.newest));
    state.archived_to = std::max(state.archived_to, started - recent_span + day_ms);
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
    if (state.archive_refused) {
      if (!note.empty()) note += "; ";
      note += "the tenant's archive refuses to answer; activities older than 30 days are not collected";
    } else if (state.archive_refuses_created) {
      if (!note.empty()) note += "; ";
      note +=
          "the tenant's archive refuses to filter by created; activities that are saved later than 30 days after they "
          "happened are not collected";
    }
    return note;
  }

private:
  static std::int64_t overlap(const FeedState& state) {
    const std::int64_t measured = state.overlap == 0 ? overlap_at_start : state.overlap;
    return dialect_of(state).by_date ? std::max(measured, overlap_by_date_min) : measured;
  }

  bool asks_archive(const FeedState& state) const { return options().archive && !state.archive_refused; }
  bool asks_archive_by_saved_time(const FeedState& state) const {
    return asks_archive(state) && !state.archive_refuses_created;
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

  // The archive first where the window reaches back so far, then the recent list.
  void add_pieces(Walk& walk, const FeedState& state, std::int64_t from, std::optional<std::int64_t> to,
                  ServerTime now) const {
    const Reading reading = dialect_of(state).scans ? Reading::scan : Reading::pages;
    const std::int64_t border = now.ms - recent_span;
    const std::int64_t archived_from = std::max(from, state.archived_to);
    if (now.is_dated && asks_archive(state) && archived_from < border) {
      Piece archived = recent_piece(archived_from, border + day_ms, Reading::pages);
      if (to) archived.to = std::min(*archived.to, *to);
      archived.archived = true;
      walk.pieces.push_back(std::move(archived));
    }
    if (!to || from <= *to) walk.pieces.push_back(recent_piece(from, to, reading));
  }
};

}  // namespace

std::unique_ptr<Feed> make_activities(const Options& options, std::string filters) {
  return std::make_unique<Activities>(options, std::move(filters));
}

}  // namespace capstan::mdca
