// Completion scripts from the table of commands. Each is complete in itself: no other program is asked.
#include <fmt/format.h>

#include <algorithm>

#include "command_line.h"

namespace capstan::app {

namespace {

std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    const std::string word = command.name.substr(0, command.name.find(' '));
    if (std::ranges::find(words, word) == words.end()) words.push_back(word);
  }
  return words;
}

std::vector<std::string> second_words(const std::string& group) {
  std::vector<std::string> words;
  for (const Command& command : commands())
    if (command.name.starts_with(group + " ")) words.push_back(command.name.substr(group.size() + 1));
  return words;
}

std::vector<Option> options_of(const Command& command) {
  std::vector<Option> options = command.all_options();
  for (const Option& option : global_options()) options.push_back(option);
  return options;
}

std::vector<std::string> names_of(const Option& option) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= option.names.size();) {
    const std::size_t end = std::min(option.names.find(',', at), option.names.size());
    names.push_back(option.names.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

// Within single quotes of a shell.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

// ---- bash -----------------------------------------------------------------------------------------------------------

std::string bash_values(const Option& option) {
  if (!option.choices.empty())
    return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))", fmt::join(option.choices, " "));
  if (option.completes == Completes::nothing) return "COMPREPLY=()";
  return fmt::format("compopt -o filenames; COMPREPLY=($(compgen -{} -- \"$word\"))",
                     option.completes == Completes::directories ? "d" : "f");
}

std::string bash_command(const Command& command) {
  std::vector<std::string> words;
  std::string values;
  std::string positional;
  for (const Option& option : options_of(command)) {
    if (option.is_positional()) {
      words.insert(words.end(), option.choices.begin(), option.choices.end());
      if (option.completes != Completes::nothing) positional = bash_values(option);
      continue;
    }
    const std::vector<std::string> names = names_of(option);
    words.insert(words.end(), names.begin(), names.end());
    if (!option.is_switch())
      values += fmt::format("        {}) {}; return ;;\n", fmt::join(names, "|"), bash_values(option));
  }
  std::string text = fmt::format("    {})\n      case \"$before\" in\n{}      esac\n", quoted(command.name), values);
  if (!positional.empty()) text += fmt::format("      if [[ $word != -* ]]; then {}; return; fi\n", positional);
  return text + fmt::format("      COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n", fmt::join(words, " "));
}

std::string bash() {
  std::string groups;
  std::string cases;
  for (const std::string& word : first_words())
    if (const auto below = second_words(word); !below.empty())
      groups += fmt::format(
          "    {0}) if ((COMP_CWORD == 2)) && [[ $word != -* ]]; then COMPREPLY=($(compgen -W '{1}' -- \"$word\")); "
          "return; fi; [[ ${{COMP_WORDS[2]}} == -* ]] || command=\"{0} ${{COMP_WORDS[2]}}\" ;;\n",
          word, fmt::join(below, " "));
  for (const Command& command : commands())
    if (!command.is_hidden) cases += bash_command(command);
  return fmt::format(
      "# Completion of capstan for bash: source <(capstan completion bash)\n"
      "_capstan() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}}\n"
      "  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W '{} --help' -- \"$word\")); return; fi\n"
      "  case \"$command\" in\n{}  esac\n"
      "  case \"$command\" in\n{}  esac\n"
      "}}\n"
      "complete -F _capstan capstan\n",
      fmt::join(first_words(), " "), groups, cases);
}

// ---- zsh ------------------------------------------------------------------------------------------------------------

// In a zsh option description brackets and colons mean something.
std::string zsh_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_values(const Option& option) {
  if (!option.choices.empty()) return fmt::format("({})", fmt::join(option.choices, " "));
  if (option.completes == Completes::directories) return "_files -/";
  if (option.completes == Completes::files) return "_files";
  return " ";
}

std::string zsh_command(const Command& command) {
  std::string text = fmt::format("    {})\n      _arguments -s", quoted(command.name));
  for (const Option& option : options_of(command)) {
    const std::string help = zsh_escaped(option.help);
    if (option.is_positional()) {
      text += " " + quoted(fmt::format("{}:{}:{}", option.is_repeatable ? "*" : "", help, zsh_values(option)));
      continue;
    }
    for (const std::string& name : names_of(option))
      text += " " +
              quoted(fmt::format(
                  "{}{}[{}]{}", option.is_repeatable ? "*" : "", name, help,
                  option.is_switch() ? "" : fmt::format(":{}:{}", zsh_escaped(option.value_name), zsh_values(option))));
  }
  return text + " ;;\n";
}

