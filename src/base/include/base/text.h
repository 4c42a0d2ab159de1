// Small pure functions over text that several rooms need.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace capstan {

// The longest prefix of at most `size_max` bytes that does not cut a UTF-8 character.
std::string_view cut_utf8(std::string_view text, std::size_t size_max);
bool is_utf8(std::string_view text);
// The candidate nearest to `word` (Damerau-Levenshtein ≤ 2, and less than half of its length); empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
// JSON string literal, quotes included, RFC 8259 escapes; bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace capstan
