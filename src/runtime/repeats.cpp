#include "repeats.h"

#include <algorithm>

#include "base/log.h"
#include "evidence.h"
#include "kql/record_run.h"

namespace capstan::runtime {

std::function<bool(const store::Slice::Item&)> rule_drops(const RoutePlan& route, std::string tenant,
                                                          std::string source) {
  if (!route.rule) return {};
  return [run = std::make_shared<kql::RecordRun>(route.rule), tenant = std::move(tenant),
          source = std::move(source)](const store::Slice::Item& item) {
    if (item.record.is_quarantined) return false;
    // As it was judged when it was delivered.
    run->set_now(item.ingest_time);
    const Result<bool> keeps = run->keeps(item.record, kql::Envelope{tenant, source, item.ingest_time});
    return keeps.has_value() && !*keeps;
  };
}

void expect_repeats(const Program& program, const RunningSource& source, const Batch& batch) {
  const DamagedRecords damaged = source.evidence->damaged_records();
  if (damaged.is_empty()) return;
  for (const auto& route : program.running_routes()) {
    const RouteStatus status = route->runner->status();
    const auto cursor = std::ranges::find(status.cursors, source.plan.name, &RouteCursor::source);
    if (cursor == status.cursors.end()) continue;
    const auto drops = rule_drops(route->plan, source.plan.tenant, source.plan.name);
    std::vector<store::Position> places;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      store::Slice::Item item;
      item.record = batch[i];
      const auto place = damaged.find(item.record);
      const bool is_taken =
          status.feeds.empty() || std::ranges::find(status.feeds, item.record.feed) != status.feeds.end();
      if (place && is_taken && !(drops && drops(item))) places.push_back(*place);
    }
    const std::uint64_t again = source.evidence->delivered_before(cursor->cursor, places);
    if (Result<> counted = route->runner->expect_again(source.number, again); !counted)
      log::repeating("repeats " + route->plan.name, counted.error());
  }
}

}  // namespace capstan::runtime
