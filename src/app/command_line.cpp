// CLI11 does the splitting (short and long options, "=", "--"); what is said about a mistake is ours.
#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <set>

#include "base/text.h"

namespace capstan::app {

namespace {

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  const std::string_view near = nearest(word, views);
  return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

Error wrong(std::string sentence) { return {ErrorCode::wrong_usage, std::move(sentence)}; }

// One CLI11 option and where its values go.
struct Bound {
  const Option* declared;
  CLI::Option* parsed;
};

// A parser of one command.
class Parser {
public:
  explicit Parser(const Command& command) : command_(command), options_(command.all_options()) {
    for (const Option& option : global_options()) options_.push_back(option);
    app_.set_help_flag();
    app_.allow_extras();
    for (const Option& option : options_) bind(option);
  }

  Result<CommandLine> parse(std::vector<std::string> words) {
    std::ranges::reverse(words);  // CLI11 takes them from the back
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ArgumentMismatch& mismatch) {
      return wrong(fmt::format("reading the options of capstan {}: {}", command_.name, said(mismatch)));
    } catch (const CLI::ParseError& error) {
      return wrong(fmt::format("reading the options of capstan {}: {}", command_.name, error.what()));
    }
    CommandLine line;
    line.command = &command_;
    for (const Bound& bound : bound_) TRY(take(bound, line.arguments));
    line.wants_help = line.arguments.has("help");
    if (line.wants_help) return line;
    TRY(nothing_is_left());
    TRY(nothing_is_missing(line.arguments));
    return line;
  }

private:
  void bind(const Option& option) {
    if (option.is_switch()) {
      bound_.push_back({&option, app_.add_flag(option.names)});
      return;
    }
    std::vector<std::string>& values = values_.emplace_back();
    CLI::Option* parsed = app_.add_option(option.names, values);
    if (option.is_repeatable && option.is_positional())
      parsed->expected(0, -1);
    else
      // One value for each time it is given: what follows is a positional argument.
      parsed->expected(1)
          ->multi_option_policy(option.is_repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                     : CLI::MultiOptionPolicy::TakeLast)
          ->allow_extra_args(false);
    bound_.push_back({&option, parsed});
  }

  static std::string said(const CLI::ArgumentMismatch& mismatch) {
    const std::string text = mismatch.what();
    return fmt::format("{} needs a value", text.substr(0, text.find(':')));
  }

  Result<> take(const Bound& bound, Arguments& arguments) const {
    const Option& option = *bound.declared;
    if (option.is_switch()) {
      if (bound.parsed->count() > 0) arguments.add(option.key(), "true");
      return {};
    }
    for (const std::string& value : bound.parsed->results()) {
      if (!option.choices.empty() && std::ranges::find(option.choices, value) == option.choices.end())
        return wrong(fmt::format("reading {}: expected one of {}, got \"{}\"{}",
                                 option.is_positional() ? option.value_name : "--" + option.key(),
                                 fmt::join(option.choices, ", "), value, suggestion(value, option.choices)));
      arguments.add(option.key(), value);
    }
    if (bound.parsed->count() == 0 && !option.default_text.empty()) arguments.add(option.key(), option.default_text);
    return {};
  }

  Result<> nothing_is_left() const {
    const std::vector<std::string> left = app_.remaining();
    if (left.empty()) return {};
    const std::string word = left.front().substr(0, left.front().find('='));
    if (!word.starts_with('-'))
      return wrong(fmt::format("capstan {} does not know what to do with \"{}\"", command_.name, word));
    std::vector<std::string> names;
    for (const Option& option : options_)
      if (!option.is_positional()) names.push_back("--" + option.key());
    return wrong(
        fmt::format("there is no option \"{}\" in capstan {}{}", word, command_.name, suggestion(word, names)));
  }

  Result<> nothing_is_missing(const Arguments& arguments) const {
    for (const Option& option : options_)
      if (option.is_required && !arguments.has(option.key()))
        return wrong(fmt::format("capstan {} needs {}: {}", command_.name, written(option), option.help));
    return {};
  }

  const Command& command_;
  std::vector<Option> options_;
  CLI::App app_;
  std::deque<std::vector<std::string>> values_;  // addresses stay: CLI11 keeps references
  std::vector<Bound> bound_;
};

bool is_group(std::string_view word) {
  return std::ranges::any_of(commands(), [&](const Command& c) { return c.name.starts_with(std::string(word) + " "); });
}

std::vector<std::string> names_below(std::string_view group) {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    const std::string name = group.empty() ? command.name.substr(0, command.name.find(' '))
                             : command.name.starts_with(std::string(group) + " ")
                                 ? command.name.substr(group.size() + 1)
                                 : std::string{};
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  CommandLine help;
  help.wants_help = true;
  if (arguments.empty()) return wrong("capstan needs a command; `capstan --help` lists them");
  const std::string& first = arguments[0];
  if (first == "--help" || first == "-h" || first == "help") {
    if (arguments.size() > 1 && first == "help") {
      std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
      rest.emplace_back("--help");
      return read_command_line(rest);
    }
    return help;
  }
  if (first == "--version") return read_command_line({"version"});
  if (first.starts_with('-')) return wrong(fmt::format("expected a command before \"{}\"", first));
  std::size_t used = 1;
  std::string name = first;
  // "report" is a command and a group: an option behind it means the command.
  const bool is_also_command = find_command(first) != nullptr;
  if (is_group(first) && !(is_also_command && (arguments.size() == 1 || arguments[1].starts_with('-')))) {
    if (arguments.size() == 1 || arguments[1] == "--help" || arguments[1] == "-h") {
      help.group = first;
      if (arguments.size() == 1)
        return wrong(fmt::format("capstan {} needs one of {}", first, fmt::join(names_below(first), ", ")));
      return help;
    }
    name += " " + arguments[1];
    used = 2;
  }
  const Command* command = find_command(name);
  if (command == nullptr) {
    const std::string group = used == 2 ? first : std::string{};
    return wrong(
        fmt::format("there is no command \"{}\"{}", name, suggestion(arguments[used - 1], names_below(group))));
  }
  return Parser(*command).parse({arguments.begin() + static_cast<std::ptrdiff_t>(used), arguments.end()});
}

}  // namespace capstan::app
