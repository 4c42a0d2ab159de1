#include "query_environment.h"

#include <fmt/format.h>

#include "runtime/file_table.h"
#include "session.h"

namespace capstan::app {

namespace {

Result<std::shared_ptr<const kql::Secrets>> read_secrets(Session& session) {
  auto secrets = std::make_shared<kql::Secrets>();
  for (const std::string& given : session.arguments.all("secret")) {
    const std::size_t equals = given.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error(ErrorCode::wrong_usage,
                   "reading --secret: expected NAME=env:VARIABLE or NAME=file:PATH, got something without a name");
    secrets->insert_or_assign(
        given.substr(0, equals),
        TRY(config::read_secret(given.substr(equals + 1), config::system_references(session.files))));
  }
  return secrets;
}

Result<kql::Tables> read_tables(Session& session) {
  kql::Tables tables;
  for (const std::string& given : session.arguments.all("table")) {
    const std::size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(ErrorCode::wrong_usage, fmt::format("reading --table: expected NAME=FILE, got \"{}\"", given));
    runtime::FileTableOptions options;
    options.file = given.substr(equals + 1);
    const auto table =
        TRY(runtime::FileTable::open(session.files, given.substr(0, equals), std::move(options), session.clock.now())
                .during("reading --table"));
    tables.add(table->live());
  }
  return tables;
}

}  // namespace

std::vector<Option> environment_options() {
  return {{.names = "--secret",
           .value_name = "NAME=WHERE",
           .help = "a key for hmac_sha256(value, 'NAME'); WHERE is env:VARIABLE or file:PATH",
           .is_repeatable = true},
          {.names = "--geo",
           .value_name = "FILE",
           .help = "a MaxMind DB file for geo_location(address) and geo_info_from_ip_address(address)",
           .completes = Completes::files},
          {.names = "--table",
           .value_name = "NAME=FILE",
           .help = "a table for lookup and ipv4_lookup: .csv, .json or .ndjson",
           .is_repeatable = true}};
}

Result<kql::Environment> read_environment(Session& session) {
  kql::Environment environment;
  environment.secrets = TRY(read_secrets(session));
  environment.tables = TRY(read_tables(session));
  // A query ends before there is another file.
  if (const std::string path = session.arguments.text("geo"); !path.empty())
    environment.places = TRY(kql::Places::open(path, std::chrono::hours(24)));
  return environment;
}

}  // namespace capstan::app
