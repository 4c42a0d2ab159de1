// JSON read as simply as it can be, byte by byte, for tests that judge the product's readers: it shares no code with
// them. Half a surrogate pair, as an escape or as bytes, is U+FFFD; a pair of surrogates as bytes is its character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace capstan::equipment {

struct PlainMember;

struct PlainJson {
  enum class Kind : std::uint8_t { null, boolean, number, text, array, object };
  Kind kind = Kind::null;
  std::string text;  // of a text; a number or boolean as it is written
  std::vector<PlainJson> items;
  std::vector<PlainMember> members;  // in order, repeats kept

  // The first of that name; nullptr where there is none.
  const PlainJson* find(std::string_view name) const;
  // Its own text, and all that stands in it, a line each.
  std::string all_texts() const;
};

struct PlainMember {
  std::string name;
  PlainJson value;
};

inline const PlainJson* PlainJson::find(std::string_view name) const {
  for (const PlainMember& member : members)
    if (member.name == name) return &member.value;
  return nullptr;
}

inline std::string PlainJson::all_texts() const {
  std::string all = text + "\n";
  for (const PlainJson& item : items) all += item.all_texts();
  for (const auto& [name, value] : members) all += name + "\n" + value.all_texts();
  return all;
}

class PlainJsonReader {
public:
  // Nothing where it is no JSON, not UTF-8 (but for surrogates), or nested deeper than `depth_max`.
  static std::optional<PlainJson> read(std::string_view json, std::size_t depth_max = 1024) {
    PlainJsonReader reader(json, depth_max);
    PlainJson value;
    reader.blanks();
    if (!reader.value(value, 0)) return std::nullopt;
    reader.blanks();
    if (reader.at_ != json.size()) return std::nullopt;
    return value;
  }
  // The text that bytes of UTF-8, with surrogates perhaps, stand for; nothing where they are something else.
  static std::optional<std::string> text_of(std::string_view bytes) {
    std::vector<std::uint32_t> units;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto character = character_at(bytes, at);
      if (!character) return std::nullopt;
      units.push_back(*character);
    }
    return joined(units);
  }

