// The grammar of RFC 8259 below the level of objects and arrays: strings, numbers, literals. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace capstan::json {

// simdjson's own limit; nothing that a service sends comes near it.
constexpr std::size_t depth_max = 1024;

constexpr std::string_view blanks = " \t\r\n";

// Behind the last byte of the number at the front, or 0 where none begins (RFC 8259 section 6).
std::size_t number_size(std::string_view text);
// Behind the last byte of the string at the front, quotes included, or 0 when it is not closed, holds a control
// character or an escape that JSON does not know. Half a surrogate pair is let through: the grammar allows it.
std::size_t string_size(std::string_view text);
// Appends what stands between the quotes of a well-formed string. False, and `into` as it was, for half a surrogate
// pair: there is no such text in UTF-8.
bool append_unescaped(std::string_view between_quotes, std::string& into);

}  // namespace capstan::json
