// Points and spans of time. Everything the tenant or a record says is milliseconds since the epoch, UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace capstan {

using Duration = std::chrono::milliseconds;
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;  // wall clock
using MonotonicTime =
    std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;  // for waiting and measuring only

constexpr Timestamp from_epoch_ms(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }
constexpr std::int64_t epoch_ms(Timestamp t) { return t.time_since_epoch().count(); }

// "2026-11-24T16:08:23.045Z"
std::string to_iso8601(Timestamp t);
// RFC 3339 / ISO 8601: date, optional time, any number of fraction digits, Z or ±hh:mm (no zone means UTC).
std::optional<Timestamp> parse_iso8601(std::string_view text);
// "90s", "5m", "12h", "2d", "250ms", "1h30m"; nothing for anything else (a bare number too: its unit would be a guess).
std::optional<Duration> parse_duration(std::string_view text);
// The shortest exact form that parse_duration takes: "1h30m".
std::string to_string(Duration d);

}  // namespace capstan
