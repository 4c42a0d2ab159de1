#include <array>
#include <cmath>

#include "calendar.h"
#include "functions.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

constexpr std::int64_t one_second = ticks_per_second;
constexpr std::int64_t one_minute = 60 * one_second;
constexpr std::int64_t one_hour = 60 * one_minute;
constexpr std::int64_t one_day = ticks_per_day;

Datum datetime(std::optional<std::int64_t> ticks) {
  return ticks ? Datum::of(Type::datetime, *ticks) : Datum::null(Type::datetime);
}
Datum integer(std::int64_t value) { return Datum::of_long(value); }

Datum now(Frame& frame, Arguments a) {
  if (!a.empty() && a[0].is_null) return Datum::null(Type::datetime);
  return datetime(checked_datetime(frame.work.now + (a.empty() ? 0 : a[0].number)));
}
Datum ago(Frame& frame, Arguments a) {
  return a[0].is_null ? Datum::null(Type::datetime) : datetime(checked_datetime(frame.work.now - a[0].number));
}

enum class Unit : std::uint8_t {
  none,
  year,
  quarter,
  month,
  week,
  week_of_year,
  day,
  day_of_year,
  hour,
  minute,
  second,
  millisecond,
  microsecond,
  nanosecond
};

Unit unit_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Unit>, 13> names{{{"year", Unit::year},
                                                                     {"quarter", Unit::quarter},
                                                                     {"month", Unit::month},
                                                                     {"week", Unit::week},
                                                                     {"week_of_year", Unit::week_of_year},
                                                                     {"day", Unit::day},
                                                                     {"dayofyear", Unit::day_of_year},
                                                                     {"hour", Unit::hour},
                                                                     {"minute", Unit::minute},
                                                                     {"second", Unit::second},
                                                                     {"millisecond", Unit::millisecond},
                                                                     {"microsecond", Unit::microsecond},
                                                                     {"nanosecond", Unit::nanosecond}}};
  std::string lower;
  for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const auto& [text, unit] : names)
    if (text == lower) return unit;
  return Unit::none;
}

Datum part(Frame&, Arguments a) {
  if (a[1].is_null) return Datum::null(Type::long_integer);
  const std::int64_t ticks = a[1].number;
  const Date date = date_of(ticks);
  switch (unit_of(a[0].text)) {
    case Unit::year:
      return integer(date.year);
    case Unit::quarter:
      return integer((date.month - 1) / 3 + 1);
    case Unit::month:
      return integer(date.month);
    case Unit::week_of_year:
      return integer(iso_week(ticks));
    case Unit::day:
      return integer(date.day);
    case Unit::day_of_year:
      return integer(day_of_year(date));
    case Unit::hour:
      return integer(ticks / one_hour % 24);
    case Unit::minute:
      return integer(ticks / one_minute % 60);
    case Unit::second:
      return integer(ticks / one_second % 60);
    case Unit::millisecond:
      return integer(ticks % one_second / 10'000);
    case Unit::microsecond:
      return integer(ticks % one_second / 10);
    case Unit::nanosecond:
      return integer(ticks % one_second * 100);
    default:
      return Datum::null(Type::long_integer);
  }
}

std::optional<std::int64_t> plus(std::int64_t ticks, std::int64_t amount, std::int64_t unit) {
  std::int64_t step = 0;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(amount, unit, &step) || __builtin_add_overflow(ticks, step, &sum)) return std::nullopt;
  return checked_datetime(sum);
}

