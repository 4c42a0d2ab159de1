// The grammar of RFC 8259 as one loop: no recursion, however deep a text is nested. Who wants to know what stands in a
// text is told piece by piece, in order. Pure.
//
// `Told` has
//   void object_begins(const char* at), object_ends(const char* behind), array_begins(at), array_ends(behind)
//   void name(std::string_view between_quotes)
//   void string(std::string_view between_quotes), number(std::string_view), literal(std::string_view)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "event/json_check.h"
#include "json_text.h"

namespace capstan::json {

// Whose kind each open bracket is: bit i is set where level i is an object.
class OpenBrackets {
public:
  bool is_empty() const { return depth_ == 0; }
  bool is_full() const { return depth_ == depth_max; }
  bool is_in_object() const { return ((bits_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64)) & 1) != 0; }
  void open(bool object) {
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    if (object)
      bits_[depth_ / 64] |= bit;
    else
      bits_[depth_ / 64] &= ~bit;
    ++depth_;
  }
  void close() { --depth_; }

private:
  std::array<std::uint64_t, depth_max / 64> bits_{};
  std::size_t depth_ = 0;
};

template <class Told>
class GrammarWalk {
public:
  GrammarWalk(std::string_view text, Told& told) : text_(text), told_(told) {}

  // Reads the value at the front, blanks before it included; what stands behind it is not looked at.
  JsonExtent value() {
    Step step = Step::value;
    while (step != Step::end) {
      skip_blanks();
      if (at_ == text_.size()) return {JsonExtent::Kind::cut, at_, expected(step)};
      switch (step) {
        case Step::first_name:
          step = took('}') ? closed_object() : read_name();
          break;
        case Step::name:
          step = read_name();
          break;
        case Step::first_item:
          step = took(']') ? closed_array() : read_value();
          break;
        case Step::value:
          step = read_value();
          break;
        case Step::behind:
          step = read_behind();
          break;
        case Step::end:
          break;
      }
    }
    return outcome_;
  }

private:
  enum class Step : std::uint8_t { value, first_item, first_name, name, behind, end };

  const char* expected(Step step) const {
    switch (step) {
      case Step::first_name:
      case Step::name:
        return "a string";
      case Step::behind:
        return brackets_.is_in_object() ? "\",\" or \"}\"" : "\",\" or \"]\"";
      default:
        return "a value";
    }
  }

  Step read_value() {
    switch (text_[at_]) {
      case '{':
        return opened(true);
      case '[':
        return opened(false);
      case '"': {
        const std::string_view content = read_string();
        if (content.data() == nullptr) return Step::end;
        told_.string(content);
        return behind();
      }
      case 't':
        return read_literal("true");
      case 'f':
        return read_literal("false");
      case 'n':
        return read_literal("null");
      default:
        return read_number();
    }
  }

  Step opened(bool object) {
    if (brackets_.is_full()) return stop(JsonExtent::Kind::too_deep, at_, "");
    brackets_.open(object);
    if (object)
      told_.object_begins(text_.data() + at_);
    else
      told_.array_begins(text_.data() + at_);
    ++at_;
    return object ? Step::first_name : Step::first_item;
  }
  Step closed_object() {
    brackets_.close();
    told_.object_ends(text_.data() + at_);
    return behind();
  }
  Step closed_array() {
    brackets_.close();
    told_.array_ends(text_.data() + at_);
    return behind();
  }
  Step behind() { return brackets_.is_empty() ? stop(JsonExtent::Kind::whole, at_, "") : Step::behind; }

  Step read_behind() {
    const bool object = brackets_.is_in_object();
    if (took(',')) return object ? Step::name : Step::value;
    if (took(object ? '}' : ']')) return object ? closed_object() : closed_array();
    return broken(expected(Step::behind));
  }

  Step read_name() {
    if (text_[at_] != '"') return broken("a string");
    const std::string_view name = read_string();
    if (name.data() == nullptr) return Step::end;
    told_.name(name);
    skip_blanks();
    if (at_ == text_.size()) return stop(JsonExtent::Kind::cut, at_, "\":\"");
    return took(':') ? Step::value : broken("\":\"");
  }

  // Nothing, and the outcome, where it is none.
  std::string_view read_string() {
    const StringExtent string = string_extent(text_.substr(at_));
    if (!string.is_whole) {
      const bool is_cut = string.size == text_.size() - at_;
      stop(is_cut ? JsonExtent::Kind::cut : JsonExtent::Kind::broken, at_ + string.size, "a well-formed string");
      return {};
    }
    at_ += string.size;
    return text_.substr(at_ - string.size + 1, string.size - 2);
  }

  Step read_literal(std::string_view word) {
    const std::string_view rest = text_.substr(at_, word.size());
    if (rest != word)
      return word.starts_with(rest) ? stop(JsonExtent::Kind::cut, text_.size(), "a value") : broken("a value");
    told_.literal(word);
    at_ += word.size();
    return behind();
  }

  Step read_number() {
    const std::size_t size = number_size(text_.substr(at_));
    if (size == 0) {
      // "-" and "1e" may go on.
      const bool may_go_on = text_.find_first_not_of("+-.0123456789eE", at_) == std::string_view::npos;
      return may_go_on ? stop(JsonExtent::Kind::cut, text_.size(), "a value") : broken("a value");
    }
    told_.number(text_.substr(at_, size));
    at_ += size;
    return behind();
  }

  Step broken(const char* expected) { return stop(JsonExtent::Kind::broken, at_, expected); }
  Step stop(JsonExtent::Kind kind, std::size_t at, const char* expected) {
    outcome_ = {kind, at, expected};
    return Step::end;
  }

  bool took(char c) {
    if (text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    // Most bytes are told from blanks by one look.
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ' && is_blank(text_[at_])) ++at_;
  }

  std::string_view text_;
  Told& told_;
  std::size_t at_ = 0;
  OpenBrackets brackets_;
  JsonExtent outcome_;
};

}  // namespace capstan::json
