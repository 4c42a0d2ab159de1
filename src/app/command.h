// The declaration of the command line: one table of commands gives parsing, --help, shell completion and the reference
// page docs/reference/commands.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace capstan::app {

class Session;

// What the shell may complete behind an option.
enum class Completes : std::uint8_t { nothing, files, directories };

struct Option {
  std::string names;              // "-c,--config", "--live"; without dashes it is a positional argument: "route"
  std::string value_name;         // "FILE"; empty: a switch (positional arguments always have one)
  std::string help;               // what it does, lower case, no full stop
  std::string default_text = {};  // as one would write it
  std::vector<std::string> choices = {};
  Completes completes = Completes::nothing;
  bool is_required = false;
  bool is_repeatable = false;

  bool is_positional() const { return !names.starts_with('-'); }
  bool is_switch() const { return value_name.empty() && !is_positional(); }
  std::string key() const;  // "config", "live", "route"
};

// What a command needs beside its own options.
enum class Wants : std::uint8_t {
  nothing = 0,
  configuration = 1,  // -c FILE
  output = 2,         // --output text|json
  both = 3,
};
constexpr bool includes(Wants all, Wants one) {
  return (static_cast<std::uint8_t>(all) & static_cast<std::uint8_t>(one)) != 0;
}

struct Example {
  std::string line;
  std::string meaning;
};

struct Command {
  std::string name;     // "run", "journal ls"
  std::string summary;  // one line, lower case
  std::string details;  // a paragraph, full sentences
  Wants wants = Wants::nothing;
  std::vector<Option> options = {};
  std::vector<Example> examples = {};
  bool is_hidden = false;
  bool is_service = false;  // nobody may ever read what it writes to standard error, so it never waits for that
  std::function<Result<int>(Session&)> run = {};  // the exit code, or an Error that is shown

  // Its own options and those that `wants` adds; the global ones are not among them.
  std::vector<Option> all_options() const;
};

// In the order of --help.
const std::vector<Command>& commands();
const Command* find_command(std::string_view name);
// --log-format, --log-level, --help: understood by every command.
const std::vector<Option>& global_options();

// What was given on the command line, by key.
class Arguments {
public:
  void add(const std::string& key, std::string value) { values_[key].push_back(std::move(value)); }
  bool has(std::string_view key) const;
  // The last one given; empty when none was (and there is no default).
  std::string text(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;
  // wrong_usage unless it is a whole number from `lowest` to `highest`.
  Result<std::int64_t> number(std::string_view key, std::int64_t lowest, std::int64_t highest) const;
  // "2026-11-24T16:00:00Z", or how long ago: "90m", "2d". Nothing when it was not given.
  Result<std::optional<Timestamp>> moment(std::string_view key, Timestamp now) const;

private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// command_<name>.cpp, one each.
Command check_command();
Command completion_command();
Command demo_command();
Command diff_command();
Command explain_command();
Command init_command();
std::vector<Command> journal_commands();
std::vector<Command> mapping_commands();
Command preview_command();
Command query_command();
Command reference_command();
Command reload_command();
Command replay_command();
std::vector<Command> report_commands();
Command run_command();
Command schema_command();
Command simulate_command();
Command status_command();
Command test_rules_command();
Command verify_command();
Command version_command();

}  // namespace capstan::app