Datum add(Frame&, Arguments a) {
  if (a[1].is_null || a[2].is_null) return Datum::null(Type::datetime);
  const std::int64_t amount = a[1].number;
  const std::int64_t ticks = a[2].number;
  switch (unit_of(a[0].text)) {
    case Unit::year:
      return datetime(std::abs(amount) > 10'000 ? std::nullopt : add_months(ticks, amount * 12));
    case Unit::quarter:
      return datetime(std::abs(amount) > 40'000 ? std::nullopt : add_months(ticks, amount * 3));
    case Unit::month:
      return datetime(add_months(ticks, amount));
    case Unit::week:
      return datetime(plus(ticks, amount, 7 * one_day));
    case Unit::day:
      return datetime(plus(ticks, amount, one_day));
    case Unit::hour:
      return datetime(plus(ticks, amount, one_hour));
    case Unit::minute:
      return datetime(plus(ticks, amount, one_minute));
    case Unit::second:
      return datetime(plus(ticks, amount, one_second));
    case Unit::millisecond:
      return datetime(plus(ticks, amount, 10'000));
    case Unit::microsecond:
      return datetime(plus(ticks, amount, 10));
    case Unit::nanosecond:
      return datetime(plus(ticks, amount / 100, 1));
    default:
      return Datum::null(Type::datetime);
  }
}

std::int64_t week_number(std::int64_t ticks) { return (ticks / one_day + 1) / 7; }

Datum difference(Frame&, Arguments a) {
  if (a[1].is_null || a[2].is_null) return Datum::null(Type::long_integer);
  const std::int64_t x = a[1].number;
  const std::int64_t y = a[2].number;
  const Date from = date_of(y);
  const Date to = date_of(x);
  const auto units = [&](std::int64_t unit) { return integer(x / unit - y / unit); };
  switch (unit_of(a[0].text)) {
    case Unit::year:
      return integer(to.year - from.year);
    case Unit::quarter:
      return integer((to.year * 4 + (to.month - 1) / 3) - (from.year * 4 + (from.month - 1) / 3));
    case Unit::month:
      return integer((to.year * 12 + to.month) - (from.year * 12 + from.month));
    case Unit::week:
      return integer(week_number(x) - week_number(y));
    case Unit::day:
      return units(one_day);
    case Unit::hour:
      return units(one_hour);
    case Unit::minute:
      return units(one_minute);
    case Unit::second:
      return units(one_second);
    case Unit::millisecond:
      return units(10'000);
    case Unit::microsecond:
      return units(10);
    case Unit::nanosecond:
      return integer((x - y) * 100);
    default:
      return Datum::null(Type::long_integer);
  }
}

template <std::int64_t (*F)(std::int64_t)>
Datum number_of(Frame&, Arguments a) {
  return a[0].is_null ? Datum::null(Type::long_integer) : integer(F(a[0].number));
}
std::int64_t year_of(std::int64_t ticks) { return date_of(ticks).year; }
std::int64_t month_of(std::int64_t ticks) { return date_of(ticks).month; }
std::int64_t day_of_month(std::int64_t ticks) { return date_of(ticks).day; }
std::int64_t day_in_year(std::int64_t ticks) { return day_of_year(date_of(ticks)); }
std::int64_t hour_of(std::int64_t ticks) { return ticks / one_hour % 24; }
std::int64_t week_of(std::int64_t ticks) { return iso_week(ticks); }

Datum weekday(Frame&, Arguments a) {
  return a[0].is_null ? Datum::null(Type::timespan)
                      : Datum::of(Type::timespan, day_of_week(a[0].number / one_day) * one_day);
}

// The first tick of a unit, `shift` units away; nothing outside of the calendar.
std::optional<std::int64_t> start(Unit unit, std::int64_t ticks, std::int64_t shift) {
  if (std::abs(shift) > 4'000'000) return std::nullopt;
  const Date date = date_of(ticks);
  switch (unit) {
    case Unit::day:
      return checked_datetime(ticks / one_day * one_day + shift * one_day);
    case Unit::week:
      return checked_datetime((ticks / one_day - day_of_week(ticks / one_day) + 7 * shift) * one_day);
    case Unit::month:
      return add_months(day_number({date.year, date.month, 1}) * one_day, shift);
    default:
      return add_months(day_number({date.year, 1, 1}) * one_day, 12 * shift);
  }
}

template <Unit U, bool IsEnd>
Datum border(Frame&, Arguments a) {
  if (a[0].is_null || (a.size() > 1 && a[1].is_null)) return Datum::null(Type::datetime);
  const std::int64_t shift = a.size() > 1 ? a[1].number : 0;
  if constexpr (!IsEnd) return datetime(start(U, a[0].number, shift));
  const auto next = start(U, a[0].number, shift + 1);
  // The last unit of year 9999 ends with the calendar.
  return datetime(next                           ? std::optional<std::int64_t>(*next - 1)
                  : start(U, a[0].number, shift) ? std::optional<std::int64_t>(ticks_end - 1)
                                                 : std::nullopt);
}

std::int64_t to_ticks(const Datum& seconds) { return static_cast<std::int64_t>(std::llround(seconds.real * 1e7)); }

Datum make_date(Frame&, Arguments a) {
  for (const Datum& value : a)
    if (value.is_null) return Datum::null(Type::datetime);
  const auto at = [&](std::size_t i) { return a.size() > i ? a[i].number : 0; };
  const double seconds = a.size() > 5 ? a[5].real : 0;
  if (!(seconds >= 0 && seconds < 60)) return Datum::null(Type::datetime);
  return datetime(make_datetime(at(0), at(1), at(2), at(3), at(4), a.size() > 5 ? to_ticks(a[5]) : 0));
}

Datum make_span(Frame&, Arguments a) {
  for (const Datum& value : a)
    if (value.is_null) return Datum::null(Type::timespan);
  // (h, m), (h, m, s) or (d, h, m, s)
  const std::size_t first = a.size() == 4 ? 1 : 0;
  const double days = first == 1 ? a[0].real : 0;
  const double seconds = a.size() > 2 ? a.back().real : 0;
  const double hours = a[first].real;
  const double minutes = a[first + 1].real;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds >= 60 || days < 0 || days > 1e7)
    return Datum::null(Type::timespan);
  return Datum::of(Type::timespan, static_cast<std::int64_t>(days) * one_day +
                                       static_cast<std::int64_t>(hours) * one_hour +
                                       static_cast<std::int64_t>(minutes) * one_minute +
                                       static_cast<std::int64_t>(std::llround(seconds * 1e7)));
}

constexpr std::array rows{
    FunctionRow{"now", "t?", "d", Tier::portable, NameKind::none, now},
    FunctionRow{"ago", "t", "d", Tier::portable, NameKind::none, ago},
    FunctionRow{"datetime_part", "s!d", "l", Tier::portable, NameKind::none, part},
    FunctionRow{"datetime_add", "s!ld", "d", Tier::portable, NameKind::none, add},
    FunctionRow{"datetime_diff", "s!dd", "l", Tier::portable, NameKind::none, difference},
    FunctionRow{"getyear", "d", "l", Tier::portable, NameKind::none, number_of<year_of>},
    FunctionRow{"getmonth", "d", "l", Tier::portable, NameKind::none, number_of<month_of>},
    FunctionRow{"monthofyear", "d", "l", Tier::portable, NameKind::none, number_of<month_of>},
    FunctionRow{"dayofmonth", "d", "l", Tier::portable, NameKind::none, number_of<day_of_month>},
    FunctionRow{"dayofyear", "d", "l", Tier::portable, NameKind::none, number_of<day_in_year>},
    FunctionRow{"hourofday", "d", "l", Tier::portable, NameKind::none, number_of<hour_of>},
    FunctionRow{"weekofyear", "d", "l", Tier::portable, NameKind::none, number_of<week_of>},
    FunctionRow{"week_of_year", "d", "l", Tier::accepted, NameKind::none, number_of<week_of>},
    FunctionRow{"dayofweek", "d", "t", Tier::portable, NameKind::none, weekday},
    FunctionRow{"startofday", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::day, false>},
    FunctionRow{"startofweek", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::week, false>},
    FunctionRow{"startofmonth", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::month, false>},
    FunctionRow{"startofyear", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::year, false>},
    FunctionRow{"endofday", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::day, true>},
    FunctionRow{"endofweek", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::week, true>},
    FunctionRow{"endofmonth", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::month, true>},
    FunctionRow{"endofyear", "dl?", "d", Tier::portable, NameKind::argument, border<Unit::year, true>},
    FunctionRow{"make_datetime", "llll?l?r?", "d", Tier::portable, NameKind::none, make_date},
    FunctionRow{"make_timespan", "rrr?r?", "t", Tier::portable, NameKind::none, make_span},
};

}  // namespace

std::span<const FunctionRow> time_functions() { return rows; }

}  // namespace capstan::kql
