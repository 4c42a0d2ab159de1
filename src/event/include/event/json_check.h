// Where one JSON text ends and whether it is one (RFC 8259), said so that a person finds the place. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace capstan {

// Levels of brackets that are read. simdjson's own limit; nothing that a service sends comes near it.
constexpr std::size_t json_depth_max = 1024;

// How far a JSON value reaches.
struct JsonExtent {
  enum class Kind : std::uint8_t {
    whole,
    cut,       // the text ends inside it; with more text it may be whole
    broken,    // it is no JSON
    too_deep,  // nested deeper than json_depth_max
  };
  Kind kind = Kind::broken;
  std::size_t at = 0;         // behind the value; else where it stops being one
  const char* expected = "";  // what should stand there: "a value", "\":\""
};

// Of the value at the front, blanks before it included; what stands behind it is not looked at. Strings are checked by
// the grammar only: whether they are UTF-8 is asked of the whole text.
JsonExtent json_extent(std::string_view text);

// "expected \":\", got \"x…\"", or that it is nested too deep. `text` is what `extent` is of.
std::string to_string(const JsonExtent& extent, std::string_view text);

// Whether all of a text is UTF-8: as is_utf8() of base/text.h, but fast.
bool holds_utf8(std::string_view text);

// Well-formed JSON as it is written, but with the escape of U+FFFD for each that is half a surrogate pair; a copy in
// `scratch` where there is one.
std::string_view mended_json(std::string_view json, std::string& scratch);

// The offset of the first byte that does not belong to a character of UTF-8; the size where there is none. With `wtf8`
// halves of surrogate pairs count as characters (base/text.h).
std::size_t first_wrong_byte(std::string_view text, bool wtf8 = false);

}  // namespace capstan
