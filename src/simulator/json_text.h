// Writes JSON text member by member, in the order and form it is told, so that a generated record is the same bytes
// every time. A comma is due unless the text ends in an opening bracket
// or has its comma already.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace capstan::simulator {

void append_json_string(std::string& out, std::string_view text);

class JsonText {
public:
  explicit JsonText(std::string& out) : out_(out) {}

  // A key that is empty is left out: an element of a list.
  JsonText& open(std::string_view key = {}) { return name(key), out_ += '{', *this; }
  JsonText& close() { return out_ += '}', *this; }
  JsonText& open_list(std::string_view key = {}) { return name(key), out_ += '[', *this; }
  JsonText& close_list() { return out_ += ']', *this; }
  JsonText& text(std::string_view key, std::string_view value) {
    return name(key), append_json_string(out_, value), *this;
  }
  JsonText& number(std::string_view key, std::int64_t value) { return name(key), digits(value), *this; }
  JsonText& flag(std::string_view key, bool value) { return name(key), out_ += value ? "true" : "false", *this; }
  JsonText& null(std::string_view key) { return name(key), out_ += "null", *this; }
  // JSON as it stands.
  JsonText& raw(std::string_view key, std::string_view json) { return name(key), out_ += json, *this; }

private:
  void name(std::string_view key) {
    if (!out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ',') out_ += ',';
    if (key.empty()) return;
    append_json_string(out_, key);
    out_ += ':';
  }
  void digits(std::int64_t value) {
    char text[24];
    out_.append(text, std::to_chars(text, text + sizeof text, value).ptr);
  }

  std::string& out_;
};

}  // namespace capstan::simulator
