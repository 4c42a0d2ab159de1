#include <fmt/format.h>

#include <algorithm>

#include "app/components.h"
#include "base/text.h"
#include "command_line.h"
#include "component/tenant_options.h"
#include "config/describe.h"
#include "session.h"

namespace capstan::app {

namespace {

constexpr std::string_view made_by =
    "<!-- Made by `capstan reference docs/reference` from the declarations in the code; do not edit. -->\n\n";

std::string fenced(std::string_view language, std::string_view text) {
  return fmt::format("```{}\n{}{}```\n", language, text, text.ends_with('\n') ? "" : "\n");
}

std::string commands_page() {
  std::string page =
      std::string(made_by) + "# Commands\n\nExit codes: 0 done, 1 it did not work, 2 wrong usage, 78 configuration.\n";
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    page += fmt::format("\n## capstan {}\n\n", command.name);
    const std::string help = command_help(command);
    page += fenced("text", help);
  }
  return page;
}

std::string errors_page() {
  std::string page = std::string(made_by) +
                     "# Errors\n\n`capstan explain E2003` prints one of these.\n\n"
                     "| class | what Capstan does |\n| --- | --- |\n"
                     "| usage | ends with exit code 2 |\n"
                     "| configuration | ends with exit code 78 |\n"
                     "| retry | tries again with back-off; passes by itself |\n"
                     "| hold | holds delivery until a person acts; nothing is dropped |\n"
                     "| split | cuts or halves what is too large and tries again |\n"
                     "| dead letter | keeps this one record with its evidence; it can be replayed |\n"
                     "| fault | stops the part that met it |\n\n"
                     "| code | name | class | what happened | what to do |\n| --- | --- | --- | --- | --- |\n";
  for (const ErrorEntry& known : error_catalogue())
    page += fmt::format("| {} | {} | {} | {} | {} |\n", label(known.code), known.name, to_string(known.error_class),
                        known.what, known.advice);
  return page;
}

template <class Component>
std::string components_page(std::string_view title, std::string_view lead, std::string_view type_member,
                            const Kinds<Component>& kinds) {
  std::string page = fmt::format("{}# {}\n\n{}\n", made_by, title, lead);
  for (const Kind<Component>& kind : kinds.all()) {
    page += fmt::format("\n## {}\n\n{}\n\n`{}: {}`\n\n{}", kind.name, kind.summary, type_member, kind.name,
                        config::markdown_table(kind.options));
    page += "\n" + fenced("yaml", kind.example);
  }
  return page;
}

std::string configuration_page() {
  const runtime::PlanDescription plan = runtime::describe_plan();
  return std::string(made_by) +
         "# Configuration\n\n"
         "One YAML file, `capstan.yaml` or what `-c` names. Durations are written `30s`, `5m`, `2d`, `1h30m`; sizes "
         "`64MiB`, `10GB`. Secrets are\nonly taken by reference: `${env:NAME}`, `${file:/path}` (one line end is cut), "
         "`${credential:NAME}` (systemd LoadCredential); `$${` is a\nplain `${`. An option that is not known is an "
         "error. `configuration.schema.json` beside this page tells an editor the same.\n\n"
         "## The whole\n\n" +
         config::markdown_table(plan.top) + "\n## tenants.NAME\n\n" +
         config::markdown_table(tenant_schema().options()) +
         "\n## sources.NAME\n\n`type` picks the kind: [sources](sources.md).\n"
         "\n## sinks.NAME\n\n`type` picks the kind: [sinks](sinks.md).\n"
         "\n## routes.NAME\n\n" +
         config::markdown_table(plan.route) +
         "\n`encode.format` picks the form: [encoders](encoders.md).\n\n## tables.NAME\n\n" +
         config::markdown_table(plan.table) +
         "\nRules look up in a table with `lookup` and `ipv4_lookup`: [lookup tables](../guide/lookup-tables.md).\n";
}

template <class Component>
std::string any_kind(const Kinds<Component>& kinds, std::string_view type_member) {
  std::string list;
  for (const Kind<Component>& kind : kinds.all())
    list += (list.empty() ? "" : ",") + config::json_schema(kind.options, type_member, kind.name);
  return "{\"oneOf\":[" + list + "]}";
}

std::string by_name(std::string_view schema) {
  return fmt::format(R"({{"type":"object","additionalProperties":{}}})", schema);
}

// Puts the schema of a part in the place of the option that stands for it.
void put(std::string& schema, std::string_view option, std::string_view part) {
  const std::string mark = json_quote(option) + ":{\"description\":";
  const std::size_t begin = schema.find(mark);
  if (begin == std::string::npos) return;
  const std::size_t brace = schema.find('{', begin);
  std::size_t end = brace;
  bool is_in_string = false;
  for (int depth = 0; end < schema.size(); ++end) {
    const char c = schema[end];
    if (c == '\\')
      ++end;
    else if (c == '"')
      is_in_string = !is_in_string;
    else if (!is_in_string && c == '{')
      ++depth;
    else if (!is_in_string && c == '}' && --depth == 0)
      break;
  }
  schema.replace(brace, end + 1 - brace, part);
}

std::string configuration_schema() {
  const runtime::PlanDescription plan = runtime::describe_plan();
  const Registry& known = builtin_components();
  std::string route = config::json_schema(plan.route);
  put(route, "encode", any_kind(known.encoders, "format"));
  std::string whole = config::json_schema(plan.top);
  put(whole, "tenants", by_name(config::json_schema(tenant_schema().options())));
  put(whole, "sources", by_name(any_kind(known.sources, "type")));
  put(whole, "sinks", by_name(any_kind(known.sinks, "type")));
  put(whole, "routes", by_name(route));
  put(whole, "tables", by_name(config::json_schema(plan.table)));
  return config::indented_json(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"The configuration of Capstan",)" +
      whole.substr(1));
}

Result<int> run(Session& session) {
  const std::string directory = session.arguments.text("directory");
  const Registry& known = builtin_components();
  const std::vector<std::pair<std::string, std::string>> pages{
      {"commands.md", commands_page()},
      {"configuration.md", configuration_page()},
      {"configuration.schema.json", configuration_schema()},
      {"errors.md", errors_page()},
      {"sources.md", components_page("Sources", "Where events come from: `sources.NAME` of the configuration.", "type",
                                     known.sources)},
      {"encoders.md", components_page("Encoders", "How an event is written: `routes.NAME.encode` of the configuration.",
                                      "format", known.encoders)},
      {"sinks.md",
       components_page("Sinks", "Where events go: `sinks.NAME` of the configuration.", "type", known.sinks)}};
  TRY(session.files.make_directories(directory));
  for (const auto& [name, text] : pages) TRY(replace_file(session.files, directory + "/" + name, text));
  session.out() << fmt::format("wrote {} pages into {}\n", pages.size(), directory);
  return exit_done;
}

}  // namespace

Command reference_command() {
  return {.name = "reference",
          .summary = "write the reference pages",
          .details = "Made from the declarations; a test compares docs/reference with it.",
          .options = {{.names = "directory",
                       .value_name = "DIRECTORY",
                       .help = "where to",
                       .completes = Completes::directories,
                       .is_required = true}},
          .is_hidden = true,
          .run = run};
}

}  // namespace capstan::app
