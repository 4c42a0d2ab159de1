#include "session.h"

#include <fmt/format.h>

#include "app/components.h"
#include "app/version.h"
#include "base/text.h"

namespace capstan::app {

namespace {

// A configuration larger than this is another file by mistake.
constexpr std::uint64_t configuration_size_max = 4U << 20;

constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view plain = "\x1b[0m";

Result<Configuration> parse_configuration(Session& session, const std::string& file) {
  Configuration configuration;
  const std::string text =
      TRY(read_file(session.files, file, configuration_size_max).during("reading the configuration"));
  configuration.root = config::parse(text, file, config::system_references(session.files), configuration.findings);
  return configuration;
}

std::string count_of(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace

Session::Session(Streams& given_streams, const Command& given_command, Arguments given_arguments)
    : streams(given_streams), command(given_command), arguments(std::move(given_arguments)) {}

net::HttpClient& Session::http() {
  if (!http_) http_ = std::make_unique<net::CurlClient>(fmt::format("capstan/{}", version));
  return *http_;
}

World& Session::world() {
  if (!world_) world_.emplace(World{clock, files, http()});
  return *world_;
}

Result<Configuration> read_configuration(Session& session, const std::vector<runtime::TenantPlan>& running) {
  return read_configuration(session, session.configuration_file(), running);
}

Result<Configuration> read_configuration(Session& session, const std::string& file,
                                         const std::vector<runtime::TenantPlan>& running) {
  Configuration configuration = TRY(parse_configuration(session, file));
  // Text that is not YAML has no members: everything else that could be said of it would be noise.
  if (configuration.root.kind == config::Node::Kind::null && configuration.findings.has_errors()) return configuration;
  configuration.plan =
      runtime::make_plan(configuration.root, builtin_components(), session.world(), configuration.findings, running);
  if (configuration.findings.has_errors()) configuration.plan.reset();
  return configuration;
}

Result<runtime::Plan> read_plan(Session& session) {
  Configuration configuration = TRY(read_configuration(session));
  session.streams.err << findings_text(configuration.findings, session.streams.err_is_terminal);
  if (configuration.plan) return std::move(*configuration.plan);
  std::size_t errors = 0;
  ErrorCode first = ErrorCode::wrong_value;
  for (const config::Finding& finding : configuration.findings.all())
    if (finding.severity == config::Finding::Severity::error && errors++ == 0) first = finding.code;
  return Error(first, fmt::format("reading {}: {} to mend, listed above", session.configuration_file(),
                                  count_of(errors, "finding")));
}

Result<Place> read_place(Session& session) {
  const Configuration configuration = TRY(parse_configuration(session, session.configuration_file()));
  Place place;
  const config::Node* data_dir = configuration.root.find("data_dir");
  if (data_dir == nullptr || data_dir->kind != config::Node::Kind::scalar) {
    session.streams.err << findings_text(configuration.findings, session.streams.err_is_terminal);
    return Error(ErrorCode::missing_option,
                 fmt::format("reading {}: it needs the option \"data_dir\"", session.configuration_file()));
  }
  place.data_dir = data_dir->scalar;
  if (const config::Node* sources = configuration.root.find("sources"))
    for (const config::Node::Member& source : sources->members) place.sources.push_back(source.key);
  return place;
}

std::string findings_text(const config::Findings& findings, bool with_colour) {
  std::string text;
  for (const config::Finding& finding : findings.all()) {
    const std::string line = config::to_string(finding);
    if (with_colour)
      text += fmt::format("{}{}{}\n", finding.severity == config::Finding::Severity::error ? red : yellow, line, plain);
    else
      text += line + "\n";
  }
  return text;
}

std::string findings_json(const config::Findings& findings) {
  std::string list;
  for (const config::Finding& finding : findings.all())
    list += fmt::format(
        R"({}{{"severity":"{}","code":"{}","name":"{}","file":{},"line":{},"column":{},"message":{},"advice":{}}})",
        list.empty() ? "" : ",", finding.severity == config::Finding::Severity::error ? "error" : "warning",
        label(finding.code), entry(finding.code).name, json_quote(finding.place.file), finding.place.line,
        finding.place.column, json_quote(finding.sentence), json_quote(entry(finding.code).advice));
  return "[" + list + "]";
}

std::string error_text(const Error& error) {
  return fmt::format("capstan: {}\n  {}\n", error.text(), entry(error.code()).advice);
}

std::string error_json(const Error& error) {
  const ErrorEntry& known = entry(error.code());
  return fmt::format(R"({{"error":{{"code":"{}","name":"{}","message":{},"advice":{}}}}})", label(error.code()),
                     known.name, json_quote(error.sentence()), json_quote(known.advice));
}

int exit_code(const Error& error) {
  switch (error.error_class()) {
    case ErrorClass::usage:
      return exit_wrong_usage;
    case ErrorClass::configuration:
      return exit_configuration;
    case ErrorClass::retry:
    case ErrorClass::hold:
    case ErrorClass::split:
    case ErrorClass::dead_letter:
    case ErrorClass::fault:
      return exit_not_done;
  }
  return exit_not_done;
}

void configure_log(const Session& session, const runtime::LogOptions& options) {
  log::Level level = options.level;
  log::Format format = options.format;
  const std::string given_level = session.arguments.text("log-level");
  if (given_level == "debug") level = log::Level::debug;
  if (given_level == "info") level = log::Level::info;
  if (given_level == "warning") level = log::Level::warning;
  if (given_level == "error") level = log::Level::error;
  const std::string given_format = session.arguments.text("log-format");
  if (given_format == "json") format = log::Format::json;
  if (given_format == "text") format = log::Format::text;
  log::configure(level, format);
}

}  // namespace capstan::app
