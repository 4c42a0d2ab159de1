#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/version.h"
#include "base/ed25519.h"
#include "offline.h"
#include "runtime/day_report.h"
#include "runtime/event_proof.h"
#include "runtime/report_check.h"
#include "runtime/report_form.h"
#include "runtime/route_identity.h"
#include "session.h"
#include "store/dead_letters.h"
#include "until.h"

namespace capstan::app {

namespace {

constexpr std::uint64_t key_size_max = 64U << 10;
constexpr std::uint64_t report_size_max = 256U << 20;
constexpr std::size_t runs_max = 10'000;

Error wrong(std::string sentence) { return {ErrorCode::wrong_usage, std::move(sentence)}; }

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
}

Result<runtime::ReportQuestion> question(Session& session) {
  runtime::ReportQuestion asked;
  auto zone = TimeZone::load(session.files, session.arguments.text("zone"));
  if (!zone) return wrong(zone.error().sentence());
  asked.zone = std::move(*zone);
  const Timestamp now = session.clock.now();
  const std::string text = session.arguments.text("day");
  const auto local = std::chrono::floor<std::chrono::days>(now + asked.zone.offset_at(now));
  const auto day = text == "yesterday" ? std::chrono::year_month_day{local - std::chrono::days(1)}
                                       : parse_date(text).value_or(std::chrono::year_month_day{});
  if (!day.ok())
    return wrong(fmt::format("reading --day: expected a date such as 2026-11-03, or yesterday, got \"{}\"", text));
  if (std::chrono::sys_days(day) > local) return wrong(fmt::format("reading --day: {} is still to come", text));
  asked.day = day;
  return asked;
}

// Those of the sources that are asked for; all where nothing was said.
Result<std::vector<const runtime::SourcePlan*>> chosen_sources(const Session& session, const runtime::Plan& plan) {
  const std::vector<std::string> tenants = session.arguments.all("tenant");
  const std::vector<std::string> names = session.arguments.all("source");
  const auto is_asked = [](const std::vector<std::string>& asked, const std::string& name) {
    return asked.empty() || std::ranges::find(asked, name) != asked.end();
  };
  std::vector<const runtime::SourcePlan*> chosen;
  for (const runtime::SourcePlan& source : plan.sources)
    if (is_asked(tenants, source.tenant) && is_asked(names, source.name)) chosen.push_back(&source);
  if (chosen.empty())
    return Error(ErrorCode::unknown_name, "choosing what to report: no source has that name and tenant");
  return chosen;
}

runtime::ReportRoute report_route(const runtime::RoutePlan& plan, const store::Journal& journal) {
  runtime::ReportRoute route;
  route.name = plan.name;
  route.destination = runtime::destination_of(plan);
  route.rule = runtime::rule_digest(plan);
  route.rule_text = plan.rule_text;
  route.feeds = plan.feeds;
  route.cursor.route = plan.name;
  route.cursor.position = journal.report().first;
  for (store::Cursor& cursor : journal.cursors())
    if (cursor.route == plan.name) route.cursor = std::move(cursor);
  return route;
}

Result<std::vector<runtime::ReportSource>> report_sources(Session& session, const runtime::Plan& plan) {
  std::vector<runtime::ReportSource> sources;
  for (const runtime::SourcePlan* planned : TRY(chosen_sources(session, plan))) {
    auto journals = TRY(open_journals(session, plan.data_dir, {planned->name}));
    if (journals.empty()) continue;
    runtime::ReportSource source;
    source.name = planned->name;
    source.tenant = planned->tenant;
    source.directory = runtime::journal_directory(plan.data_dir, planned->name);
    source.journal = journals.front().journal;
    for (const runtime::RoutePlan& route : plan.routes)
      if (std::ranges::find(route.from, planned->name) != route.from.end())
        source.routes.push_back(report_route(route, *source.journal));
    const std::string ledger = fmt::format("{}/sources/{}/proof", plan.data_dir, planned->name);
    if (TRY(session.files.exists(ledger))) source.ledger = TRY(store::read_proof_ledger(session.files, ledger));
    sources.push_back(std::move(source));
  }
  if (sources.empty())
    return Error(ErrorCode::not_found, fmt::format("making the report: there is no journal yet in {}", plan.data_dir));
  return sources;
}

Result<std::vector<runtime::ReportRun>> runs_of(Session& session, const std::string& data_dir, TimeZone::Day day) {
  const std::string database = data_dir + "/state.db";
  std::vector<runtime::ReportRun> runs;
  if (!TRY(session.files.exists(database))) return runs;
  const auto letters = TRY(store::DeadLetters::open(database));
  for (const store::Run& run : TRY(letters->runs(runs_max)))
    if (run.start < day.end && (!run.stop || *run.stop >= day.begin))
      runs.push_back({run.start, run.stop, run.version});
  std::ranges::sort(runs, {}, &runtime::ReportRun::start);
  return runs;
}

Result<std::optional<SigningKey>> signing_key(Session& session) {
  const std::string path = session.arguments.text("sign");
  if (path.empty()) return std::optional<SigningKey>{};
  const Secret pem(TRY(read_file(session.files, path, key_size_max).during("reading the signing key")));
  auto key = SigningKey::from_pem(pem);
  if (!key) return wrong(fmt::format("{} ({})", key.error().sentence(), path));
  return std::optional(std::move(*key));
}

Result<int> report(Session& session) {
  const StopOnSignal signals;
  const runtime::ReportQuestion asked = TRY(question(session));
  const std::string format = session.arguments.text("format");
  const std::optional<SigningKey> key = TRY(signing_key(session));
  if (key && format == "text")
    return wrong("a signature needs --format json or html: there is no place for it in text");
  const runtime::Plan plan = TRY(read_plan(session));
  runtime::ReportFacts facts;
  facts.now = session.clock.now();
  facts.version = version;
  facts.host = host_name();
  facts.configuration = runtime::configuration_digest(plan);
  facts.runs = TRY(runs_of(session, plan.data_dir, asked.zone.day(asked.day)));
  const runtime::DayReport made = TRY(runtime::make_day_report(session.files, asked, std::move(facts),
                                                               TRY(report_sources(session, plan)), signals.token()));
  const std::string envelope = runtime::in_envelope(runtime::to_canonical_json(made), key ? &*key : nullptr);
  session.out() << (format == "json"   ? envelope
                    : format == "html" ? runtime::to_html(envelope)
                                       : runtime::to_text(envelope));
  return exit_done;
}

Result<std::string> named_file(Session& session, const std::string& path, std::string_view what) {
  return read_file(session.files, path, report_size_max).during(fmt::format("reading the {}", what));
}

Result<int> verify(Session& session) {
  const Arguments& given = session.arguments;
  std::optional<VerifyingKey> key;
  if (given.has("key")) {
    auto read = VerifyingKey::from_pem(TRY(named_file(session, given.text("key"), "public key")));
    if (!read) return wrong(fmt::format("{} ({})", read.error().sentence(), given.text("key")));
    key = std::move(*read);
  }
  const std::string file = TRY(named_file(session, given.text("file"), "report"));
  runtime::ReportCheck check = runtime::check_report(file, key ? &*key : nullptr);
  if (given.has("data-dir")) TRY(runtime::check_against_journals(check, session.files, given.text("data-dir")));
  if (given.has("proof") && !check.report.empty()) {
    std::optional<std::string> event;
    if (given.has("event")) event = TRY(named_file(session, given.text("event"), "event"));
    const std::string proof = TRY(named_file(session, given.text("proof"), "proof"));
    const std::vector<std::string> problems = runtime::check_proof(proof, check.report, event);
    for (const std::string& problem : problems) check.wrong.push_back("the proof: " + problem);
    if (problems.empty()) check.fits.push_back("the proof of one event");
  }
  session.out() << (session.wants_json() ? runtime::to_json(check) + "\n" : runtime::to_text(check));
  return check.is_good() ? exit_done : exit_not_done;
}

Result<int> prove(Session& session) {
  const StopOnSignal signals;
  const Arguments& given = session.arguments;
  runtime::EventToProve asked{.id = given.text("id"), .feed = given.text("feed")};
  if (given.has("version"))
    asked.version =
        static_cast<std::uint64_t>(TRY(given.number("version", 1, std::numeric_limits<std::int32_t>::max())));
  if (given.has("report")) {
    const std::string file = TRY(named_file(session, given.text("report"), "report"));
    runtime::ReportCheck check = runtime::check_report(file, nullptr);
    if (!check.is_good())
      return Error(ErrorCode::not_verified, fmt::format("reading {}: {}", given.text("report"), check.wrong.front()));
    asked.report = std::move(check.report);
  }
  const Place place = TRY(read_place(session));
  const auto journals = TRY(open_journals(session, place.data_dir, place.sources));
  std::vector<runtime::ProofSource> sources;
  for (const JournalOfSource& one : journals)
    if (!given.has("source") || given.text("source") == one.source)
      sources.push_back({one.source, runtime::journal_directory(place.data_dir, one.source), one.journal});
  session.out() << TRY(runtime::prove_event(session.files, sources, asked, signals.token()));
  return exit_done;
}

}  // namespace

