// Times as text and from numbers: format_datetime, format_timespan, unixtime_…_todatetime.
#include <array>
#include <cmath>

#include "calendar.h"
#include "functions.h"
#include "time_format.h"

namespace capstan::kql {

namespace {

template <Formatted What>
Datum format(Frame& frame, Arguments a) {
  // A span has no sign here: no page says where it would stand.
  if (a[0].is_null || a[0].number < 0) return Datum::of(std::string_view{});
  std::string& out = frame.work.text;
  out.clear();
  append_formatted(a[0].number, a[1].text, What, out);
  return Datum::of(frame.work.arena.copy(out));
}

// Ticks since 1970 as a datetime; nothing outside of the calendar.
Datum since_1970(std::optional<std::int64_t> ticks) {
  if (!ticks || *ticks < -ticks_of_1970 || *ticks >= ticks_end - ticks_of_1970) return Datum::null(Type::datetime);
  return Datum::of(Type::datetime, *ticks + ticks_of_1970);
}

// `Multiply` or `Divide` makes ticks of the unit. Whole numbers are exact; below a tick is cut.
template <std::int64_t Multiply, std::int64_t Divide>
Datum from_unix(Frame&, Arguments a) {
  if (a[0].is_null) return Datum::null(Type::datetime);
  if (a[0].type == Type::real) {
    const double ticks = std::floor(a[0].real * static_cast<double>(Multiply) / static_cast<double>(Divide));
    const bool fits = std::abs(ticks) < static_cast<double>(ticks_end);
    return since_1970(fits ? std::optional(static_cast<std::int64_t>(ticks)) : std::nullopt);
  }
  std::int64_t ticks = 0;
  if (__builtin_mul_overflow(a[0].number, Multiply, &ticks)) return Datum::null(Type::datetime);
  const std::int64_t whole = ticks / Divide;
  return since_1970(ticks % Divide < 0 ? whole - 1 : whole);
}

constexpr std::array rows{
    FunctionRow{"format_datetime", "ds!", "s", Tier::extension, NameKind::none, format<Formatted::datetime>},
    FunctionRow{"format_timespan", "ts!", "s", Tier::extension, NameKind::none, format<Formatted::timespan>},
    FunctionRow{"unixtime_seconds_todatetime", "u", "d", Tier::extension, NameKind::none, from_unix<10'000'000, 1>},
    FunctionRow{"unixtime_milliseconds_todatetime", "u", "d", Tier::extension, NameKind::none, from_unix<10'000, 1>},
    FunctionRow{"unixtime_microseconds_todatetime", "u", "d", Tier::extension, NameKind::none, from_unix<10, 1>},
    FunctionRow{"unixtime_nanoseconds_todatetime", "u", "d", Tier::extension, NameKind::none, from_unix<1, 100>},
};

}  // namespace

std::span<const FunctionRow> time_text_functions() { return rows; }

}  // namespace capstan::kql
