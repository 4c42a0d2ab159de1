#include <fmt/format.h>

#include <algorithm>

#include "app/components.h"
#include "session.h"

namespace capstan::app {

namespace {

// What has to be known. Each is a flag, else a question.
struct Question {
  std::string_view key;
  std::string_view words;
  std::string_view standard;  // taken for an empty answer; empty: an answer is needed
};
constexpr std::array<Question, 8> questions{{
    {"api-url", "API URL of the tenant (Defender portal: Settings > Cloud Apps > System > About)", ""},
    {"tenant-id", "directory (tenant) id of the application", ""},
    {"client-id", "application (client) id", ""},
    {"secret", "where the client secret is: env:NAME, file:/path or credential:NAME", "env:CAPSTAN_CLIENT_SECRET"},
    {"siem", "address of the SIEM, host:port", ""},
    {"transport", "transport: tls, tcp or udp", "tls"},
    {"format", "format: cef, siem-agent (CEF as the retired SIEM agent wrote it) or json", "cef"},
    {"data-dir", "directory for the journal", "/var/lib/capstan"},
}};
// A person who answers nothing so often does not want to go on.
constexpr int asked_max = 3;

using Answers = std::map<std::string, std::string, std::less<>>;

Result<std::string> ask(Session& session, const Question& question) {
  for (int asked = 0; asked < asked_max; ++asked) {
    session.out() << question.words;
    if (!question.standard.empty()) session.out() << " [" << question.standard << "]";
    session.out() << ": " << std::flush;
    std::string answer;
    if (!std::getline(session.streams.in, answer)) break;
    answer.erase(answer.find_last_not_of(" \t\r") + 1);
    answer.erase(0, answer.find_first_not_of(" \t"));
    if (!answer.empty()) return answer;
    if (!question.standard.empty()) return std::string(question.standard);
  }
  session.out() << '\n';
  return Error(ErrorCode::wrong_usage, fmt::format("capstan init needs --{}: {}", question.key, question.words));
}

Result<Answers> ask_all(Session& session) {
  Answers answers;
  const bool takes_standards = session.arguments.has("yes");
  for (const Question& question : questions) {
    std::string& answer = answers[std::string(question.key)];
    if (session.arguments.has(question.key))
      answer = session.arguments.text(question.key);
    else if (takes_standards && !question.standard.empty())
      answer = question.standard;
    else
      answer = TRY(ask(session, question));
  }
  return answers;
}

// As a single-quoted YAML scalar: nothing in it means anything.
std::string scalar(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    if (c != '\n') quoted += c;
  }
  return quoted + "'";
}

// "env:NAME" and "${env:NAME}" alike.
Result<std::string> reference(const std::string& answer) {
  const bool is_whole = answer.starts_with("${") && answer.ends_with('}');
  const std::string inner = is_whole ? answer.substr(2, answer.size() - 3) : answer;
  for (const std::string_view kind : {"env:", "file:", "credential:"})
    if (inner.starts_with(kind) && inner.size() > kind.size()) return "${" + inner + "}";
  return Error(ErrorCode::plain_secret,
               "reading --secret: expected where the secret is, such as env:NAME, file:/path or credential:NAME, got "
               "something else");
}

// "contoso" of "https://contoso.eu2.portal.cloudappsecurity.com".
std::string tenant_name(std::string_view api_url) {
  const std::size_t scheme = api_url.find("://");
  if (scheme != std::string_view::npos) api_url.remove_prefix(scheme + 3);
  std::string name;
  for (const char c : api_url.substr(0, api_url.find_first_of(".:/"))) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (is_plain) name += c;
  }
  const bool is_word = std::ranges::any_of(name, [](char c) { return c >= 'A'; });
  return is_word ? name : "tenant";
}

Result<std::string> encode_of(const std::string& format) {
  if (format == "cef") return std::string("{format: cef}");
  if (format == "siem-agent") return std::string("{format: cef, profile: siem-agent}");
  if (format == "json") return std::string("{format: json, envelope: true}");
  return Error(ErrorCode::wrong_usage,
               fmt::format("reading --format: expected one of cef, siem-agent, json, got \"{}\"", format));
}

