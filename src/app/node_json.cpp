#include "node_json.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "json_object.h"

namespace capstan::app {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The grammar of JSON's numbers (RFC 8259 section 6): what YAML has besides (0x1F, .5, +1) stays text.
bool is_number(std::string_view text) {
  const auto digits = [&] {
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto count = static_cast<std::size_t>(end - text.begin());
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool has_leading_zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (has_leading_zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

std::string scalar_json(const config::Node& node) {
  if (!node.is_quoted) {
    if (node.scalar == "true" || node.scalar == "false" || is_number(node.scalar)) return node.scalar;
  }
  return json_quote(node.scalar);
}

}  // namespace

std::string node_json(const config::Node& node) {
  switch (node.kind) {
    case config::Node::Kind::null:
      return "null";
    case config::Node::Kind::scalar:
      return scalar_json(node);
    case config::Node::Kind::sequence: {
      std::string items;
      for (const config::Node& item : node.items) items += (items.empty() ? "" : ",") + node_json(item);
      return "[" + items + "]";
    }
    case config::Node::Kind::map:
      break;
  }
  JsonObject object;
  for (const config::Node::Member& member : node.members) object.raw(member.key, node_json(member.value));
  return object.json();
}

}  // namespace capstan::app
