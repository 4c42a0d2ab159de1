// Days and parts of datetimes, proleptic Gregorian, UTC. Ticks are those of kql/datum.h.
#pragma once

#include <cstdint>
#include <optional>

namespace capstan::kql {

struct Date {
  std::int64_t year = 1;
  int month = 1;
  int day = 1;
};

int days_in_month(std::int64_t year, int month);
// Days since 0001-01-01.
std::int64_t day_number(const Date& date);
Date date_of_day(std::int64_t day);
inline Date date_of(std::int64_t ticks) { return date_of_day(ticks / 864'000'000'000); }
int day_of_year(const Date& date);
// 0 is Sunday.
int day_of_week(std::int64_t day);
// ISO 8601: the week with the year's first Thursday is week 1.
int iso_week(std::int64_t ticks);
// Ticks of a date and a time of day; nothing when a part is out of range or the result is outside of years 1 to 9999.
std::optional<std::int64_t> make_datetime(std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t hour,
                                          std::int64_t minute, std::int64_t second_ticks);
// Adds months; the day is cut to the month's last.
std::optional<std::int64_t> add_months(std::int64_t ticks, std::int64_t months);
// Inside of 0001-01-01 … 9999-12-31T23:59:59.9999999, or nothing.
std::optional<std::int64_t> checked_datetime(std::int64_t ticks);

}  // namespace capstan::kql
