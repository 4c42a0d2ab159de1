// Reading one scalar as what its option says it is (config/schema.h).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "config/schema.h"

namespace capstan::config {

namespace {

// What a person sees of the value: never a resolved secret.
std::string shown(const Node& node) {
  if (node.kind == Node::Kind::sequence) return "a list";
  if (node.kind == Node::Kind::map) return "a map";
  if (node.is_secret) return "a value taken from a reference";
  constexpr std::size_t shown_max = 60;
  const std::string_view cut = cut_utf8(node.scalar, shown_max);
  return fmt::format("\"{}{}\"", cut, cut.size() < node.scalar.size() ? "…" : "");
}

bool refuse(const Node& node, std::string_view option, std::string_view expected, Findings& findings) {
  findings.add(ErrorCode::wrong_value, node.place,
               fmt::format("{}: expected {}, got {}", option, expected, shown(node)));
  return false;
}

template <class T, class Parse>
bool read_scalar(const Node& node, std::string_view option, std::string_view expected, Parse parse, T& into,
                 Findings& findings) {
  if (node.kind != Node::Kind::scalar) return refuse(node, option, expected, findings);
  const auto value = parse(node.scalar);
  if (!value) return refuse(node, option, expected, findings);
  into = *value;
  return true;
}

std::optional<bool> parse_yes_no(std::string_view text) {
  for (const std::string_view word : {"true", "yes", "on"})
    if (text == word) return true;
  for (const std::string_view word : {"false", "no", "off"})
    if (text == word) return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool read(const Node& node, std::string_view option, bool& into, Findings& findings) {
  return read_scalar(node, option, "yes or no", parse_yes_no, into, findings);
}

bool read(const Node& node, std::string_view option, std::int64_t& into, Findings& findings) {
  return read_scalar(node, option, "a whole number", parse_number, into, findings);
}

bool read(const Node& node, std::string_view option, std::string& into, Findings& findings) {
  if (node.kind != Node::Kind::scalar) return refuse(node, option, "text", findings);
  into = node.scalar;
  return true;
}

bool read(const Node& node, std::string_view option, Duration& into, Findings& findings) {
  return read_scalar(node, option, "a duration such as 30s or 2d", parse_duration, into, findings);
}

bool read(const Node& node, std::string_view option, Bytes& into, Findings& findings) {
  return read_scalar(node, option, "a size such as 64MiB or 10GB", parse_bytes, into, findings);
}

bool read(const Node& node, std::string_view option, Secret& into, Findings& findings) {
  if (node.kind != Node::Kind::scalar)
    return refuse(node, option, "a reference such as ${file:/path} or ${env:NAME}", findings);
  if (!node.is_secret) {
    findings.add(
        ErrorCode::plain_secret, node.place,
        fmt::format("{}: expected a reference such as ${{file:/path}} or ${{env:NAME}}, got plain text", option));
    return false;
  }
  into = Secret(node.scalar);
  return true;
}

bool read(const Node& node, std::string_view option, std::vector<std::string>& into, Findings& findings) {
  if (node.kind == Node::Kind::scalar) {
    into = {node.scalar};
    return true;
  }
  if (node.kind != Node::Kind::sequence) return refuse(node, option, "a list of text", findings);
  std::vector<std::string> values;
  bool is_good = true;
  for (const Node& item : node.items) {
    std::string value;
    if (read(item, option, value, findings)) {
      values.push_back(std::move(value));
    } else {
      is_good = false;
    }
  }
  if (is_good) into = std::move(values);
  return is_good;
}

bool read(const Node& node, std::string_view, Raw& into, Findings&) {
  into.node = node;
  return true;
}

std::string written(const std::vector<std::string>& v) {
  std::string text = "[";
  for (std::size_t i = 0; i < v.size(); ++i) text += (i == 0 ? "" : ", ") + v[i];
  return v.empty() ? std::string{} : text + "]";
}

bool check_members(const Node& node, std::string_view owner, const std::vector<OptionDescription>& known,
                   Findings& findings) {
  if (node.kind == Node::Kind::null) return true;
  if (node.kind != Node::Kind::map) {
    findings.add(ErrorCode::wrong_value, node.place,
                 fmt::format("{}: expected a map of options, got {}", owner, shown(node)));
    return false;
  }
  std::vector<std::string_view> names;
  for (const OptionDescription& option : known) names.push_back(option.name);
  for (const Node::Member& member : node.members) {
    if (std::ranges::find(names, member.key) != names.end()) continue;
    const std::string_view near = nearest(member.key, names);
    findings.add(ErrorCode::unknown_option, member.place,
                 fmt::format("there is no option \"{}\" in {}{}", member.key, owner,
                             near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  return true;
}

}  // namespace capstan::config