std::vector<Command> report_commands() {
  const Option source{.names = "--source", .value_name = "NAME", .help = "only this source", .is_repeatable = true};
  return {
      {.name = "report",
       .summary = "what happened on one day: shown, journaled, delivered, with evidence to keep",
       .details = "Per hour and feed: shown by the tenant (as continuous proof compared it), journaled, and per route "
                  "delivered, dropped,\ndead-lettered, with the first and last time; the hash chain over the journal. "
                  "Works beside a running Capstan. Hours follow the\nsaved time of records.",
       .wants = Wants::configuration,
       .options = {{.names = "--day", .value_name = "DATE", .help = "2026-11-03, or yesterday", .is_required = true},
                   {.names = "--zone",
                    .value_name = "ZONE",
                    .help = "where the day begins and ends: Europe/Amsterdam",
                    .default_text = "UTC"},
                   {.names = "--tenant", .value_name = "NAME", .help = "only this tenant", .is_repeatable = true},
                   source,
                   {.names = "--format",
                    .value_name = "FORMAT",
                    .help = "json is what is signed and checked; html is one page to read and print",
                    .default_text = "text",
                    .choices = {"text", "json", "html"}},
                   {.names = "--sign",
                    .value_name = "KEY",
                    .help = "sign with this Ed25519 private key (PEM)",
                    .completes = Completes::files}},
       .examples = {{"capstan report --day yesterday", "read it"},
                    {"capstan report --day 2026-11-03 --format json --sign key.pem > 2026-11-03.json", "keep it"}},
       .run = report},
      {.name = "report verify",
       .summary = "check a report: signature, sums, hash chain, and the journal behind it",
       .details = "Says of each part whether it fits. Exit code 1 when anything does not. With --data-dir every Merkle "
                  "root is computed again from\nthe bytes of the journal, or from its seals where retention has "
                  "removed them. Needs no configuration.",
       .wants = Wants::output,
       .options = {{.names = "file",
                    .value_name = "FILE",
                    .help = "the report, JSON or HTML",
                    .completes = Completes::files,
                    .is_required = true},
                   {.names = "--key",
                    .value_name = "PUBLIC",
                    .help = "the public key (PEM) that has to have signed it",
                    .completes = Completes::files},
                   {.names = "--data-dir",
                    .value_name = "DIR",
                    .help = "the data directory, to compare the journal",
                    .completes = Completes::directories},
                   {.names = "--proof",
                    .value_name = "PROOF",
                    .help = "a proof of `capstan report prove` to check as well",
                    .completes = Completes::files},
                   {.names = "--event",
                    .value_name = "EVENT",
                    .help = "the record as the service sent it, which the proof has to be of",
                    .completes = Completes::files}},
       .examples = {{"capstan report verify 2026-11-03.json --key public.pem", "nobody changed it"},
                    {"capstan report verify 2026-11-03.json --key public.pem --data-dir /var/lib/capstan",
                     "and the journal is still the same"}},
       .run = verify},
      {.name = "report prove",
       .summary = "prove that one event was journaled: its frame and the path to the report's root",
       .details =
           "Writes JSON that examples/check-proof.py, or any program that follows docs/formats/report.md, checks "
           "against a report without Capstan.\nThe segment with the event must still be in the journal.",
       .wants = Wants::configuration,
       .options = {{.names = "id", .value_name = "ID", .help = "the event's id", .is_required = true},
                   {.names = "--source", .value_name = "NAME", .help = "only this source"},
                   {.names = "--feed", .value_name = "NAME", .help = "only this feed"},
                   {.names = "--version", .value_name = "N", .help = "which version, 1 is the oldest (the newest)"},
                   {.names = "--report",
                    .value_name = "FILE",
                    .help = "prove it for this report, which may be older than the end of the segment",
                    .completes = Completes::files}},
       .examples = {{"capstan report prove 5f3a… --report 2026-11-03.json > proof.json", "for an auditor"}},
       .run = prove}};
}

}  // namespace capstan::app