Result<std::string> written_configuration(const Answers& answers) {
  const auto answer = [&](std::string_view key) -> const std::string& { return answers.find(key)->second; };
  const std::string tenant = tenant_name(answer("api-url"));
  return fmt::format(
      R"(# What Capstan collects and where it goes. `capstan check` reads it, `capstan check --live` tries every connection in
# it, `capstan run` runs it. Every option: docs/reference/configuration.md

# The journal: what was collected and is not delivered yet, and what may be replayed.
data_dir: {data_dir}

tenants:
  {tenant}:
    api_url: {api_url}
    auth:
      method: oauth2            # or certificate, or token (a legacy API token)
      tenant_id: {tenant_id}
      client_id: {client_id}
      # A secret never stands here, only where it is: ${{env:NAME}}, ${{file:/path}} or ${{credential:NAME}} (systemd).
      client_secret: {secret}
    # The files feed needs a legacy API token of its own:
    # files_token: ${{env:CAPSTAN_FILES_TOKEN}}
    # proxy: http://proxy.example:3128
    # The service allows 30 requests a minute per tenant over all tools; Capstan leaves some to the others.
    # requests_per_minute: 25

sources:
  {tenant}_mdca:
    type: mdca
    tenant: {tenant}
    feeds: [activities, alerts]  # also: entities, subnets, files
    # The first contact brings so much of the past:
    # backfill: 2d

sinks:
  siem:
    type: syslog
    address: {siem}
    transport: {transport}

routes:
  {tenant}_to_siem:
    from: {tenant}_mdca
    encode: {encode}
    to: siem
)",
      fmt::arg("data_dir", scalar(answer("data-dir"))), fmt::arg("tenant", tenant),
      fmt::arg("api_url", scalar(answer("api-url"))), fmt::arg("tenant_id", scalar(answer("tenant-id"))),
      fmt::arg("client_id", scalar(answer("client-id"))), fmt::arg("secret", scalar(TRY(reference(answer("secret"))))),
      fmt::arg("siem", scalar(answer("siem"))), fmt::arg("transport", scalar(answer("transport"))),
      fmt::arg("encode", TRY(encode_of(answer("format")))));
}

// The answers are judged by the declarations that will read the file. The secret need not be there yet.
Result<> judge(Session& session, Answers answers, const std::string& file) {
  answers["secret"] = "env:ANY";
  const config::References references{[](const std::string&) { return std::optional<std::string>("any"); },
                                      &session.files};
  config::Findings findings;
  const config::Node root = config::parse(TRY(written_configuration(answers)), file, references, findings);
  const auto plan = runtime::make_plan(root, builtin_components(), session.world(), findings);
  if (plan && !findings.has_errors()) return {};
  std::string sentences;
  ErrorCode code = ErrorCode::wrong_value;
  for (const config::Finding& finding : findings.all()) {
    if (finding.severity != config::Finding::Severity::error) continue;
    if (sentences.empty()) code = finding.code;
    sentences += (sentences.empty() ? "" : "; ") + finding.sentence;
  }
  return Error(code, "writing the configuration from the answers: " + sentences);
}

Result<int> run(Session& session) {
  const std::string file = session.configuration_file();
  if (TRY(session.files.exists(file)))
    return Error(ErrorCode::file_exists, fmt::format("writing {}: it exists already", file));
  const Answers answers = TRY(ask_all(session));
  const std::string text = TRY(written_configuration(answers));
  TRY(judge(session, answers, file));
  TRY(replace_file(session.files, file, text));
  session.out() << fmt::format(
      "wrote {0}\nnext: `capstan check -c {0} --live` tries it, `capstan run -c {0}` runs it\n", file);
  return exit_done;
}

}  // namespace

Command init_command() {
  std::vector<Option> options;
  for (const Question& question : questions)
    options.push_back({.names = "--" + std::string(question.key),
                       .value_name = question.key == "siem" ? "HOST:PORT" : "VALUE",
                       .help = std::string(question.words)});
  options.push_back({.names = "--yes", .value_name = "", .help = "ask nothing that has a usual answer"});
  return {.name = "init",
          .summary = "ask some questions and write a configuration",
          .details =
              "What is given as an option is not asked. The file is written with comments; one that exists is "
              "never written over.",
          .wants = Wants::configuration,
          .options = std::move(options),
          .examples = {{"capstan init", "asks"},
                       {"capstan init -c /etc/capstan/capstan.yaml --secret credential:contoso", "asks the rest"}},
          .run = run};
}

}  // namespace capstan::app
