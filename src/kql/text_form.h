// How values are written as text (tostring, docs "tostring()") and read from it (toX(), docs "Conversion functions").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "arena.h"
#include "kql/datum.h"

namespace capstan::kql {

// "2026-11-24T16:08:23.0000000Z": always seven digits.
std::string datetime_text(std::int64_t ticks);
// "[-][d.]hh:mm:ss[.fffffff]"
std::string timespan_text(std::int64_t ticks);
std::string guid_text(Guid guid);
// The shortest text that reads back as the same number: "1.5", "NaN", "Infinity".
std::string real_text(double value);
// JSON, compact; real numbers keep a decimal point.
void append_json(const Dynamic& value, std::string& out);
void append_json_string(std::string_view text, std::string& out);

// tostring(): null is "".
std::string_view to_text(const Datum& value, Arena& arena);

std::optional<std::int64_t> parse_long(std::string_view text);  // blanks, sign, digits or 0x…
std::optional<double> parse_real(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);
std::optional<std::int64_t> parse_datetime(std::string_view text);  // ticks; month first
std::optional<std::int64_t> parse_timespan(std::string_view text);  // ticks
std::optional<Guid> parse_guid(std::string_view text);

}  // namespace capstan::kql
