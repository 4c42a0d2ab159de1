#include <fmt/format.h>

#include "app/components.h"
#include "base/text.h"
#include "demo_view.h"
#include "runtime/engine.h"
#include "session.h"
#include "simulator/receiver.h"
#include "simulator/simulator.h"
#include "temporary_directory.h"
#include "until.h"

namespace capstan::app {

namespace {

// The tenant of the demonstration: a past to catch up with, and a present that goes on.
constexpr std::uint64_t activities_at_start = 20'000;
constexpr std::uint64_t alerts_at_start = 400;
constexpr double events_per_second = 100;
constexpr Duration lateness = std::chrono::seconds(2);
// The real service allows 30 requests a minute; a demonstration of some seconds would show little but waiting.
constexpr unsigned requests_per_minute = 6000;
// What is on its way when the time is over has so long to arrive.
constexpr Duration patience = std::chrono::seconds(30);

simulator::SimulatorOptions tenant_options() {
  simulator::SimulatorOptions options;
  options.activities = activities_at_start;
  options.alerts = alerts_at_start;
  options.entities = options.files = options.subnets = 0;
  options.rate = events_per_second;
  options.lateness = lateness;
  options.requests_per_minute = requests_per_minute;
  return options;
}

std::string configuration(simulator::Simulator& tenant, const std::string& data_dir, std::uint16_t siem_port) {
  const simulator::SimulatorOptions& made = tenant.tenant().options();
  return fmt::format(R"(
data_dir: '{0}'
api: {{enabled: false}}
journal: {{reserve: 16MiB}}
tenants:
  demo:
    api_url: {1}
    auth: {{method: oauth2, authority: '{1}', tenant_id: '{2}', client_id: '{3}', client_secret: '${{env:DEMO_SECRET}}'}}
    requests_per_minute: {4}
sources:
  demo_mdca: {{type: mdca, tenant: demo, feeds: [activities, alerts], interval: 1s, backfill: 3d}}
sinks:
  demo_siem: {{type: syslog, address: '127.0.0.1:{5}', transport: tcp, framing: octet_counting}}
routes:
  demo_to_siem: {{from: demo_mdca, encode: {{format: cef}}, to: demo_siem}}
)",
                     data_dir, tenant.url(), made.tenant_id, made.client_id, requests_per_minute, siem_port);
}

Result<runtime::Plan> plan_of(Session& session, simulator::Simulator& tenant, const std::string& data_dir,
                              std::uint16_t siem_port) {
  const config::References references{
      [&](const std::string&) { return std::optional(tenant.tenant().client_secret()); }, &session.files};
  config::Findings findings;
  const config::Node root =
      config::parse(configuration(tenant, data_dir, siem_port), "demo.yaml", references, findings);
  auto plan = runtime::make_plan(root, builtin_components(), session.world(), findings);
  if (!plan || findings.has_errors())
    return Error(ErrorCode::internal, "planning the demonstration: " + findings_text(findings, false));
  return std::move(*plan);
}

DemoFigures figures_of(const runtime::Status& status, const simulator::ReceiverCounts& arrived) {
  DemoFigures figures;
  for (const runtime::SourceStatus& source : status.sources)
    for (const runtime::FeedStatus& feed : source.feeds) figures.collected += feed.journaled;
  for (const runtime::RouteStatus& route : status.routes) {
    figures.delivered += route.delivered;
    figures.backlog += route.backlog_records;
    if (!route.error.empty()) figures.trouble = route.error;
  }
  for (const runtime::SourceStatus& source : status.sources) {
    if (!source.error.empty()) figures.trouble = source.error;
    for (const runtime::FeedStatus& feed : source.feeds)
      if (!feed.error.empty()) figures.trouble = feed.error;
  }
  figures.arrived = arrived.events;
  figures.resident_bytes = status.memory.resident_bytes;
  return figures;
}

// What the tenant has shown until now, as it says itself.
struct Truth {
  std::vector<std::string> ids;  // distinct
};

Result<Truth> truth_of(simulator::Simulator& tenant) {
  net::ServerRequest request;
  request.method = "GET";
  request.path = "/_sim/truth";
  const net::ServerResponse answer = tenant.tenant().respond(request);
  if (answer.status != 200)
    return Error(ErrorCode::internal, fmt::format("asking the tenant for the truth: it answered {}", answer.status));
  return Truth{ids_of_truth(answer.body)};
}

std::uint64_t missing_at(const simulator::Receiver& siem, const Truth& truth) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(truth.ids, [&](const std::string& id) { return !siem.has(id); }));
}

void show_progress(Session& session, runtime::Engine& engine, const simulator::Receiver& siem, Duration length,
                   const std::stop_token& stop) {
  DemoView view(session.streams, length);
  const MonotonicTime begin = session.clock.monotonic();
  for (;;) {
    const auto elapsed = std::chrono::duration_cast<Duration>(session.clock.monotonic() - begin);
    const double shown = static_cast<double>(activities_at_start + alerts_at_start) +
                         events_per_second * 0.95 * std::chrono::duration<double>(elapsed).count();
    DemoFigures figures = figures_of(engine.status(), siem.counts());
    figures.shown_about = static_cast<std::uint64_t>(shown);
    view.show(figures, elapsed);
    if (elapsed >= length || !wait(std::min(view.interval(), length - elapsed), stop)) return;
  }
}

