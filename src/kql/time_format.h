// The formats of format_datetime() and format_timespan(): the elements and delimiters that their pages list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace capstan::kql {

enum class Formatted : std::uint8_t { datetime, timespan };

// What is wrong with a format; empty when nothing is.
std::string refusal_of_format(std::string_view format, Formatted what);
// `ticks` of a datetime or timespan. The format has been found good.
void append_formatted(std::int64_t ticks, std::string_view format, Formatted what, std::string& out);

}  // namespace capstan::kql