std::string zsh() {
  std::string words;
  std::string groups;
  std::string cases;
  for (const std::string& word : first_words()) {
    const Command* command = find_command(word);
    const std::string summary = command == nullptr ? "commands about the " + word : command->summary;
    words += " " + quoted(word + ":" + zsh_escaped(summary));
    if (second_words(word).empty()) continue;
    std::string below;
    for (const std::string& second : second_words(word))
      below += " " + quoted(second + ":" + zsh_escaped(find_command(word + " " + second)->summary));
    groups += fmt::format(
        "    {0}) if [[ ${{words[3]}} != -* ]]; then\n"
        "      if ((CURRENT == 3)); then local -a below=({1}); _describe command below; return; fi\n"
        "      command=\"{0} ${{words[3]}}\"; words=(\"${{words[1]}}\" \"${{words[@]:2}}\"); ((CURRENT--)); fi ;;\n",
        word, below);
  }
  for (const Command& command : commands())
    if (!command.is_hidden) cases += zsh_command(command);
  return fmt::format(
      "#compdef capstan\n"
      "# Completion of capstan for zsh: source <(capstan completion zsh), or put it into $fpath as _capstan\n"
      "_capstan() {{\n"
      "  local -a all=({})\n"
      "  if ((CURRENT == 2)); then _describe command all; return; fi\n"
      "  local command=${{words[2]}}\n"
      "  case \"$command\" in\n{}  esac\n"
      "  words=(\"${{words[1]}}\" \"${{words[@]:2}}\"); ((CURRENT--))\n"
      "  case \"$command\" in\n{}  esac\n"
      "}}\n"
      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _capstan \"$@\"; else compdef _capstan capstan; fi\n",
      words, groups, cases);
}

// ---- fish -----------------------------------------------------------------------------------------------------------

std::string fish_condition(const Command& command) {
  const std::size_t blank = command.name.find(' ');
  if (blank == std::string::npos) {
    const auto below = second_words(command.name);
    return fmt::format(
        "__fish_seen_subcommand_from {}{}", command.name,
        below.empty() ? "" : fmt::format("; and not __fish_seen_subcommand_from {}", fmt::join(below, " ")));
  }
  return fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}",
                     command.name.substr(0, blank), command.name.substr(blank + 1));
}

std::string fish_option(const Command& command, const Option& option) {
  std::string line = fmt::format("complete -c capstan -n {} ", quoted(fish_condition(command)));
  if (option.is_positional()) {
    if (option.choices.empty()) return {};
    return line + fmt::format("-f -a {}\n", quoted(fmt::format("{}", fmt::join(option.choices, " "))));
  }
  for (const std::string& name : names_of(option))
    line += name.starts_with("--") ? "-l " + name.substr(2) + " " : "-s " + name.substr(1) + " ";
  if (!option.is_switch()) {
    line += option.completes == Completes::nothing ? "-x " : "-r -F ";
    if (!option.choices.empty()) line += "-a " + quoted(fmt::format("{}", fmt::join(option.choices, " "))) + " ";
  }
  return line + "-d " + quoted(option.help) + "\n";
}

std::string fish() {
  std::string text = "# Completion of capstan for fish: capstan completion fish | source\ncomplete -c capstan -f\n";
  for (const std::string& word : first_words()) {
    const Command* command = find_command(word);
    text += fmt::format("complete -c capstan -n __fish_use_subcommand -a {} -d {}\n", word,
                        quoted(command == nullptr ? "commands about the " + word : command->summary));
    const auto below = second_words(word);
    for (const std::string& second : below)
      text += fmt::format(
          "complete -c capstan -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}' -a {} -d "
          "{}\n",
          word, fmt::join(below, " "), second, quoted(find_command(word + " " + second)->summary));
  }
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    for (const Option& option : options_of(command)) text += fish_option(command, option);
  }
  return text;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return {};
}

}  // namespace capstan::app
