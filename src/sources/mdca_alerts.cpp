// Alerts: new ones by date, and again those that may have changed, because a list by date does not show changes.
//
//   main      what is new, with an overlap of at least an hour; every `interval`
//   open      all open alerts of the sweep's span; every `sweep_interval`
//   resolved  what was closed since the last time; every `sweep_interval`
//   all       everything of the sweep's span, whatever became of it; once a day
#include <fmt/format.h>

#include <algorithm>

#include "mdca_feed.h"

namespace capstan::mdca {

namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t overlap_min = hour_ms;
constexpr std::int64_t resolved_overlap = hour_ms;
constexpr std::int64_t sweep_all_every = 24 * hour_ms;
constexpr std::uint32_t refuses_resolution_date = 1;

class Alerts final : public Feed {
public:
  Alerts(const Options& options, std::string filters) : Feed("alerts", options, std::move(filters)) {}

  std::vector<JobKind> jobs() const override {
    return {{main_job, net::Urgency::alerts},
            {"open", net::Urgency::sweep},
            {"resolved", net::Urgency::sweep},
            {poison_job, net::Urgency::sweep},
            {"all", net::Urgency::sweep}};
  }

  // A change is told from a new alert for as long as the service keeps alerts (180 days) and the sweep may reach.
  FeedTraits traits() const override { return {"alerts", Repetition::by_content, std::chrono::days(366)}; }

  std::int64_t due_at(const FeedState& state, const std::string& job) const override {
    if (job == poison_job) return poison_due_at(state);
    const auto done = state.jobs.find(job);
    const std::int64_t done_at = done == state.jobs.end() ? 0 : done->second.done_at;
    if (job == main_job) return done_at + options().interval.count();
    // Sweeps begin when the first walk is through: until then everything is new.
    if (done_at == 0 || (job == "resolved" && state.dialect == refuses_resolution_date)) return never;
    return done_at + (job == "all" ? sweep_all_every : options().sweep_interval.count());
  }

  Walk plan(FeedState& state, const std::string& job, ServerTime now) const override {
    if (job == poison_job) return plan_poison(state, now, Reading::pages);
    Walk walk;
    walk.started = now.ms;
    Piece piece;
    if (job == main_job) {
      if (state.floor == 0) state.floor = floor_at(now);
      walk.started = now.is_dated ? now.ms : state.newest;
      piece.from =
          state.base == 0 ? state.floor : std::max(state.floor, state.base - std::max(overlap_min, state.overlap));
    } else if (job == "resolved") {
      const std::int64_t since = state.jobs["resolved"].done_at - resolved_overlap;
      piece.also = fmt::format(R"("resolutionDate":{{"gte":{}}})", std::max<std::int64_t>(since, 0));
    } else {
      piece.from = std::max<std::int64_t>(now.ms - options().sweep.count(), 0);
      if (job == "open" && !has_filter(filters(), "alertOpen")) piece.also = R"("alertOpen":{"eq":true})";
    }
    walk.pieces.push_back(std::move(piece));
    return walk;
  }

  Walk plan_window(const FeedState&, const Window& window, ServerTime now) const override {
    Walk walk;
    walk.started = now.ms;
    Piece piece;
    piece.from = epoch_ms(window.from);
    piece.to = epoch_ms(window.to) - 1;
    piece.descending = piece.confirms_end = window.manner == Manner::otherwise;
    walk.pieces.push_back(std::move(piece));
    return walk;
  }

  WalkShape shape(const FeedState&, const std::string& job) const override {
    // Old alerts are resolved, too: that job goes by another time and takes pages by skip.
    WalkShape shape;
    shape.path = "alerts/";
    shape.sort_field = "date";
    shape.time_field = job == "resolved" ? "" : "date";
    shape.by_event_time = true;
    shape.filters = filters();
    return shape;
  }

  void finished(FeedState& state, const std::string& job, std::int64_t started) const override {
    if (job == poison_job) return forget_poisoned(state);
    if (job != main_job) return;
    state.base = std::max(state.base, std::min(started, state.newest));
    for (const auto* sweep : {"open", "resolved", "all"})
      if (Job& next = state.jobs[sweep]; next.done_at == 0) next.done_at = std::max<std::int64_t>(started, 1);
  }

  bool take_refusal(FeedState& state, const std::string& job) const override {
    if (job != "resolved") return false;
    state.dialect = refuses_resolution_date;
    return true;
  }

  std::string note(const FeedState& state) const override {
    if (state.dialect != refuses_resolution_date) return {};
    return "the tenant refuses to filter by resolutionDate; closed alerts are found by the daily sweep";
  }
};

}  // namespace

std::unique_ptr<Feed> make_alerts(const Options& options, std::string filters) {
  return std::make_unique<Alerts>(options, std::move(filters));
}

}  // namespace capstan::mdca
