#include "runtime/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "verify_source.h"

namespace capstan::runtime {

namespace {

constexpr Duration window_max = std::chrono::hours(24 * 400);
constexpr unsigned threads_max = 64;
// However many are compared at the same time, each gets a stretch that is worth a question.
constexpr std::size_t entries_min = 10'000;

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

// Only what is wrong whatever time it is at the services.
Result<> check_span(const VerifyOptions& options, Timestamp now) {
  if (!options.since || !options.until || options.since->index() != options.until->index()) return {};
  const Timestamp until = resolve(*options.until, now);
  const Timestamp since = resolve(*options.since, now);
  if (since >= until)
    return Error(ErrorCode::wrong_usage, fmt::format("verifying: expected since before until, got {} and {}",
                                                     to_iso8601(since), to_iso8601(until)));
  if (until - since > window_max)
    return Error(ErrorCode::wrong_usage,
                 fmt::format("verifying: expected at most {}, got {}", capstan::to_string(window_max),
                             capstan::to_string(Duration(until - since))));
  return {};
}

Result<> check_options(const VerifyOptions& options, const std::vector<VerifySource>& sources, Timestamp now) {
  TRY(check_span(options, now));
  std::vector<std::string> tenants;
  std::vector<std::string> names;
  std::vector<std::string> feeds;
  for (const auto& source : sources) {
    tenants.push_back(source.tenant);
    names.push_back(source.name);
    for (const auto& traits : source.source->feeds()) feeds.push_back(traits.feed);
  }
  TRY(all_are_known("tenant", options.tenants, tenants));
  TRY(all_are_known("source", options.sources, names));
  return all_are_known("feed", options.feeds, feeds);
}

bool is_wanted(const std::vector<std::string>& wanted, const std::string& name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

// Sources of one tenant share its request budget, so they are compared one after another.
std::vector<std::vector<std::size_t>> by_tenant(const std::vector<VerifySource>& sources) {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto same = std::ranges::find_if(groups, [&](const auto& group) {
      return !sources[i].tenant.empty() && sources[group.front()].tenant == sources[i].tenant;
    });
    if (same == groups.end())
      groups.push_back({i});
    else
      same->push_back(i);
  }
  return groups;
}

// All sources, on a bounded number of threads.
class Round {
public:
  Round(const VerifyOptions& options, const std::vector<VerifySource>& sources, const VerifyWorld& world)
      : options_(options),
        sources_(sources),
        outside_(world),
        world_(world),
        groups_(by_tenant(sources)),
        threads_(std::clamp<std::size_t>(groups_.size(), 1, std::clamp(options.threads, 1U, threads_max))),
        entries_max_(std::max(options.entries_max / threads_, std::min(entries_min, options.entries_max))),
        named_(options.named_max),
        reports_(sources.size()) {
    if (world.progress) world_.progress = [this](const std::string& doing) { tell(doing); };
  }

  Result<> run() {
    if (threads_ == 1) {
      work();
    } else {
      std::vector<std::jthread> crew;
      for (std::size_t i = 0; i < threads_; ++i) crew.emplace_back([this] { work(); });
    }
    if (error_) return *error_;
    return {};
  }

  std::vector<SourceReport>& reports() { return reports_; }
  NamedList& named() { return named_; }

private:
  void work() {
    for (std::size_t i = next_++; i < groups_.size(); i = next_++) {
      std::optional<std::string> dead;
      for (const std::size_t number : groups_[i]) {
        auto report = verify_source(options_, entries_max_, sources_[number], world_, named_, dead)
                          .during("verifying " + sources_[number].name);
        if (!report) return fail(report.error());
        reports_[number] = std::move(*report);
      }
      ++done_;
    }
  }

  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    next_ = groups_.size();
  }

  void tell(const std::string& doing) {
    const std::lock_guard lock(mutex_);
    outside_.progress(groups_.size() == 1 ? doing
                                          : fmt::format("{} of {} done; {}", done_.load(), groups_.size(), doing));
  }

