// The grammar of RFC 8259 below the level of objects and arrays: strings, numbers, literals. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "event/json_check.h"

namespace capstan::json {

constexpr std::size_t depth_max = json_depth_max;

constexpr std::string_view blanks = " \t\r\n";
constexpr bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Behind the last byte of the number at the front, or 0 where none begins (RFC 8259 section 6).
std::size_t number_size(std::string_view text);
// How far the string at the front reaches, quotes included. One that is not closed, holds a control character or an
// escape that JSON does not know reaches to that place, and is not whole. Half a surrogate pair is let through: the
// grammar allows it.
struct StringExtent {
  std::size_t size = 0;
  bool is_whole = false;
};
StringExtent string_extent(std::string_view text);
// Its size, or 0 where it is not whole.
inline std::size_t string_size(std::string_view text) {
  const StringExtent extent = string_extent(text);
  return extent.is_whole ? extent.size : 0;
}
// Appends what stands between the quotes of a well-formed string. Half a surrogate pair becomes U+FFFD: there is no
// such text in UTF-8. False when that was so: two strings that differ may have the same text then.
bool append_unescaped(std::string_view between_quotes, std::string& into);
// Where the next escape that is half a surrogate pair begins, from `from` on; npos where there is none. `json` is
// well-formed.
std::size_t next_half(std::string_view json, std::size_t from);
// The value of a well-formed number; infinite where it is beyond a double.
double real_of(std::string_view number);

}  // namespace capstan::json
