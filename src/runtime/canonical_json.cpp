#include "canonical_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

namespace capstan::runtime {

namespace {

namespace json = boost::json;

void write_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
          out += c;
    }
  }
  out += '"';
}

void write(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      return;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case json::kind::int64:
      out += fmt::format("{}", value.get_int64());
      return;
    case json::kind::uint64:
      out += fmt::format("{}", value.get_uint64());
      return;
    case json::kind::double_:
      out += json::serialize(value);  // never written by us; parse_canonical then meets another text
      return;
    case json::kind::string:
      write_text(out, value.get_string());
      return;
    case json::kind::array: {
      out += '[';
      bool is_first = true;
      for (const json::value& item : value.get_array()) {
        if (!std::exchange(is_first, false)) out += ',';
        write(out, item);
      }
      out += ']';
      return;
    }
    case json::kind::object: {
      // Names are ASCII in what we sign, so the order of bytes is that of UTF-16 code units.
      std::vector<const json::key_value_pair*> members;
      for (const auto& member : value.get_object()) members.push_back(&member);
      std::ranges::sort(members, {}, [](const auto* member) { return std::string_view(member->key()); });
      out += '{';
      bool is_first = true;
      for (const auto* member : members) {
        if (!std::exchange(is_first, false)) out += ',';
        write_text(out, member->key());
        out += ':';
        write(out, member->value());
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

std::string canonical(const json::value& value) {
  std::string text;
  write(text, value);
  return text;
}

std::optional<json::value> parse_canonical(std::string_view text) {
  boost::system::error_code failure;
  json::value value = json::parse(text, failure);
  if (failure || canonical(value) != text) return {};
  return value;
}

}  // namespace capstan::runtime