// Everything of `truth` has arrived, or patience is at its end.
void let_arrive(Session& session, const simulator::Receiver& siem, const Truth& truth, const std::stop_token& stop) {
  const MonotonicTime end = session.clock.monotonic() + patience;
  while (missing_at(siem, truth) > 0 && session.clock.monotonic() < end && wait(std::chrono::milliseconds(200), stop))
    continue;
}

struct Outcome {
  std::uint64_t made = 0;
  std::uint64_t missing = 0;
  simulator::ReceiverCounts siem;
  runtime::VerifyReport report;
};

std::string outcome_text(const Outcome& outcome) {
  const runtime::VerifyFigures& verified = outcome.report.totals;
  std::uint64_t delivered = 0;
  for (const runtime::VerifyRouteFigures& route : outcome.report.routes) delivered += route.delivered;
  return fmt::format(
      "\nwhat the tenant and the SIEM say:\n"
      "  made       {:>10}   distinct events that the tenant had shown when the time was over\n"
      "  arrived    {:>10}   of these in the SIEM\n"
      "  missing    {:>10}\n"
      "  double     {:>10}   messages that came again: alerts that changed, or sent twice\n"
      "\nwhat `capstan verify` says of what was saved until then:\n"
      "  shown      {:>10}   by the tenant, asked again\n"
      "  collected  {:>10}   in the journal\n"
      "  delivered  {:>10}   records, updates of alerts among them\n"
      "  waiting    {:>10}   of the last seconds, became visible late and is on its way\n"
      "  missing    {:>10}\n\n{}\n",
      outcome.made, outcome.made - outcome.missing, outcome.missing, outcome.siem.doubles, verified.shown,
      verified.journaled, delivered, verified.young, verified.missing,
      outcome.missing == 0 && verified.missing == 0 ? "nothing is missing" : "EVENTS ARE MISSING");
}

std::string outcome_json(const Outcome& outcome) {
  return fmt::format(R"({{"made":{},"arrived":{},"missing":{},"doubles":{},"verify":{}}})", outcome.made,
                     outcome.made - outcome.missing, outcome.missing, outcome.siem.doubles,
                     runtime::to_json(outcome.report)) +
         "\n";
}

Result<int> run(Session& session) {
  const StopOnSignal signals;
  ignore_closed_pipes();
  const Duration length = std::chrono::seconds(TRY(session.arguments.number("seconds", 1, std::int64_t{24} * 3600)));
  if (!session.arguments.has("log-level")) log::configure(log::Level::error, log::Format::text);

  const TemporaryDirectory directory = TRY(TemporaryDirectory::make());
  simulator::Simulator tenant =
      TRY(simulator::Simulator::start(tenant_options(), simulator::ListenOptions{}, session.clock));
  const simulator::Receiver siem = TRY(simulator::Receiver::start("127.0.0.1", 0));
  if (!session.wants_json())
    session.out()
        << fmt::format(
               "an embedded tenant with {} activities and {} alerts, and {} new events a second\n"
               "  → journal in {}\n  → CEF over TCP syslog → an embedded SIEM on port {}\n"
               "the real service allows 30 requests a minute; for this demonstration the tenant allows {}\n\n",
               activities_at_start, alerts_at_start, events_per_second, directory.path(), siem.port(),
               requests_per_minute)
        << std::flush;

  const std::unique_ptr<runtime::Engine> engine =
      TRY(runtime::Engine::start(TRY(plan_of(session, tenant, directory.path() + "/data", siem.port())),
                                 session.world(), {.notify_systemd = false, .log_figures = false}));
  show_progress(session, *engine, siem, length, signals.token());
  const Timestamp over = session.clock.now();
  const Truth truth = TRY(truth_of(tenant));
  let_arrive(session, siem, truth, signals.token());

  Outcome outcome;
  outcome.made = truth.ids.size();
  outcome.missing = missing_at(siem, truth);
  outcome.siem = siem.counts();
  runtime::VerifyOptions options;
  options.since = over - std::chrono::days(3);
  options.until = over;
  outcome.report = TRY(engine->verify(options, signals.token(), {}));
  engine->stop();
  session.out() << (session.wants_json() ? outcome_json(outcome) : outcome_text(outcome));
  return outcome.missing == 0 && outcome.report.totals.missing == 0 ? exit_done : exit_not_done;
}

}  // namespace

Command demo_command() {
  return {.name = "demo",
          .summary = "show the whole road with an embedded tenant and an embedded SIEM",
          .details =
              "Embedded tenant → journal in a temporary directory → CEF over TCP syslog → embedded receiver, "
              "with a view of what happens,\nand at the end the figures: made, collected, delivered, missing. "
              "Needs no network and leaves nothing behind. Exit code 1\nwhen anything is missing.",
          .wants = Wants::output,
          .options = {{.names = "--seconds", .value_name = "N", .help = "how long", .default_text = "20"}},
          .examples = {{"capstan demo", "twenty seconds"}, {"capstan demo --seconds 60", "a minute"}},
          .run = run};
}

}  // namespace capstan::app
