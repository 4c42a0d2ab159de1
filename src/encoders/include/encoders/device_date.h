// Dates as devices write them into CEF, LEEF and syslog lines.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace capstan {

struct DeviceDate {
  Timestamp time{};
  std::size_t size = 0;  // bytes of the text that it took
};

// At the front of `text`: "Nov 24 16:08:23", "Nov  4 2026 16:08:23.045 CET", with English months, an optional year in
// either place ("Nov 24 16:08:23 2026 UTC") and an optional zone. Without a zone it is UTC; without a year it is the
// latest one that is not more than a day after `now`.
std::optional<DeviceDate> read_month_date(std::string_view text, Timestamp now);

// The whole of `text`: seconds or milliseconds since 1970 (10 to 13 digits), a month date, or ISO 8601.
std::optional<Timestamp> parse_device_date(std::string_view text, Timestamp now);

}  // namespace capstan
