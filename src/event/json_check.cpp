#include "event/json_check.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/text.h"
#include "json_grammar.h"

namespace capstan {

namespace {

// What of a wrong value is repeated in an error.
constexpr std::size_t excerpt_bytes_max = 40;

struct NobodyTold {
  void object_begins(const char*) {}
  void object_ends(const char*) {}
  void array_begins(const char*) {}
  void array_ends(const char*) {}
  void name(std::string_view) {}
  void string(std::string_view) {}
  void number(std::string_view) {}
  void literal(std::string_view) {}
};

}  // namespace

JsonExtent json_extent(std::string_view text) {
  NobodyTold nobody;
  return json::GrammarWalk(text, nobody).value();
}

std::string to_string(const JsonExtent& extent, std::string_view text) {
  if (extent.kind == JsonExtent::Kind::too_deep)
    return fmt::format("it is nested deeper than {} levels", json_depth_max);
  const std::string_view rest = text.substr(extent.at);
  return fmt::format("expected {}, got {}", extent.expected,
                     rest.empty() ? "its end" : json_quote(cut_utf8(rest, excerpt_bytes_max)));
}

bool holds_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string_view mended_json(std::string_view json, std::string& scratch) {
  std::size_t half = json::next_half(json, 0);
  if (half == std::string_view::npos) return json;
  constexpr std::string_view replacement = "\\ufffd";
  scratch = json;
  for (; half != std::string_view::npos; half = json::next_half(json, half + replacement.size()))
    scratch.replace(half, replacement.size(), replacement);
  return scratch;
}

std::size_t first_wrong_byte(std::string_view text, bool wtf8) {
  constexpr std::size_t character_bytes_max = 4;
  const auto is_good = [&](std::string_view part) { return wtf8 ? is_wtf8(part) : is_utf8(part); };
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t size = 1;
    while (size <= character_bytes_max && !is_good(text.substr(at, size))) ++size;
    if (size > character_bytes_max) break;
    at += size;
  }
  return at;
}

}  // namespace capstan
