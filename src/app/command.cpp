#include "command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace capstan::app {

namespace {

std::vector<Command> made() {
  std::vector<Command> all{run_command(),    check_command(),   status_command(), verify_command(), explain_command(),
                           replay_command(), preview_command(), diff_command(),   reload_command()};
  for (Command& command : report_commands()) all.push_back(std::move(command));
  for (Command& command : journal_commands()) all.push_back(std::move(command));
  for (Command& command : mapping_commands()) all.push_back(std::move(command));
  for (Command& command :
       std::vector<Command>{query_command(), test_rules_command(), schema_command(), init_command(), simulate_command(),
                            demo_command(), version_command(), completion_command(), reference_command()})
    all.push_back(std::move(command));
  return all;
}

}  // namespace

std::string Option::key() const {
  const std::size_t long_name = names.find("--");
  return long_name == std::string::npos ? names : names.substr(long_name + 2);
}

std::vector<Option> Command::all_options() const {
  std::vector<Option> all = options;
  if (includes(wants, Wants::configuration))
    all.push_back({.names = "-c,--config",
                   .value_name = "FILE",
                   .help = "the configuration",
                   .default_text = "capstan.yaml",
                   .completes = Completes::files});
  if (includes(wants, Wants::output))
    all.push_back({.names = "--output",
                   .value_name = "FORMAT",
                   .help = "how to report",
                   .default_text = "text",
                   .choices = {"text", "json"}});
  return all;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all = made();
  return all;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : &*found;
}

const std::vector<Option>& global_options() {
  static const std::vector<Option> all{{.names = "--log-format",
                                        .value_name = "FORMAT",
                                        .help = "how to write the log, instead of log.format",
                                        .choices = {"text", "json"}},
                                       {.names = "--log-level",
                                        .value_name = "LEVEL",
                                        .help = "what to log, instead of log.level",
                                        .choices = {"debug", "info", "warning", "error"}},
                                       {.names = "-h,--help", .value_name = "", .help = "show this help"}};
  return all;
}

bool Arguments::has(std::string_view key) const { return values_.contains(key); }

std::string Arguments::text(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string{} : found->second.back();
}

std::vector<std::string> Arguments::all(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<std::int64_t> Arguments::number(std::string_view key, std::int64_t lowest, std::int64_t highest) const {
  const std::string given = text(key);
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (failure != std::errc{} || end != given.data() + given.size() || value < lowest || value > highest)
    return Error(ErrorCode::wrong_usage, fmt::format("reading --{}: expected a whole number from {} to {}, got \"{}\"",
                                                     key, lowest, highest, given));
  return value;
}

Result<std::optional<Timestamp>> Arguments::moment(std::string_view key, Timestamp now) const {
  if (!has(key)) return std::optional<Timestamp>{};
  const std::string given = text(key);
  if (const auto ago = parse_duration(given)) return std::optional(now - *ago);
  if (const auto moment = parse_iso8601(given)) return moment;
  return Error(ErrorCode::wrong_usage,
               fmt::format("reading --{}: expected a time such as 2026-11-24T16:00:00Z, or how long ago such as 2d, "
                           "got \"{}\"",
                           key, given));
}

}  // namespace capstan::app
