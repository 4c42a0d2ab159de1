#include "runtime/plan_facts.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"

namespace capstan::runtime {

namespace {

using config::Node;

std::string scalar_text(const Node& node) {
  if (node.is_secret) return "sha256 " + sha256_hex(node.scalar);
  return node.is_quoted ? json_quote(node.scalar) : node.scalar;
}

// One line whatever the node holds; everything in it is quoted, so that two nodes never look the same by accident.
std::string one_line(const Node& node) {
  std::string text;
  if (node.kind == Node::Kind::scalar) return json_quote(scalar_text(node));
  if (node.kind == Node::Kind::sequence) {
    for (const Node& item : node.items) text += (text.empty() ? "" : ",") + one_line(item);
    return "[" + text + "]";
  }
  if (node.kind == Node::Kind::map) {
    std::map<std::string, std::string> sorted;
    for (const Node::Member& member : node.members) sorted[member.key] = one_line(member.value);
    for (const auto& [key, value] : sorted) text += (text.empty() ? "" : ",") + json_quote(key) + ":" + value;
    return "{" + text + "}";
  }
  return "null";
}

// Nesting is bounded by the document's parser.
Facts flat(const Node& node, const std::string& name) {
  if (node.kind != Node::Kind::map || node.members.empty()) {
    const std::string value = node.kind == Node::Kind::scalar ? scalar_text(node) : one_line(node);
    return {{name, Fact{value, node.place}}};
  }
  Facts facts;
  for (const Node::Member& member : node.members)
    facts.merge(flat(member.value, name.empty() ? member.key : name + "." + member.key));
  return facts;
}

}  // namespace

Facts facts_of(const Node& node) { return flat(node, ""); }

Facts prefixed(std::string_view prefix, const Facts& facts) {
  Facts named;
  for (const auto& [name, fact] : facts) named.emplace(std::string(prefix) + name, fact);
  return named;
}

std::vector<std::string> differing(const Facts& one, const Facts& other) {
  std::vector<std::string> names;
  for (const auto& [name, fact] : one) {
    const auto same = other.find(name);
    if (same == other.end() || same->second != fact) names.push_back(name);
  }
  for (const auto& [name, fact] : other)
    if (!one.contains(name)) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

}  // namespace capstan::runtime
