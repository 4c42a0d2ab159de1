#include "reloader.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "base/log.h"

namespace capstan::app {

std::string whole_path(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path whole =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, failed), failed);
  return failed ? path : whole.string();
}

Reloader::Reloader(Session& session, runtime::Engine& engine)
    : session_(session), engine_(engine), file_(whole_path(session.configuration_file())) {}

Result<runtime::ReloadReport> Reloader::reload(const std::string& file, runtime::ReloadOptions options) {
  if (!file.empty() && file != file_)
    return Error(ErrorCode::wrong_usage, fmt::format("reloading: expected the configuration that the running Capstan "
                                                     "reads, {}, got {}",
                                                     file_, file));
  runtime::LogOptions log;
  const auto replan = [&](const std::vector<runtime::TenantPlan>& running,
                          config::Findings& findings) -> Result<std::optional<runtime::Plan>> {
    Configuration configuration = TRY(read_configuration(session_, running));
    findings.append(configuration.findings);
    if (configuration.plan) log = configuration.plan->log;
    return std::move(configuration.plan);
  };
  auto report = engine_.reload(replan, options);
  if (report) report->file = session_.configuration_file();
  if (report && report->outcome == runtime::ReloadOutcome::changed && !options.only_shows) configure_log(session_, log);
  return report;
}

void Reloader::reload_and_log() {
  // An outcome is logged by the engine; that it never came to its turn is not.
  if (const auto report = reload("", {}); !report && report.error().code() == ErrorCode::busy)
    log::error(report.error().text());
}

}  // namespace capstan::app
