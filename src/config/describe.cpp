#include "config/describe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace capstan::config {

namespace {

// A column of names wider than this makes the rest unreadable; longer names push their own line only.
constexpr std::size_t name_width_max = 28;

// Greedy line breaking at blanks; words are never cut.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string lines;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (column > 0 && indent + column + 1 + word.size() > width) {
      lines += "\n" + std::string(indent, ' ');
      column = 0;
    }
    if (column > 0) lines += ' ';
    lines += word;
    column += word.size() + (column > 0 ? 1 : 0);
  }
  return lines;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

std::string kind_of(const OptionDescription& option) {
  std::string kind = option.type == "one of" ? joined(option.choices, " | ") : option.type;
  if (!option.range.empty()) kind += ", " + option.range;
  return kind;
}

std::string remark(const OptionDescription& option) {
  if (option.is_required) return " (required)";
  return option.default_text.empty() ? "" : fmt::format(" (default: {})", option.default_text);
}

std::string escaped_for_table(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

void add_rows(const std::vector<OptionDescription>& options, const std::string& prefix, std::string& table) {
  for (const OptionDescription& option : options) {
    const std::string standard = option.is_required ? "required"
                                 : option.default_text.empty()
                                     ? "–"
                                     : fmt::format("`{}`", escaped_for_table(option.default_text));
    const std::string example =
        option.example.empty() ? "" : fmt::format(", such as `{}`", escaped_for_table(option.example));
    table += fmt::format("| `{}{}` | {} | {} | {}{} |\n", prefix, option.name, escaped_for_table(kind_of(option)),
                         standard, escaped_for_table(option.help), example);
    add_rows(option.options, prefix + option.name + ".", table);
  }
}

std::string quoted_list(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ",") + json_quote(word);
  return "[" + list + "]";
}

// The shape of one scalar, without what it means.
std::string shape_of(const OptionDescription& option) {
  constexpr std::string_view reference = R"("pattern":"\\$\\{(env|file|credential):[^}]+\\}")";
  if (option.type == "text") return R"("type":["string","number","boolean"])";
  if (option.type == "number") return R"("type":["integer","string"])";
  if (option.type == "yes/no") return R"("enum":[true,false,"yes","no","on","off","true","false"])";
  if (option.type == "duration")
    return R"("type":"string","pattern":"^(([0-9]+(ms|s|m|h|d))+|.*\\$\\{(env|file|credential):.*)$")";
  if (option.type == "size")
    return R"("type":"string","pattern":"^([0-9]+([kMGT]i?B|B|KiB|KB)|.*\\$\\{(env|file|credential):.*)$")";
  if (option.type == "secret") return fmt::format(R"("type":"string",{})", reference);
  if (option.type == "list of text")
    return R"("oneOf":[{"type":["string","number","boolean"]},{"type":"array","items":{"type":["string","number","boolean"]}}])";
  if (option.type == "one of") return R"("enum":)" + quoted_list(option.choices);
  return {};
}

std::string schema_of(const OptionDescription& option) {
  std::string members = fmt::format(R"("description":{})", json_quote(option.help));
  if (option.type == "object") {
    const std::string inner = json_schema(option.options);
    return "{" + members + "," + inner.substr(1);
  }
  if (const std::string shape = shape_of(option); !shape.empty()) members += "," + shape;
  if (!option.default_text.empty()) members += fmt::format(R"(,"default":{})", json_quote(option.default_text));
  if (!option.example.empty()) members += fmt::format(R"(,"examples":[{}])", json_quote(option.example));
  return "{" + members + "}";
}

}  // namespace

std::string help_text(const std::vector<OptionDescription>& options, std::size_t width) {
  std::size_t name_width = 0;
  for (const OptionDescription& option : options)
    name_width = std::max(name_width, std::min(option.name.size(), name_width_max));
  std::string text;
  for (const OptionDescription& option : options) {
    const std::size_t indent = name_width + 4;
    const std::string meaning = fmt::format("{} [{}]{}", option.help, kind_of(option), remark(option));
    text += fmt::format("  {:<{}}  {}\n", option.name, name_width, wrapped(meaning, width, indent));
    if (option.options.empty()) continue;
    const std::string inner = help_text(option.options, width > 2 ? width - 2 : width);
    for (std::size_t at = 0; at < inner.size();) {
      const std::size_t end = inner.find('\n', at);
      text += "  " + inner.substr(at, end + 1 - at);
      at = end + 1;
    }
  }
  return text;
}

std::string markdown_table(const std::vector<OptionDescription>& options) {
  if (options.empty()) return "It has no options.\n";
  std::string table = "| option | what it is | default | meaning |\n| --- | --- | --- | --- |\n";
  add_rows(options, "", table);
  return table;
}

std::string json_schema(const std::vector<OptionDescription>& options, std::string_view type_member,
                        std::string_view type) {
  std::string properties;
  std::vector<std::string> required;
  if (!type_member.empty()) {
    properties = fmt::format(R"({}:{{"const":{}}})", json_quote(type_member), json_quote(type));
    required.emplace_back(type_member);
  }
  for (const OptionDescription& option : options) {
    if (option.name == type_member) continue;
    properties += (properties.empty() ? "" : ",") + json_quote(option.name) + ":" + schema_of(option);
    if (option.is_required) required.push_back(option.name);
  }
  std::string schema = fmt::format(R"({{"type":"object","properties":{{{}}})", properties);
  if (!required.empty()) schema += R"(,"required":)" + quoted_list(required);
  return schema + R"(,"additionalProperties":false})";
}

std::string indented_json(std::string_view json) {
  std::string text;
  std::size_t level = 0;
  bool is_in_string = false;
  const auto line = [&] { text += "\n" + std::string(level * 2, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_in_string) {
      text += c;
      if (c == '\\' && i + 1 < json.size()) text += json[++i];
      is_in_string = c != '"';
      continue;
    }
    const bool is_empty_pair =
        i + 1 < json.size() && ((c == '{' && json[i + 1] == '}') || (c == '[' && json[i + 1] == ']'));
    if (is_empty_pair) {
      text += c;
      text += json[++i];
    } else if (c == '{' || c == '[') {
      text += c;
      ++level;
      line();
    } else if (c == '}' || c == ']') {
      if (level > 0) --level;
      line();
      text += c;
    } else if (c == ',') {
      text += c;
      line();
    } else if (c == ':') {
      text += ": ";
    } else if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
      text += c;
      is_in_string = c == '"';
    }
  }
  return text + "\n";
}

}  // namespace capstan::config
