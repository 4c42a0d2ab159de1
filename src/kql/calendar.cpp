#include "calendar.h"

#include <algorithm>
#include <array>

#include "kql/datum.h"

namespace capstan::kql {

namespace {

bool is_leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
constexpr std::array<int, 12> days_before{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
constexpr std::int64_t year_max = 9999;

}  // namespace

int days_in_month(std::int64_t year, int month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int day_of_year(const Date& date) {
  return days_before[static_cast<std::size_t>(date.month - 1)] + date.day +
         (date.month > 2 && is_leap(date.year) ? 1 : 0);
}

std::int64_t day_number(const Date& date) {
  const std::int64_t years = date.year - 1;
  return years * 365 + years / 4 - years / 100 + years / 400 + day_of_year(date) - 1;
}

Date date_of_day(std::int64_t day) {
  std::int64_t year = day / 366 + 1;
  while (day_number({year + 1, 1, 1}) <= day) ++year;
  int rest = static_cast<int>(day - day_number({year, 1, 1}));
  int month = 1;
  while (rest >= days_in_month(year, month)) rest -= days_in_month(year, month++);
  return {year, month, rest + 1};
}

int day_of_week(std::int64_t day) { return static_cast<int>((day + 1) % 7); }

int iso_week(std::int64_t ticks) {
  const std::int64_t day = ticks / ticks_per_day;
  const int weekday = (day_of_week(day) + 6) % 7;  // 0 is Monday
  const std::int64_t thursday = day - weekday + 3;
  if (thursday < 0) return 1;
  return (day_of_year(date_of_day(thursday)) - 1) / 7 + 1;
}

std::optional<std::int64_t> checked_datetime(std::int64_t ticks) {
  if (ticks < 0 || ticks >= ticks_end) return std::nullopt;
  return ticks;
}

std::optional<std::int64_t> make_datetime(std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t hour,
                                          std::int64_t minute, std::int64_t second_ticks) {
  if (year < 1 || year > year_max || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(year, static_cast<int>(month)))
    return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second_ticks < 0 || second_ticks >= 60 * ticks_per_second)
    return std::nullopt;
  return day_number({year, static_cast<int>(month), static_cast<int>(day)}) * ticks_per_day +
         (hour * 60 + minute) * 60 * ticks_per_second + second_ticks;
}

std::optional<std::int64_t> add_months(std::int64_t ticks, std::int64_t months) {
  constexpr std::int64_t months_max = 12 * year_max;
  if (months > months_max || months < -months_max) return std::nullopt;
  const Date date = date_of(ticks);
  const std::int64_t total = date.year * 12 + (date.month - 1) + months;
  const std::int64_t year = total / 12;
  const int month = static_cast<int>(total % 12) + 1;
  if (year < 1 || year > year_max) return std::nullopt;
  const int day = std::min(date.day, days_in_month(year, month));
  return day_number({year, month, day}) * ticks_per_day + ticks % ticks_per_day;
}

}  // namespace capstan::kql
