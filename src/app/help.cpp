#include <fmt/format.h>

#include <algorithm>

#include "command_line.h"

namespace capstan::app {

namespace {

std::string upper(std::string_view text) {
  std::string up(text);
  std::ranges::transform(up, up.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return up;
}

struct Line {
  std::string left;
  std::string right;
};

std::string aligned(const std::vector<Line>& lines) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.left.size());
  std::string text;
  for (const Line& line : lines) text += fmt::format("  {:<{}}  {}\n", line.left, width, line.right);
  return text;
}

std::string meaning(const Option& option) {
  std::string text = option.help;
  if (!option.choices.empty()) text += fmt::format(": {}", fmt::join(option.choices, ", "));
  if (!option.default_text.empty()) text += fmt::format(" (default: {})", option.default_text);
  if (option.is_required && !option.is_positional()) text += " (required)";
  if (option.is_repeatable) text += " (may be repeated)";
  return text;
}

std::vector<Line> lines_of(const std::vector<Option>& options) {
  std::vector<Line> lines;
  for (const Option& option : options) lines.push_back({written(option), meaning(option)});
  return lines;
}

std::string list_of(std::string_view group) {
  std::vector<Line> lines;
  for (const Command& command : commands())
    if (!command.is_hidden && (group.empty() || command.name.starts_with(std::string(group) + " ")))
      lines.push_back({command.name, command.summary});
  return aligned(lines);
}

}  // namespace

std::string written(const Option& option) {
  if (option.is_positional()) return option.value_name.empty() ? upper(option.names) : option.value_name;
  std::string text = option.names;
  if (const std::size_t comma = text.find(','); comma != std::string::npos) text.replace(comma, 1, ", ");
  return option.value_name.empty() ? text : text + " " + option.value_name;
}

std::string usage(const Command& command) {
  std::string line = "capstan " + command.name;
  bool has_more = false;
  for (const Option& option : command.all_options()) {
    if (option.is_positional()) {
      const std::string name = written(option) + (option.is_repeatable ? "…" : "");
      line += option.is_required ? " " + name : fmt::format(" [{}]", name);
    } else if (option.is_required) {
      line += " --" + option.key() + (option.value_name.empty() ? "" : " " + option.value_name);
    } else {
      has_more = true;
    }
  }
  return has_more ? line + " [options]" : line;
}

std::string program_help() {
  return fmt::format(
      "capstan: collects everything a Microsoft Defender for Cloud Apps tenant shows and delivers it to a SIEM,\n"
      "losing nothing and proving it.\n\nusage: capstan COMMAND [options]\n\ncommands:\n{}\n"
      "options of every command:\n{}\n"
      "`capstan COMMAND --help` tells more. Exit codes: 0 done, 1 it did not work, 2 wrong usage, 78 configuration.\n",
      list_of(""), aligned(lines_of(global_options())));
}

std::string group_help(std::string_view group) {
  return fmt::format("usage: capstan {} COMMAND [options]\n\ncommands:\n{}", group, list_of(group));
}

std::string command_help(const Command& command) {
  std::string text = fmt::format("capstan {}: {}\n\nusage: {}\n", command.name, command.summary, usage(command));
  if (!command.details.empty()) text += fmt::format("\n{}\n", command.details);
  std::vector<Option> options = command.all_options();
  for (const Option& option : global_options()) options.push_back(option);
  text += fmt::format("\noptions:\n{}", aligned(lines_of(options)));
  if (const std::string below = list_of(command.name); !below.empty()) text += fmt::format("\ncommands:\n{}", below);
  if (!command.examples.empty()) {
    std::vector<Line> lines;
    for (const Example& example : command.examples) lines.push_back({example.line, example.meaning});
    text += fmt::format("\nexamples:\n{}", aligned(lines));
  }
  return text;
}

}  // namespace capstan::app