private:
  PlainJsonReader(std::string_view json, std::size_t depth_max) : json_(json), depth_max_(depth_max) {}

  void blanks() {
    while (at_ < json_.size() && (json_[at_] == ' ' || json_[at_] == '\t' || json_[at_] == '\n' || json_[at_] == '\r'))
      ++at_;
  }
  bool took(char c) {
    if (at_ == json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool took(std::string_view word) {
    if (json_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool value(PlainJson& into, std::size_t depth) {
    if (depth > depth_max_) return false;
    if (at_ == json_.size()) return false;
    const std::size_t begin = at_;
    switch (json_[at_]) {
      case '{':
        return depth < depth_max_ && object(into, depth);
      case '[':
        return depth < depth_max_ && array(into, depth);
      case '"':
        into.kind = PlainJson::Kind::text;
        return string(into.text);
      case 'n':
        return took("null");
      case 't':
      case 'f':
        into.kind = PlainJson::Kind::boolean;
        if (!took("true") && !took("false")) return false;
        break;
      default:
        into.kind = PlainJson::Kind::number;
        if (!number()) return false;
        break;
    }
    into.text = json_.substr(begin, at_ - begin);
    return true;
  }
  bool object(PlainJson& into, std::size_t depth) {
    into.kind = PlainJson::Kind::object;
    ++at_;
    blanks();
    if (took('}')) return true;
    do {
      blanks();
      auto& [name, content] = into.members.emplace_back();
      if (!string(name)) return false;
      blanks();
      if (!took(':')) return false;
      blanks();
      if (!value(content, depth + 1)) return false;
      blanks();
    } while (took(','));
    return took('}');
  }
  bool array(PlainJson& into, std::size_t depth) {
    into.kind = PlainJson::Kind::array;
    ++at_;
    blanks();
    if (took(']')) return true;
    do {
      blanks();
      if (!value(into.items.emplace_back(), depth + 1)) return false;
      blanks();
    } while (took(','));
    return took(']');
  }
  bool digits() {
    const std::size_t begin = at_;
    while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9') ++at_;
    return at_ > begin;
  }
  bool number() {
    took('-');
    if (!took('0') && !digits()) return false;
    if (took('.') && !digits()) return false;
    if (took('e') || took('E')) {
      if (!took('+')) took('-');
      if (!digits()) return false;
    }
    return true;
  }

  // UTF-16 units and characters, joined only when all are there: so half a pair stays half a pair whatever wrote it.
  bool string(std::string& into) {
    if (!took('"')) return false;
    std::vector<std::uint32_t> units;
    while (at_ < json_.size()) {
      const char c = json_[at_];
      if (c == '"') {
        ++at_;
        into = joined(units);
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        const auto character = character_at(json_, at_);
        if (!character) return false;
        // A surrogate as bytes pairs only with one as bytes.
        units.push_back(*character >= 0xD800 && *character < 0xE000 ? *character | as_bytes : *character);
        continue;
      }
      if (!escape(units)) return false;
    }
    return false;
  }
  bool escape(std::vector<std::uint32_t>& units) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view characters = "\"\\/\b\f\n\r\t";
    if (at_ + 1 >= json_.size()) return false;
    const char letter = json_[at_ + 1];
    at_ += 2;
    if (letter != 'u') {
      const std::size_t place = letters.find(letter);
      if (place == std::string_view::npos) return false;
      units.push_back(static_cast<std::uint32_t>(characters[place]));
      return true;
    }
    std::uint32_t unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ == json_.size()) return false;
      const char digit = json_[at_];
      const std::size_t place = std::string_view("0123456789abcdef").find(static_cast<char>(digit | 0x20));
      const bool is_digit = digit >= '0' && digit <= '9';
      if (!is_digit && (place == std::string_view::npos || place < 10)) return false;
      unit = unit * 16 + (is_digit ? static_cast<std::uint32_t>(digit - '0') : static_cast<std::uint32_t>(place));
    }
    units.push_back(unit);
    return true;
  }

  static constexpr std::uint32_t as_bytes = 0x80000000;

  // Of UTF-8, surrogates let through; moves on behind it.
  static std::optional<std::uint32_t> character_at(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
    };
    const std::uint32_t first = byte(0);
    const std::size_t size = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size == 0 || first > 0xF4) return std::nullopt;
    std::uint32_t code = size == 1 ? first : first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
      code = (code << 6) | (byte(i) & 0x3F);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[size] || code > 0x10FFFF) return std::nullopt;
    at += size;
    return code;
  }
  static std::string joined(const std::vector<std::uint32_t>& units) {
    std::string text;
    for (std::size_t i = 0; i < units.size(); ++i) {
      const std::uint32_t mark = units[i] & as_bytes;
      std::uint32_t code = units[i] & ~as_bytes;
      if (code >= 0xD800 && code < 0xE000) {
        const bool has_second = i + 1 < units.size() && (units[i + 1] & as_bytes) == mark;
        const std::uint32_t second = has_second ? units[i + 1] & ~as_bytes : 0;
        if (code < 0xDC00 && second >= 0xDC00 && second < 0xE000) {
          code = 0x10000 + (code - 0xD800) * 0x400 + (second - 0xDC00);
          ++i;
        } else {
          code = 0xFFFD;
        }
      }
      append(code, text);
    }
    return text;
  }
  static void append(std::uint32_t code, std::string& text) {
    const auto last = [](std::uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += {static_cast<char>(0xC0 | (code >> 6)), last(code)};
    } else if (code < 0x10000) {
      text += {static_cast<char>(0xE0 | (code >> 12)), last(code >> 6), last(code)};
    } else {
      text += {static_cast<char>(0xF0 | (code >> 18)), last(code >> 12), last(code >> 6), last(code)};
    }
  }

  std::string_view json_;
  std::size_t depth_max_;
  std::size_t at_ = 0;
};

}  // namespace capstan::equipment
