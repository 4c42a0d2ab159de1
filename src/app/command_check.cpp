#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "session.h"
#include "table.h"
#include "until.h"

namespace capstan::app {

namespace {

// Long enough for a proxy, a token and an answer; short enough for a person who waits.
constexpr Duration probe_timeout = std::chrono::seconds(20);

// One thing that was tried.
struct Probe {
  std::string what;  // "tenant contoso", "source mdca, feed alerts", "sink arcsight"
  std::string asked;
  std::optional<Error> error;
  std::string note;
};

std::vector<Probe> probe_tenants(const runtime::Plan& plan, const Call& call) {
  std::vector<Probe> probes;
  const auto token = [&](const runtime::TenantPlan& tenant, net::Tenant::Credential credential, std::string asked) {
    Probe probe{"tenant " + tenant.name, std::move(asked), {}, {}};
    if (auto had = tenant.tenant->authenticate(credential, call); !had.has_value()) probe.error = had.error();
    probes.push_back(std::move(probe));
  };
  for (const runtime::TenantPlan& tenant : plan.tenants) {
    token(tenant, net::Tenant::Credential::main, "token");
    if (tenant.tenant->has_files_token()) token(tenant, net::Tenant::Credential::files, "token for files");
  }
  return probes;
}

void probe_sources(const runtime::Plan& plan, const Call& call, std::vector<Probe>& probes) {
  for (const runtime::SourcePlan& source : plan.sources)
    for (const FeedReport& feed : source.source->probe(call))
      probes.push_back({"source " + source.name, "feed " + feed.feed, feed.error, feed.note});
}

void probe_sinks(const runtime::Plan& plan, const Call& call, std::vector<Probe>& probes) {
  std::set<std::string> seen;
  for (const runtime::RoutePlan& route : plan.routes) {
    if (!seen.insert(route.sink_name).second) continue;
    Probe probe{"sink " + route.sink_name, route.sink_kind, {}, {}};
    if (auto reached = route.sink->probe(call); !reached.has_value()) probe.error = reached.error();
    route.sink->close();
    probes.push_back(std::move(probe));
  }
}

std::string probes_text(const std::vector<Probe>& probes) {
  Table table({{"what"}, {"asked"}, {"result"}});
  for (const Probe& probe : probes)
    table.add({probe.what, probe.asked, probe.error ? label(probe.error->code()) : "ok"});
  std::string text = table.text();
  for (const Probe& probe : probes) {
    if (probe.error) {
      const ErrorEntry& known = entry(probe.error->code());
      text += fmt::format("\n{}, {}: {}\n  what it means: {}\n  what to do:    {}\n", probe.what, probe.asked,
                          probe.error->text(), known.what, known.advice);
    } else if (!probe.note.empty()) {
      text += fmt::format("\n{}, {}: {}\n", probe.what, probe.asked, probe.note);
    }
  }
  return text;
}

std::string probes_json(const std::vector<Probe>& probes) {
  std::string list;
  for (const Probe& probe : probes) {
    list += fmt::format(R"({}{{"what":{},"asked":{},"is_ok":{})", list.empty() ? "" : ",", json_quote(probe.what),
                        json_quote(probe.asked), !probe.error);
    if (probe.error) {
      const ErrorEntry& known = entry(probe.error->code());
      list +=
          fmt::format(R"(,"code":"{}","name":"{}","message":{},"means":{},"advice":{})", label(known.code), known.name,
                      json_quote(probe.error->sentence()), json_quote(known.what), json_quote(known.advice));
    }
    if (!probe.note.empty()) list += fmt::format(R"(,"note":{})", json_quote(probe.note));
    list += "}";
  }
  return "[" + list + "]";
}

std::string summary(const runtime::Plan& plan, const std::string& file) {
  return fmt::format("{}: good; tenants {}, sources {}, routes {}\n", file, plan.tenants.size(), plan.sources.size(),
                     plan.routes.size());
}

// What a data collection rule of Azure would not take of the routes' rules.
std::string portability_text(const runtime::Plan& plan) {
  std::string text;
  for (const runtime::RoutePlan& route : plan.routes) {
    if (!route.rule) continue;
    for (const kql::Diagnostic& note : route.rule->not_portable()) {
      const kql::LineColumn at = kql::locate(route.rule_text, note.span.begin);
      text += fmt::format("note: route {}: query:{}:{}: {}\n", route.name, at.line, at.column, note.sentence);
    }
  }
  return text;
}

std::string portability_json(const runtime::Plan& plan) {
  std::string list;
  for (const runtime::RoutePlan& route : plan.routes) {
    if (!route.rule) continue;
    for (const kql::Diagnostic& note : route.rule->not_portable()) {
      const kql::LineColumn at = kql::locate(route.rule_text, note.span.begin);
      list += fmt::format(R"({}{{"route":{},"line":{},"column":{},"message":{}}})", list.empty() ? "" : ",",
                          json_quote(route.name), at.line, at.column, json_quote(note.sentence));
    }
  }
  return "[" + list + "]";
}

Result<int> run(Session& session) {
  const StopOnSignal signals;
  const Configuration configuration = TRY(read_configuration(session));
  std::vector<Probe> probes;
  const bool is_live = session.arguments.has("live") && configuration.plan.has_value();
  if (is_live) {
    const Call call{probe_timeout, signals.token()};
    probes = probe_tenants(*configuration.plan, call);
    probe_sources(*configuration.plan, call, probes);
    probe_sinks(*configuration.plan, call, probes);
  }
  if (session.wants_json()) {
    session.out() << fmt::format(R"({{"file":{},"is_good":{},"findings":{},"not_portable":{},"probes":{}}})",
                                 json_quote(session.configuration_file()), configuration.plan.has_value(),
                                 findings_json(configuration.findings),
                                 configuration.plan ? portability_json(*configuration.plan) : "[]", probes_json(probes))
                  << '\n';
  } else {
    session.out() << findings_text(configuration.findings, session.streams.out_is_terminal);
    if (configuration.plan)
      session.out() << portability_text(*configuration.plan)
                    << summary(*configuration.plan, session.configuration_file());
    if (is_live) session.out() << '\n' << probes_text(probes);
  }
  if (!configuration.plan) return exit_configuration;
  return std::ranges::any_of(probes, [](const Probe& p) { return p.error.has_value(); }) ? exit_not_done : exit_done;
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .summary = "read the configuration and tell all that is wrong with it",
          .details =
              "All findings at once, each with file, line and column. With --live it also asks every tenant for "
              "a token, every feed\nfor a record and every sink for a connection, sends nothing that a SIEM "
              "would store, and says of each failure what it\nmeans and what to do. Exit codes: 78 when there "
              "are findings, 1 when something live did not work.",
          .wants = Wants::both,
          .options = {{.names = "--live", .value_name = "", .help = "try every tenant, feed and sink"}},
          .examples = {{"capstan check", "is capstan.yaml right?"},
                       {"capstan check --live", "can everything in it be reached?"}},
          .run = run};
}

}  // namespace capstan::app
