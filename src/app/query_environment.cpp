#include "query_environment.h"

#include <fmt/format.h>

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

}  // namespace

std::vector<Option> environment_options() {
  return {{.names = "--secret",
           .value_name = "NAME=WHERE",
           .help = "a key for hmac_sha256(value, 'NAME'); WHERE is env:VARIABLE or file:PATH",
           .is_repeatable = true},
          {.names = "--geo",
           .value_name = "FILE",
           .help = "a MaxMind DB file for geo_location(address) and geo_info_from_ip_address(address)",
           .completes = Completes::files}};
}

Result<kql::Environment> read_environment(Session& session) {
  kql::Environment environment;
  environment.secrets = TRY(read_secrets(session));
  // A query ends before there is another file.
  if (const std::string path = session.arguments.text("geo"); !path.empty())
    environment.places = TRY(kql::Places::open(path, std::chrono::hours(24)));
  return environment;
}

}  // namespace capstan::app
