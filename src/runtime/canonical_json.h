// JSON in the one form of RFC 8785 (JCS): members sorted, no blanks, one way to write each text and number. So a
// signature can be of the text itself, and anybody can make the same bytes of the same content. Numbers are whole and
// fit 64 bits; there are no others in what Capstan signs.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace capstan::runtime {

std::string canonical(const boost::json::value& value);
// The value, when the text is exactly its canonical form.
std::optional<boost::json::value> parse_canonical(std::string_view text);

}  // namespace capstan::runtime
