#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "encoders/mappings.h"
#include "session.h"
#include "table.h"

namespace capstan::app {

namespace {

// The first line of a mapping's file says what it is for.
std::string summary_of(std::string_view name) {
  std::string_view text = encoders::mapping_text(name);
  text = text.substr(0, text.find('\n'));
  text = text.substr(0, std::min(text.find(". "), text.find(": ")));
  if (text.ends_with('.')) text.remove_suffix(1);
  while (text.starts_with('#') || text.starts_with(' ')) text.remove_prefix(1);
  return std::string(text);
}

Result<int> list(Session& session) {
  Table table({{"mapping"}, {"what it writes"}});
  std::string json;
  for (const std::string_view name : encoders::mapping_names()) {
    table.add({std::string(name), summary_of(name)});
    json += fmt::format(R"({}{{"name":{},"summary":{}}})", json.empty() ? "" : ",", json_quote(name),
                        json_quote(summary_of(name)));
  }
  session.out() << (session.wants_json() ? "[" + json + "]\n" : table.text());
  return exit_done;
}

Result<int> show(Session& session) {
  const std::string name = session.arguments.text("name");
  const std::string_view text = encoders::mapping_text(name);
  if (text.empty()) {
    const std::vector<std::string_view> names = encoders::mapping_names();
    const std::string_view near = nearest(name, names);
    return Error(ErrorCode::wrong_usage, fmt::format("there is no built-in mapping \"{}\"{}", name,
                                                     near.empty() ? "; `capstan mapping ls` lists them"
                                                                  : fmt::format("; did you mean \"{}\"?", near)));
  }
  session.out() << text;
  return exit_done;
}

}  // namespace

std::vector<Command> mapping_commands() {
  return {{.name = "mapping ls",
           .summary = "list the mappings that come with Capstan",
           .details = "A mapping says in KQL what stands in a CEF or LEEF line. docs/guide/write-a-mapping.md explains "
                      "how to write one.",
           .wants = Wants::output,
           .options = {},
           .examples = {{"capstan mapping ls", "which there are"}},
           .run = list},
          {.name = "mapping show",
           .summary = "print a mapping, to begin one's own with",
           .details = "Its YAML as it is built in. A route takes a file of yours with encode: {format: cef, mapping: "
                      "my.yaml}.",
           .wants = Wants::nothing,
           .options = {{.names = "name",
                        .value_name = "NAME",
                        .help = "one that `capstan mapping ls` lists",
                        .is_required = true}},
           .examples = {{"capstan mapping show mdca_activities > my.yaml", "a start"}},
           .run = show}};
}

}  // namespace capstan::app
