#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "journal_walk.h"
#include "offline.h"
#include "runtime/effect.h"
#include "session.h"
#include "table.h"
#include "until.h"

namespace capstan::app {

namespace {

// What a person sees of one message.
constexpr std::size_t shown_max = 300;

// A configuration, with its findings told; nothing when there are any.
Result<std::optional<runtime::Plan>> plan_of(Session& session, const std::string& file) {
  Configuration read = TRY(read_configuration(session, file));
  session.streams.err << findings_text(read.findings, session.streams.err_is_terminal);
  return std::move(read.plan);
}

const runtime::RoutePlan* route_of(const runtime::Plan& plan, std::string_view name) {
  const auto found = std::ranges::find(plan.routes, name, &runtime::RoutePlan::name);
  return found == plan.routes.end() ? nullptr : &*found;
}

std::string tenant_of(const runtime::Plan& plan, std::string_view source) {
  const auto found = std::ranges::find(plan.sources, source, &runtime::SourcePlan::name);
  return found == plan.sources.end() ? std::string() : found->tenant;
}

std::string cut(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.size() <= shown_max ? std::string(text) : std::string(cut_utf8(text, shown_max)) + " …";
}

std::string text_of(const std::vector<runtime::EffectMeter>& meters) {
  Table table({{"route"},
               {"events", Align::right},
               {"not sent", Align::right},
               {"same", Align::right},
               {"added", Align::right},
               {"dropped", Align::right},
               {"changed", Align::right},
               {"touched", Align::right}});
  std::string examples;
  for (const runtime::EffectMeter& meter : meters) {
    const runtime::RouteEffect& effect = meter.effect();
    table.add({effect.route, grouped(effect.records), grouped(effect.unsent), grouped(effect.same),
               grouped(effect.added), grouped(effect.dropped), grouped(effect.changed),
               fmt::format("{:.1f} %", effect.touched_percent())});
    for (const auto& example : effect.examples) {
      examples += fmt::format("\n{}: {} {} {}\n", effect.route, example.source, example.feed, example.id);
      if (!example.before.empty()) examples += fmt::format("  - {}\n", cut(example.before));
      if (!example.after.empty()) examples += fmt::format("  + {}\n", cut(example.after));
    }
  }
  return table.text() + examples;
}

std::string json_of(const std::vector<runtime::EffectMeter>& meters) {
  std::string routes;
  for (const runtime::EffectMeter& meter : meters) {
    const runtime::RouteEffect& effect = meter.effect();
    std::string examples;
    for (const auto& example : effect.examples)
      examples += fmt::format(R"({}{{"source":{},"feed":{},"id":{},"before":{},"after":{}}})",
                              examples.empty() ? "" : ",", json_quote(example.source), json_quote(example.feed),
                              json_quote(example.id), json_quote(example.before), json_quote(example.after));
    routes += fmt::format(
        R"({}{{"route":{},"events":{},"unsent":{},"same":{},"added":{},"dropped":{},"changed":{},"touched_percent":{:.3f},"examples":[{}]}})",
        routes.empty() ? "" : ",", json_quote(effect.route), effect.records, effect.unsent, effect.same, effect.added,
        effect.dropped, effect.changed, effect.touched_percent(), examples);
  }
  return "[" + routes + "]\n";
}

Result<std::vector<runtime::EffectMeter>> measure(Session& session, const runtime::Plan& before,
                                                  const runtime::Plan& after) {
  std::vector<runtime::EffectMeter> meters;
  for (const runtime::RoutePlan& route : before.routes)
    meters.emplace_back(route.name, &route, route_of(after, route.name));
  for (const runtime::RoutePlan& route : after.routes)
    if (route_of(before, route.name) == nullptr) meters.emplace_back(route.name, nullptr, &route);
  std::vector<std::string> sources = source_names(before);
  for (const std::string& source : source_names(after))
    if (std::ranges::find(sources, source) == sources.end()) sources.push_back(source);
  const auto since = TRY(session.arguments.moment("last", session.clock.now()));
  const auto journals = TRY(open_journals(session, before.data_dir, sources));
  if (journals.empty())
    return Error(ErrorCode::not_found, fmt::format("there is no journal yet in {}", before.data_dir));
  fill_tables(session, before, journals);
  fill_tables(session, after, journals);
  StopOnSignal signals;
  for (const auto& [source, journal] : journals) {
    const store::Position from = since ? TRY(journal->position_at(*since)) : journal->report().first;
    const std::string tenant = tenant_of(after, source);
    TRY(walk_journal(*journal, from, signals.token(), [&](const store::Slice::Item& item) {
      for (runtime::EffectMeter& meter : meters)
        if (meter.draws_from(source)) meter.look(item, source, tenant);
      return true;
    }));
  }
  return meters;
}

Result<int> run(Session& session) {
  const auto before = TRY(plan_of(session, session.arguments.text("old")));
  const auto after = TRY(plan_of(session, session.arguments.text("new")));
  if (!before || !after) return exit_configuration;
  const auto meters = TRY(measure(session, *before, *after));
  session.out() << (session.wants_json() ? json_of(meters) : text_of(meters));
  if (!session.arguments.has("max-change")) return exit_done;
  const auto most = TRY(session.arguments.number("max-change", 0, 100));
  for (const runtime::EffectMeter& meter : meters) {
    // A route that only one of the two has is meant to send all or nothing.
    const bool is_in_both = route_of(*before, meter.effect().route) && route_of(*after, meter.effect().route);
    if (!is_in_both || meter.effect().touched_percent() <= static_cast<double>(most)) continue;
    session.streams.err << fmt::format(
        "capstan: route {} would change for {:.1f} % of its events, and --max-change "
        "allows {} %\n",
        meter.effect().route, meter.effect().touched_percent(), most);
    return exit_not_done;
  }
  return exit_done;
}

}  // namespace

Command diff_command() {
  return {
      .name = "diff",
      .summary = "compare what two configurations make of journaled events",
      .details =
          "Both are run over the events of the old one's journal: of every route, for how many events a "
          "message would be\nadded, dropped or changed, with examples (- old, + new). Nothing is sent. Exit "
          "codes: 78 when a configuration has\nfindings, 1 when a route changes for more events than "
          "--max-change allows: run it before `capstan reload`.",
      .wants = Wants::output,
      .options = {{.names = "old",
                   .value_name = "OLD.yaml",
                   .help = "the configuration that runs",
                   .completes = Completes::files,
                   .is_required = true},
                  {.names = "new",
                   .value_name = "NEW.yaml",
                   .help = "the one that shall run",
                   .completes = Completes::files,
                   .is_required = true},
                  {.names = "--last",
                   .value_name = "SPAN",
                   .help = "events ingested since then: 24h, 7d, or a time; all that the journal has when left out"},
                  {.names = "--max-change",
                   .value_name = "PERCENT",
                   .help = "end with 1 when more of what a route sends than this would be added, dropped or changed"}},
      .examples = {{"capstan diff /etc/capstan/capstan.yaml new.yaml --last 24h", "what would be different?"},
                   {"capstan diff old.yaml new.yaml --max-change 5",
                    "for a script: 0 when little changes, then reload"}},
      .run = run};
}

}  // namespace capstan::app
