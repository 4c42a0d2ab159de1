#include "cef_message.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace capstan::kql {

namespace {

Dynamic text_value(std::string_view text) {
  Dynamic value;
  value.kind = Dynamic::Kind::string;
  value.text = text;
  return value;
}

bool is_key_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '[' || c == ']';
}

// Backslash escapes: the bar and the backslash of headers, the equals sign and line ends of extensions.
std::string unescaped(std::string_view text, std::string_view escapable) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next != '\0' && escapable.contains(next)) {
      out += next == 'n' ? '\n' : next == 'r' ? '\r' : next;
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Up to the next bar that is not escaped; nothing when there is none.
std::optional<std::string_view> take_field(std::string_view& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '|') {
      const std::string_view field = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return field;
    }
  }
  return std::nullopt;
}

struct Key {
  std::size_t begin = 0;   // of the key
  std::size_t equals = 0;  // its "="
};

// Where "key=" stands at the front or behind a blank, from `from` on.
std::optional<Key> find_key(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      continue;
    }
    if (text[i] != '=') continue;
    std::size_t begin = i;
    while (begin > from && is_key_part(text[begin - 1])) --begin;
    if (begin < i && (begin == from || text[begin - 1] == ' ')) return Key{begin, i};
  }
  return std::nullopt;
}

Dynamic extension(std::string_view text, Arena& arena) {
  std::vector<DynamicMember> members;
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  auto key = find_key(text, 0);
  while (key && members.size() < cef_extension_members_max) {
    const auto next = find_key(text, key->equals + 1);
    const std::size_t end = next ? next->begin - 1 : text.size();
    std::string_view value = text.substr(key->equals + 1, std::max(end, key->equals + 1) - key->equals - 1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    const std::string_view name = arena.copy(text.substr(key->begin, key->equals - key->begin));
    const Dynamic held = text_value(arena.copy(unescaped(value, "\\=nr|")));
    const auto known = std::ranges::find(members, name, &DynamicMember::name);
    if (known == members.end())
      members.push_back({name, held});
    else
      known->value = held;
    key = next;
  }
  const auto copy = arena.array<DynamicMember>(members.size());
  std::ranges::copy(members, copy.begin());
  Dynamic bag;
  bag.kind = Dynamic::Kind::bag;
  bag.members = copy;
  return bag;
}

}  // namespace

std::optional<Dynamic> read_cef(std::string_view line, Arena& arena) {
  const std::size_t start = line.find("CEF:");
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(start + 4);
  constexpr std::array<std::string_view, 7> header{
      "Version", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity"};
  const auto members = arena.array<DynamicMember>(header.size() + 1);
  for (std::size_t i = 0; i < header.size(); ++i) {
    const auto field = take_field(rest);
    if (!field) return std::nullopt;
    members[i] = {header[i], text_value(arena.copy(unescaped(*field, "\\|")))};
  }
  members.back() = {"Extension", extension(rest, arena)};
  Dynamic bag;
  bag.kind = Dynamic::Kind::bag;
  bag.members = members;
  return bag;
}

}  // namespace capstan::kql
