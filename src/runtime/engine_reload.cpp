// Changing to another plan while it runs (runtime/reload.h).
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "engine_impl.h"
#include "reload_change.h"

namespace capstan::runtime {

Result<ReloadReport> Engine::reload(const Replan& replan, ReloadOptions options) {
  const std::unique_lock turn(impl_->reloading, reload_turn_patience);
  if (!turn) return Error(ErrorCode::busy, "reloading: another reload is at work");
  if (impl_->reload_stop.stop_requested()) return Error(ErrorCode::interrupted, "reloading: Capstan is stopping");
  if (options.only_shows) return impl_->reload(replan, options);
  // CLOCK_MONOTONIC in microseconds, as sd_notify(3) wants it with RELOADING=1.
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  impl_->notifier.tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                                   std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
  Result<ReloadReport> report = impl_->reload(replan, options);
  impl_->note_reload(report);
  impl_->notifier.tell("READY=1");
  return report;
}

Result<ReloadReport> Engine::Impl::reload(const Replan& replan, ReloadOptions how) {
  const MonotonicTime begin = world.clock.monotonic();
  ReloadReport report;
  std::optional<Plan> plan = TRY(replan(program->tenants(), report.findings).during("reloading"));
  if (!plan) {
    report.outcome = ReloadOutcome::refused;
    return report;
  }
  const PlanOutline running = program->outline();
  const PlanOutline wanted = runtime::outline(*plan);
  report.difference = difference(running, wanted);
  if (const config::Findings fixed = needs_restart(running, wanted); fixed.has_errors()) {
    report.findings.append(fixed);
    report.outcome = ReloadOutcome::refused;
    return report;
  }
  if (how.change_percent_max) {
    report.effects = TRY(measure_change(*plan, report.difference, how.look_back).during("reloading"));
    for (const RouteEffect& effect : report.effects)
      if (effect.touched_percent() > *how.change_percent_max)
        report.findings.add(
            ErrorCode::change_too_large, {},
            fmt::format("route {}: the messages of {:.1f} % of its last {} events that are sent would be others "
                        "({} added, {} dropped, {} changed), and {:g} % are allowed",
                        effect.route, effect.touched_percent(), effect.records - effect.unsent, effect.added,
                        effect.dropped, effect.changed, *how.change_percent_max));
    if (report.findings.has_errors()) {
      report.outcome = ReloadOutcome::refused;
      return report;
    }
  }
  report.outcome = report.difference.is_empty() ? ReloadOutcome::unchanged : ReloadOutcome::changed;
  if (!report.difference.is_empty() && !how.only_shows) {
    ReloadChange change(*this, std::move(*plan), report.difference);
    TRY(change.prepare().during("reloading"));
    report.given_up = TRY(change.commit().during("reloading"));
  }
  report.took = std::chrono::duration_cast<Duration>(world.clock.monotonic() - begin);
  return report;
}

// Changed routes as they run and as they would be, on what is in the journals already.
Result<std::vector<RouteEffect>> Engine::Impl::measure_change(const Plan& wanted, const PlanDifference& difference,
                                                              Duration look_back) {
  const auto running = program->running_routes();
  TableKeeper::fill_once(wanted.routes, program->data_dir(), world.files, world.clock, program->journals());
  std::vector<EffectMeter> meters;
  for (const RoutePlan& route : wanted.routes)
    for (const auto& before : running)
      if (before->plan.name == route.name && difference.of(PartDifference::Kind::route, route.name) == Change::changed)
        meters.emplace_back(route.name, &before->plan, &route);
  const Timestamp since = world.clock.now() - look_back;
  for (const auto& source : program->running_sources()) {
    store::Position at = TRY(source->journal->position_at(since));
    for (std::uint64_t looked = 0; looked < looked_back_max && !meters.empty();) {
      const store::Slice slice = TRY(source->journal->read(at, 4_MiB));
      for (const store::Slice::Item& item : slice.items)
        for (EffectMeter& meter : meters)
          if (meter.draws_from(source->plan.name)) meter.look(item, source->plan.name, source->plan.tenant);
      looked += slice.items.size();
      if (slice.end == at || reload_stop.stop_requested()) break;
      at = slice.end;
    }
  }
  std::vector<RouteEffect> effects;
  for (const EffectMeter& meter : meters) effects.push_back(meter.effect());
  return effects;
}

void Engine::Impl::note_reload(const Result<ReloadReport>& report) {
  std::string said;
  ReloadOutcome outcome = ReloadOutcome::failed;
  if (report) {
    outcome = report->outcome;
    said = summary(report->difference);
    if (outcome == ReloadOutcome::refused) {
      const auto& all = report->findings.all();
      const auto first = std::ranges::find(all, config::Finding::Severity::error, &config::Finding::severity);
      said = first == all.end() ? "by findings" : config::to_string(*first);
    }
    for (const config::Finding& finding : report->findings.all())
      if (finding.severity == config::Finding::Severity::error)
        log::error(config::to_string(finding));
      else
        log::warning(config::to_string(finding));
    for (const std::string& part : report->given_up)
      log::warning("a part did not come back in time and was left alone; what it still does counts no more",
                   {{"part", part}});
    for (const PartDifference& part : report->difference.parts)
      if (part.change != Change::kept && outcome == ReloadOutcome::changed)
        log::info("reload", {{"change", to_string(part.change)},
                             {"part", fmt::format("{} {}", to_string(part.kind), part.name)},
                             {"options", fmt::format("{}", fmt::join(part.options, ","))}});
  } else {
    said = report.error().text();
  }
  const bool is_well = outcome == ReloadOutcome::changed || outcome == ReloadOutcome::unchanged;
  log::write(is_well ? log::Level::info : log::Level::error,
             is_well ? "reloaded" : "reloading changed nothing; what ran before runs on",
             {{"outcome", to_string(outcome)}, {"what", said}});
  const std::lock_guard guard(reload_mutex);
  std::uint64_t& count = outcome == ReloadOutcome::changed     ? reload_status.changed
                         : outcome == ReloadOutcome::unchanged ? reload_status.unchanged
                         : outcome == ReloadOutcome::refused   ? reload_status.refused
                                                               : reload_status.failed;
  ++count;
  reload_status.last = world.clock.now();
  reload_status.last_outcome = to_string(outcome);
  reload_status.last_summary = said;
}

}  // namespace capstan::runtime
