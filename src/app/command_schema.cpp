#include <fmt/format.h>

#include "base/text.h"
#include "kql/schemas.h"
#include "session.h"
#include "table.h"

namespace capstan::app {

namespace {

std::string columns_json(const std::vector<kql::Column>& columns) {
  std::string list;
  for (const kql::Column& column : columns)
    list += fmt::format(R"({}{{"name":{},"type":"{}","is_epoch_ms":{},"note":{}}})", list.empty() ? "" : ",",
                        json_quote(column.name), to_string(column.type), column.is_epoch_ms, json_quote(column.note));
  return "[" + list + "]";
}

void list(Session& session) {
  if (session.wants_json()) {
    std::string all;
    for (const kql::NamedSchema& named : kql::named_schemas())
      all += fmt::format(R"({}{{"name":{},"summary":{}}})", all.empty() ? "" : ",", json_quote(named.name),
                         json_quote(named.summary));
    session.out() << "[" << all << "]\n";
    return;
  }
  Table table({{"schema"}, {"what it describes"}});
  for (const kql::NamedSchema& named : kql::named_schemas()) table.add({named.name, named.summary});
  session.out() << table.text();
}

Result<int> run(Session& session) {
  const std::string name = session.arguments.text("name");
  if (name.empty()) {
    list(session);
    return exit_done;
  }
  const kql::NamedSchema* named = kql::find_schema(name);
  if (named == nullptr) {
    std::vector<std::string_view> names;
    for (const kql::NamedSchema& known : kql::named_schemas()) names.push_back(known.name);
    const std::string_view near = nearest(name, names);
    return Error(ErrorCode::wrong_usage, fmt::format("there is no schema \"{}\"{}", name,
                                                     near.empty() ? "; `capstan schema` lists them"
                                                                  : fmt::format("; did you mean \"{}\"?", near)));
  }
  const kql::Schema whole = kql::with_meta_columns(named->schema);
  if (session.wants_json()) {
    session.out() << fmt::format(R"({{"name":{},"is_open":{},"columns":{}}})", json_quote(named->name), whole.is_open,
                                 columns_json(whole.columns))
                  << '\n';
    return exit_done;
  }
  Table table({{"column"}, {"type"}, {"note"}});
  for (const kql::Column& column : whole.columns)
    table.add({column.name, std::string(to_string(column.type)),
               column.note + (column.is_epoch_ms ? column.note.empty() ? "milliseconds since 1970 in the record"
                                                                       : "; milliseconds since 1970 in the record"
                                                 : "")});
  session.out() << named->summary << "\n\n" << table.text();
  if (whole.is_open) session.out() << "\nother members may be named too; they are dynamic\n";
  return exit_done;
}

}  // namespace

Command schema_command() {
  return {.name = "schema",
          .summary = "list the columns that rules may use",
          .details =
              "Of the feeds of Defender for Cloud Apps, and of the tables of Azure that rules are shared with. "
              "Without a name: which there are.",
          .wants = Wants::output,
          .options = {{.names = "name", .value_name = "NAME", .help = "a feed or a table"}},
          .examples = {{"capstan schema activities", "what a rule may say about activities"}},
          .run = run};
}

}  // namespace capstan::app
