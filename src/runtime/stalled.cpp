// Which stages have work and make no progress: what /readyz names. A stage is fine while it moves, or when it is proved
// to have nothing to do.
#include <fmt/format.h>

#include "runtime/program.h"

namespace capstan::runtime {

namespace {

// Shorter than that is a hiccup: one lost connection, one pause of the service.
constexpr std::chrono::seconds patience{30};
// A poll makes a few requests of at most a minute each.
constexpr std::chrono::minutes poll_patience{5};
constexpr std::chrono::seconds commit_patience{10};

Duration since(MonotonicTime then, MonotonicTime now) { return std::chrono::duration_cast<Duration>(now - then); }

bool is_about_the_journal(ErrorCode code) {
  return code == ErrorCode::journal_full || code == ErrorCode::disk_full || code == ErrorCode::disk_failed ||
         code == ErrorCode::data_dir_away;
}

}  // namespace

void Program::find_stalled(Status& status, const std::vector<std::shared_ptr<Collector>>& collectors,
                           const std::vector<std::shared_ptr<RouteRunner>>& routes) const {
  const MonotonicTime now = world_.clock.monotonic();
  for (std::size_t i = 0; i < collectors.size(); ++i) {
    const Collector& collector = *collectors[i];
    const SourceStatus& source = status.sources[i];
    if (const auto stepping = collector.stepping_since(); stepping && now - *stepping > poll_patience)
      status.stalled.push_back({"source " + source.name, "a poll does not come back", since(*stepping, now)});
    if (const auto failing = collector.failing_since(); failing && (source.is_held || now - *failing > patience)) {
      const bool is_journal = source.code && is_about_the_journal(*source.code);
      status.stalled.push_back(
          {(is_journal ? "journal of source " : "source ") + source.name, source.error, since(*failing, now)});
    }
    for (const auto& [feed, failing] : collector.failing_feeds(patience))
      status.stalled.push_back({fmt::format("source {}, feed {}", source.name, feed.name), feed.error, failing});
  }
  if (const auto waiting = committer_->waiting_since(); waiting && now - *waiting > commit_patience)
    status.stalled.push_back({"journal", "the disk does not answer", since(*waiting, now)});
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const RouteStatus& route = status.routes[i];
    const auto stuck = routes[i]->without_progress_since();
    if (!stuck || now - *stuck <= patience || route.backlog_bytes == 0) continue;
    status.stalled.push_back(
        {"route " + route.name, route.error.empty() ? "the sink does not come back" : route.error, since(*stuck, now)});
  }
}

}  // namespace capstan::runtime
