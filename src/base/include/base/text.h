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
// Whether `text` is UTF-8 except for surrogates, three bytes each (WTF-8 and CESU-8: text cut inside a character by a
// program that thinks in UTF-16).
bool is_wtf8(std::string_view text);
// `text` as UTF-8: a pair of surrogates becomes its character; half a pair, and every other wrong byte, U+FFFD.
std::string as_utf8(std::string_view text);
// The candidate nearest to `word` (Damerau-Levenshtein ≤ 2, and less than half of its length); empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
// JSON string literal, quotes included, RFC 8259 escapes; what is not UTF-8 is mended as as_utf8() does.
std::string json_quote(std::string_view text);

}  // namespace capstan