  const VerifyOptions& options_;
  const std::vector<VerifySource>& sources_;
  const VerifyWorld& outside_;
  VerifyWorld world_;
  const std::vector<std::vector<std::size_t>> groups_;
  const std::size_t threads_;
  const std::size_t entries_max_;
  NamedList named_;
  std::vector<SourceReport> reports_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> done_{0};
  std::mutex mutex_;
  std::optional<Error> error_;
};

void add(VerifyRouteFigures& total, const VerifyRouteFigures& more) {
  total.delivered += more.delivered;
  total.dropped += more.dropped;
  total.dead_lettered += more.dead_lettered;
  total.lost_to_retention += more.lost_to_retention;
  total.waiting += more.waiting;
  if (more.waiting_saved)
    total.waiting_saved = std::min(total.waiting_saved.value_or(*more.waiting_saved), *more.waiting_saved);
  if (more.waiting_since)
    total.waiting_since = std::min(total.waiting_since.value_or(*more.waiting_since), *more.waiting_since);
}

void add_up(VerifyReport& report, const std::vector<VerifySource>& sources) {
  // Routes in the order of the configuration, also those that none of the rows has records for.
  for (const auto& source : sources)
    for (const auto& route : source.routes) {
      auto at = std::ranges::find(report.routes, route.name, &VerifyRouteFigures::route);
      if (at == report.routes.end()) {
        report.routes.emplace_back().route = route.name;
        at = std::prev(report.routes.end());
      }
      at->resent += route.cursor.resent;
      at->proof = route.proof;
    }
  for (const auto& row : report.rows) {
    report.totals += row.figures;
    for (const auto& figures : row.routes)
      if (const auto at = std::ranges::find(report.routes, figures.route, &VerifyRouteFigures::route);
          at != report.routes.end())
        add(*at, figures);
  }
}

void take(VerifyReport& report, std::vector<SourceReport>& parts) {
  for (SourceReport& part : parts) {
    std::ranges::move(part.feeds, std::back_inserter(report.feeds));
    std::ranges::move(part.rows, std::back_inserter(report.rows));
    report.damaged_frames += part.damaged_frames;
    report.repaired += part.repaired;
    report.not_repaired += part.not_repaired;
  }
  for (const VerifyFeed& feed : report.feeds) {
    report.since = std::min(report.since, feed.since);
    report.until = std::max(report.until, feed.until);
  }
}

}  // namespace

VerifyFigures& VerifyFigures::operator+=(const VerifyFigures& other) {
  shown += other.shown;
  journaled += other.journaled;
  removed += other.removed;
  missing += other.missing;
  repaired += other.repaired;
  young += other.young;
  outdated += other.outdated;
  late += other.late;
  doubled += other.doubled;
  updates += other.updates;
  unshown += other.unshown;
  quarantined += other.quarantined;
  early += other.early;
  lost += other.lost;
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

std::uint64_t VerifyReport::windows(Proof outcome) const {
  return static_cast<std::uint64_t>(std::ranges::count(rows, outcome, &VerifyRow::outcome));
}

bool VerifyReport::is_proved() const {
  return !rows.empty() && not_repaired == 0 && std::ranges::all_of(rows, [](const VerifyRow& row) {
    return row.outcome == Proof::proved || (row.outcome == Proof::waiting && row.is_young);
  });
}

Result<VerifyReport> verify(const VerifyOptions& options, std::vector<VerifySource> sources, const VerifyWorld& world) {
  VerifyReport report;
  report.started = world.clock->now();
  report.late_after = options.late_after;
  TRY(check_options(options, sources, report.started));
  std::erase_if(sources, [&](const VerifySource& source) {
    return !is_wanted(options.sources, source.name) || !is_wanted(options.tenants, source.tenant);
  });
  Round round(options, sources, world);
  TRY(round.run());
  report.since = Timestamp::max();
  report.until = Timestamp::min();
  take(report, round.reports());
  if (report.feeds.empty()) report.since = report.until = report.started;
  add_up(report, sources);
  report.named = round.named().take();
  // Sources were compared at the same time; the list is in their order all the same.
  std::ranges::stable_sort(report.named, {}, [&](const VerifyNamed& named) {
    return std::ranges::find(sources, named.source, &VerifySource::name) - sources.begin();
  });
  report.named_left_out = round.named().left_out();
  return report;
}

}  // namespace capstan::runtime
