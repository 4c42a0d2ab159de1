#include "figures_log.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"

namespace capstan::runtime {

void FiguresLog::write(const Status& status) {
  const std::string elapsed = capstan::to_string(status.uptime - std::exchange(written_at_, status.uptime));
  const std::string uptime = capstan::to_string(status.uptime);
  for (const SourceStatus& source : status.sources) {
    std::uint64_t journaled = 0;
    std::uint64_t duplicates = 0;
    for (const FeedStatus& feed : source.feeds) {
      journaled += feed.journaled;
      duplicates += feed.duplicates;
    }
    const std::uint64_t before = std::exchange(journaled_[source.name], journaled);
    log::info("figures of a source", {{"source", source.name},
                                      {"state", to_string(source.state)},
                                      {"events_since_start", journaled},
                                      {"events_since_last", journaled - before},
                                      {"duplicates", duplicates},
                                      {"poll_errors", source.poll_errors},
                                      {"journal_bytes", source.journal.bytes},
                                      {"elapsed", elapsed},
                                      {"uptime", uptime}});
  }
  for (const RouteStatus& route : status.routes) {
    const std::uint64_t before = std::exchange(delivered_[route.name], route.delivered);
    log::info("figures of a route", {{"route", route.name},
                                     {"state", to_string(route.state)},
                                     {"delivered", route.delivered},
                                     {"delivered_since_last", before == 0 ? 0 : route.delivered - before},
                                     {"rejected", route.rejected},
                                     {"resent", route.resent},
                                     {"backlog_events", route.backlog_records},
                                     {"backlog_bytes", route.backlog_bytes},
                                     {"elapsed", elapsed},
                                     {"uptime", uptime}});
  }
  log::info("figures of memory", {{"resident_bytes", status.memory.resident_bytes},
                                  {"peak_bytes", status.memory.peak_bytes},
                                  {"elapsed", elapsed},
                                  {"uptime", uptime}});
}

}  // namespace capstan::runtime
