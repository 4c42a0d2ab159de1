#include "xml.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "characters.h"

namespace capstan::kql {

namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_blank(char c) { return blanks.contains(c); }
// Beyond ASCII every character counts as one of a name: what XML 1.0 leaves out there nobody writes.
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool is_name_part(char c) { return begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view{}
                                         : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

Dynamic text_value(std::string_view text) {
  Dynamic value;
  value.kind = Dynamic::Kind::string;
  value.text = text;
  return value;
}

class XmlReader {
public:
  XmlReader(std::string_view text, Arena& arena) : text_(text), arena_(arena) {}

  std::optional<Dynamic> document() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    if (!skip_around()) return std::nullopt;
    std::vector<DynamicMember> root(1);
    if (!element(root.front(), 0) || !skip_around() || at_ != text_.size()) return std::nullopt;
    return bag(root);
  }

private:
  bool looking_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool take(std::string_view what) {
    if (!looking_at(what)) return false;
    at_ += what.size();
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  bool skip_past(std::string_view what) {
    const std::size_t found = text_.find(what, at_);
    if (found == std::string_view::npos) return false;
    at_ = found + what.size();
    return true;
  }
  // Blanks, comments and processing instructions before and behind the element.
  bool skip_around() {
    for (;;) {
      skip_blanks();
      if (take("<!--")) {
        if (!skip_past("-->")) return false;
      } else if (take("<?")) {
        if (!skip_past("?>")) return false;
      } else {
        return true;
      }
    }
  }

  std::string_view name() {
    const std::size_t begin = at_;
    if (at_ < text_.size() && begins_name(text_[at_]))
      while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // &lt; &#65; &#x41; — the five of XML itself and characters by number; no others are declared.
  bool append_entity(std::string& out) {
    const std::size_t end = text_.find(';', at_);
    if (end == std::string_view::npos) return false;
    std::string_view entity = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    constexpr std::array<std::pair<std::string_view, char>, 5> named{
        {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
    for (const auto& [word, character] : named) {
      if (entity != word) continue;
      out += character;
      return true;
    }
    if (!entity.starts_with('#')) return false;
    entity.remove_prefix(1);
    const int base = entity.starts_with('x') ? 16 : 10;
    if (base == 16) entity.remove_prefix(1);
    std::uint32_t code = 0;
    const auto [stop, failure] = std::from_chars(entity.data(), entity.data() + entity.size(), code, base);
    if (failure != std::errc{} || stop != entity.data() + entity.size() || code == 0 || code > 0x10FFFF ||
        (code >= 0xD800 && code < 0xE000))
      return false;
    append_character(static_cast<char32_t>(code), out);
    return true;
  }

  bool attribute(std::vector<DynamicMember>& members) {
    const std::string_view attribute_name = name();
    skip_blanks();
    if (attribute_name.empty() || !take("=")) return false;
    skip_blanks();
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return false;
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '<') return false;
      if (text_[at_] != '&')
        value += text_[at_++];
      else if (!append_entity(value))
        return false;
    }
    if (!take({&quote, 1})) return false;
    const std::string key = "@" + std::string(attribute_name);
    if (std::ranges::find(members, std::string_view(key), &DynamicMember::name) != members.end()) return false;
    members.push_back({arena_.copy(key), text_value(arena_.copy(value))});
    return true;
  }

  bool element(DynamicMember& into, std::size_t depth) {
    if (depth > xml_depth_max || !take("<")) return false;
    const std::string_view element_name = name();
    if (element_name.empty()) return false;
    into.name = arena_.copy(element_name);
    std::vector<DynamicMember> members;
    for (;;) {
      const std::size_t before = at_;
      skip_blanks();
      if (take("/>")) {
        into.value = value_of(members, {}, false);
        return true;
      }
      if (take(">")) break;
      if (at_ == before || !attribute(members)) return false;
    }
    std::string text;
    const std::size_t attributes = members.size();
    if (!content(members, text, depth)) return false;
    if (!take("</") || name() != element_name) return false;
    skip_blanks();
    if (!take(">")) return false;
    into.value = value_of(members, text, members.size() > attributes);
    return true;
  }

  // Up to the closing tag.
  bool content(std::vector<DynamicMember>& members, std::string& text, std::size_t depth) {
    while (at_ < text_.size() && !looking_at("</")) {
      if (take("<!--")) {
        if (!skip_past("-->")) return false;
      } else if (take("<![CDATA[")) {
        const std::size_t begin = at_;
        if (!skip_past("]]>")) return false;
        text += text_.substr(begin, at_ - begin - 3);
      } else if (take("<?")) {
        if (!skip_past("?>")) return false;
      } else if (looking_at("<")) {
        DynamicMember child;
        if (!element(child, depth + 1)) return false;
        add(members, child);
      } else if (looking_at("&")) {
        if (!append_entity(text)) return false;
      } else {
        text += text_[at_++];
      }
    }
    return at_ < text_.size();
  }

  // The second of a name makes an array of both.
  void add(std::vector<DynamicMember>& members, const DynamicMember& child) {
    const auto known = std::ranges::find(members, child.name, &DynamicMember::name);
    if (known == members.end()) {
      members.push_back(child);
      return;
    }
    // A child's value is never an array by itself, so an array is one that was made here.
    std::vector<Dynamic> items;
    if (known->value.kind == Dynamic::Kind::array)
      items.assign(known->value.items.begin(), known->value.items.end());
    else
      items.push_back(known->value);
    const auto all = arena_.array<Dynamic>(items.size() + 1);
    std::ranges::copy(items, all.begin());
    all.back() = child.value;
    known->value = {};
    known->value.kind = Dynamic::Kind::array;
    known->value.items = all;
  }

  Dynamic value_of(std::vector<DynamicMember>& members, std::string_view text, bool has_children) {
    // Between children blanks only set the lines apart.
    const std::string_view said = has_children || trimmed(text).empty() ? trimmed(text) : text;
    if (members.empty()) return said.empty() ? Dynamic{} : text_value(arena_.copy(said));
    if (!said.empty()) members.push_back({"#text", text_value(arena_.copy(said))});
    return bag(members);
  }

  Dynamic bag(const std::vector<DynamicMember>& members) {
    const auto copy = arena_.array<DynamicMember>(members.size());
    std::ranges::copy(members, copy.begin());
    Dynamic value;
    value.kind = Dynamic::Kind::bag;
    value.members = copy;
    return value;
  }

  std::string_view text_;
  Arena& arena_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<Dynamic> read_xml(std::string_view text, Arena& arena) {
  if (text.size() > xml_size_max) return std::nullopt;
  return XmlReader(text, arena).document();
}

}  // namespace capstan::kql
