#include "time_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "calendar.h"
#include "kql/datum.h"

namespace capstan::kql {

namespace {

constexpr std::string_view delimiters = " /-:,._[]";
constexpr std::size_t fraction_digits = 7;  // of a tick

// One element: a letter, repeated.
std::string_view element_at(std::string_view format, std::size_t at) {
  return format.substr(at, std::min(format.find_first_not_of(format[at], at), format.size()) - at);
}

bool is_element(std::string_view element, Formatted what) {
  const std::size_t count = element.size();
  switch (element.front()) {
    case 'd':
      return count <= (what == Formatted::datetime ? 2U : 8U);
    case 'f':
    case 'F':
      return count <= fraction_digits;
    case 'h':
    case 'H':
    case 'm':
    case 's':
      return count <= 2;
    case 'M':
      return what == Formatted::datetime && count <= 2;
    case 'y':
      return what == Formatted::datetime && (count <= 2 || count == 4);
    case 't':
      return what == Formatted::datetime && count == 2;
    default:
      return false;
  }
}

void append_number(std::int64_t value, std::size_t width, std::string& out) {
  out += fmt::format("{:0{}}", value, width);
}

void append_fraction(std::int64_t ticks_of_second, std::string_view element, std::string& out) {
  std::string digits = fmt::format("{:07}", ticks_of_second).substr(0, element.size());
  // F leaves out what would be trailing zeros.
  if (element.front() == 'F')
    while (digits.ends_with('0')) digits.pop_back();
  out += digits;
}

void append_element(std::int64_t ticks, std::string_view element, Formatted what, std::string& out) {
  const std::int64_t second = ticks / ticks_per_second;
  const std::int64_t hour = second / 3600 % 24;
  const Date date = what == Formatted::datetime ? date_of(ticks) : Date{};
  switch (element.front()) {
    case 'd':
      return append_number(what == Formatted::datetime ? date.day : ticks / ticks_per_day, element.size(), out);
    case 'f':
    case 'F':
      return append_fraction(ticks % ticks_per_second, element, out);
    case 'h':
      return append_number(what == Formatted::timespan ? hour : (hour + 11) % 12 + 1, element.size(), out);
    case 'H':
      return append_number(hour, element.size(), out);
    case 'm':
      return append_number(second / 60 % 60, element.size(), out);
    case 's':
      return append_number(second % 60, element.size(), out);
    case 'M':
      return append_number(date.month, element.size(), out);
    case 'y':
      return append_number(element.size() == 4 ? date.year : date.year % 100, element.size(), out);
    default:
      out += hour < 12 ? "AM" : "PM";
  }
}

}  // namespace

std::string refusal_of_format(std::string_view format, Formatted what) {
  for (std::size_t at = 0; at < format.size();) {
    const std::string_view element = element_at(format, at);
    const bool is_delimiter = delimiters.contains(format[at]);
    if (!is_delimiter && !is_element(element, what))
      return fmt::format("expected elements such as {} and the delimiters \"{}\", got \"{}\"",
                         what == Formatted::datetime ? "yyyy, MM, dd, HH, mm, ss, fff" : "d, hh, mm, ss, fff",
                         delimiters, element);
    // What becomes of the point where there are no digits behind it is not documented.
    if (element.front() == 'F' && at > 0 && format[at - 1] == '.')
      return fmt::format("\"{}\" behind a point is not exact; use \"{}\"", element, std::string(element.size(), 'f'));
    at += is_delimiter ? 1 : element.size();
  }
  return {};
}

void append_formatted(std::int64_t ticks, std::string_view format, Formatted what, std::string& out) {
  for (std::size_t at = 0; at < format.size();) {
    if (delimiters.contains(format[at])) {
      out += format[at++];
      continue;
    }
    const std::string_view element = element_at(format, at);
    append_element(ticks, element, what, out);
    at += element.size();
  }
}

}  // namespace capstan::kql
