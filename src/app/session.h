// One command at work: its arguments, its streams, and the world it may touch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/program.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "command.h"
#include "component/registry.h"
#include "config/document.h"
#include "net/curl_client.h"
#include "runtime/plan.h"

namespace capstan::app {

enum class Output : std::uint8_t { text, json };

class Session {
public:
  Session(Streams& streams, const Command& command, Arguments arguments);

  Streams& streams;
  const Command& command;
  const Arguments arguments;
  SystemClock clock;
  PosixFileSystem files;

  std::ostream& out() const { return streams.out; }
  bool wants_json() const { return arguments.text("output") == "json"; }
  std::string configuration_file() const { return arguments.text("config"); }
  // Made at first need: most commands never ask anybody.
  net::HttpClient& http();
  World& world();

private:
  std::unique_ptr<net::CurlClient> http_;
  std::optional<World> world_;
};

// The configuration as far as it could be read.
struct Configuration {
  config::Node root;
  config::Findings findings;
  std::optional<runtime::Plan> plan;  // nothing when there was an error among the findings
};

// Reads the file and plans it. An Error only where the file itself cannot be read.
// `running`: tenants that are taken over (runtime/plan.h).
Result<Configuration> read_configuration(Session& session, const std::vector<runtime::TenantPlan>& running = {});
Result<Configuration> read_configuration(Session& session, const std::string& file,
                                         const std::vector<runtime::TenantPlan>& running = {});
// For commands that need all of it: findings are written to the error stream, and the error says how many there are.
Result<runtime::Plan> read_plan(Session& session);
// data_dir as the file says it, for commands that only look at the journal: other findings do not stop them.
struct Place {
  std::string data_dir;
  std::vector<std::string> sources;
};
Result<Place> read_place(Session& session);

// "capstan.yaml:12:5: …" lines, with colour where that is a terminal.
std::string findings_text(const config::Findings& findings, bool with_colour);
std::string findings_json(const config::Findings& findings);
// The error and, below it, what to do.
std::string error_text(const Error& error);
std::string error_json(const Error& error);
// The exit code that belongs to an error.
int exit_code(const Error& error);

// Sets up the log from the configuration's options and those of the command line, which win.
void configure_log(const Session& session, const runtime::LogOptions& options);

}  // namespace capstan::app
