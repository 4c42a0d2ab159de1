#include <fmt/format.h>

#include <charconv>

#include "net/stream.h"
#include "session.h"
#include "simulator/simulator.h"
#include "until.h"

namespace capstan::app {

namespace {

constexpr std::int64_t records_max = 100'000'000;
constexpr Duration late_by_max = std::chrono::days(45);
constexpr double speed_max = 100'000;

Result<double> positive(const Arguments& arguments, std::string_view key, double highest) {
  const std::string given = arguments.text(key);
  double value = 0;
  const auto [end, failure] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (failure != std::errc{} || end != given.data() + given.size() || !(value >= 0) || value > highest)
    return Error(ErrorCode::wrong_usage,
                 fmt::format("reading --{}: expected a number from 0 to {}, got \"{}\"", key, highest, given));
  return value;
}

Result<Duration> span(const Arguments& arguments, std::string_view key) {
  const std::string given = arguments.text(key);
  if (const auto duration = parse_duration(given)) return *duration;
  return Error(ErrorCode::wrong_usage,
               fmt::format("reading --{}: expected a duration such as 30s or 2d, got \"{}\"", key, given));
}

Result<simulator::SimulatorOptions> tenant_options(const Arguments& arguments) {
  simulator::SimulatorOptions options;
  options.seed = static_cast<std::uint64_t>(TRY(arguments.number("seed", 0, std::numeric_limits<std::int64_t>::max())));
  const auto count = [&](std::string_view key) -> Result<std::uint64_t> {
    return static_cast<std::uint64_t>(TRY(arguments.number(key, 0, records_max)));
  };
  options.activities = TRY(count("activities"));
  options.alerts = TRY(count("alerts"));
  options.entities = TRY(count("entities"));
  options.files = TRY(count("files"));
  options.subnets = TRY(count("subnets"));
  options.history = TRY(span(arguments, "history"));
  options.rate = TRY(positive(arguments, "rate", 1'000'000));
  options.lateness = Duration(static_cast<std::int64_t>(TRY(positive(arguments, "lateness", 86'400 * 30)) * 1000));
  const std::string late_by = arguments.text("late-by");
  for (std::string_view rest = late_by; !rest.empty();) {
    const std::string_view each = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), each.size() + 1));
    const auto span = parse_duration(each);
    if (!span || *span > late_by_max)
      return Error(ErrorCode::wrong_usage,
                   fmt::format("reading --late-by: expected durations up to {} such as 6h,47h,20d, got \"{}\"",
                               to_string(late_by_max), each));
    options.late_by.push_back(*span);
  }
  options.late_share = TRY(positive(arguments, "late-share", 1));
  options.old_share = TRY(positive(arguments, "old-share", 1));
  options.old_by = TRY(span(arguments, "old-by"));
  options.speed = TRY(positive(arguments, "speed", speed_max));
  options.burst_share = TRY(positive(arguments, "burst-share", 1));
  options.crowd = TRY(count("crowd"));
  options.requests_per_minute = static_cast<unsigned>(TRY(arguments.number("requests-per-minute", 0, 1'000'000)));
  options.records_directory = arguments.text("records");
  options.faults_file = arguments.text("faults");
  if (arguments.has("secret-expires-after"))
    options.secret_expires_after = TRY(span(arguments, "secret-expires-after"));
  return options;
}

// "127.0.0.1:0", "[::1]:8080". Port 0 is any, which is no address to connect to and so not net::parse_address's.
std::optional<net::Address> parse_listen(std::string_view text) {
  if (!text.ends_with(":0")) return net::parse_address(text);
  auto address = net::parse_address(std::string(text.substr(0, text.size() - 1)) + "1");
  if (address) address->port = 0;
  return address;
}

Result<simulator::ListenOptions> listen_options(const Arguments& arguments) {
  const auto address = parse_listen(arguments.text("listen"));
  if (!address)
    return Error(ErrorCode::wrong_usage,
                 fmt::format("reading --listen: expected an address and a port such as 127.0.0.1:0, got \"{}\"",
                             arguments.text("listen")));
  return simulator::ListenOptions{.address = address->host,
                                  .port = address->port,
                                  .use_tls = arguments.has("tls"),
                                  .ca_file = arguments.text("ca-file")};
}

Result<int> run(Session& session) {
  const StopOnSignal signals;
  ignore_closed_pipes();
  const simulator::Simulator tenant = TRY(simulator::Simulator::start(
      TRY(tenant_options(session.arguments)), TRY(listen_options(session.arguments)), session.clock));
  session.out() << tenant.ready_line() << std::endl;
  wait_for_stop(signals.token());
  return exit_done;
}

}  // namespace

Command simulate_command() {
  const simulator::SimulatorOptions standard;
  const auto count = [](std::string names, std::uint64_t n, std::string help) {
    return Option{
        .names = std::move(names), .value_name = "N", .help = std::move(help), .default_text = fmt::format("{}", n)};
  };
  return {.name = "simulate",
          .summary = "be a tenant that does not exist, to try Capstan on",
          .details =
              "An embedded tenant: identity platform, the five feeds, scan mode, filters, limits and throttling. "
              "When it listens it prints\none JSON line with api_url, authority, tenant_id, client_id, "
              "client_secret, api_token and files_token, all made up, and\nserves until SIGTERM or SIGINT. The same "
              "--seed gives the same records. GET /_sim/truth tells what it has shown.",
          .options = {{.names = "--listen",
                       .value_name = "ADDRESS:PORT",
                       .help = "where to listen; port 0 is any",
                       .default_text = "127.0.0.1:0"},
                      {.names = "--tls", .value_name = "", .help = "serve HTTPS with a certificate made at the start"},
                      {.names = "--ca-file",
                       .value_name = "FILE",
                       .help = "where to write that certificate",
                       .completes = Completes::files},
                      count("--seed", standard.seed, "what makes the records"),
                      count("--activities", standard.activities, "activities that exist at the start"),
                      count("--alerts", standard.alerts, "alerts that exist at the start"),
                      count("--entities", standard.entities, "entities that exist at the start"),
                      count("--files", standard.files, "files that exist at the start"),
                      count("--subnets", standard.subnets, "subnets that exist at the start"),
                      {.names = "--history",
                       .value_name = "DURATION",
                       .help = "over how long before the start they are spread",
                       .default_text = to_string(standard.history)},
                      {.names = "--rate",
                       .value_name = "EVENTS_PER_SECOND",
                       .help = "new events while it runs",
                       .default_text = fmt::format("{}", standard.rate)},
                      {.names = "--lateness",
                       .value_name = "SECONDS",
                       .help = "how long after it was saved a record may become visible",
                       .default_text = "0"},
                      {.names = "--late-by",
                       .value_name = "DURATIONS",
                       .help = "some records appear so long after they were saved, such as 6h,12h,24h,47h,20d"},
                      {.names = "--late-share",
                       .value_name = "SHARE",
                       .help = "how many activities and alerts are late by one of --late-by, 0 to 1",
                       .default_text = fmt::format("{}", standard.late_share)},
                      {.names = "--old-share",
                       .value_name = "SHARE",
                       .help = "how many activities happened long before they were saved, 0 to 1",
                       .default_text = fmt::format("{}", standard.old_share)},
                      {.names = "--old-by",
                       .value_name = "DURATION",
                       .help = "how long before they were saved those happened",
                       .default_text = to_string(standard.old_by)},
                      {.names = "--speed",
                       .value_name = "FACTOR",
                       .help = "the tenant's own time passes so many times faster",
                       .default_text = fmt::format("{}", standard.speed)},
                      {.names = "--burst-share",
                       .value_name = "SHARE",
                       .help = "how many of the activities share their millisecond with others, 0 to 1",
                       .default_text = fmt::format("{}", standard.burst_share)},
                      count("--crowd", standard.crowd, "so many activities in one single millisecond"),
                      {.names = "--records",
                       .value_name = "DIRECTORY",
                       .help = "serve the records of activities.ndjson, alerts.ndjson, … as they are",
                       .completes = Completes::directories},
                      count("--requests-per-minute", standard.requests_per_minute, "requests it allows; 0 is no limit"),
                      {.names = "--secret-expires-after",
                       .value_name = "DURATION",
                       .help = "let the client secret expire so long after the start"},
                      {.names = "--faults",
                       .value_name = "FILE",
                       .help = "a script of faults by time, path and count (docs/guide/try-it.md)",
                       .completes = Completes::files}},
          .examples = {{"capstan simulate --activities 5000 --rate 10", "a small tenant that lives"},
                       {"capstan simulate --records recorded/", "a tenant that shows these records"}},
          .run = run};
}

}  // namespace capstan::app
