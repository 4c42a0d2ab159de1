#include "text_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/text.h"
#include "calendar.h"
#include "event/json_check.h"
#include "kql/program.h"

namespace capstan::kql {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

// Digits at the front of `text`, at most `digits_max`; nothing when there are none.
std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t digits_max) {
  std::int64_t value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && digits < digits_max && is_digit(text[digits]); ++digits)
    value = value * 10 + (text[digits] - '0');
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

void take_blanks(std::string_view& text) {
  while (take(text, ' ')) {
  }
}

// ".5" → 5,000,000 ticks; more than seven digits are cut.
std::optional<std::int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t ticks = 0;
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits)
    if (digits < 7) ticks = ticks * 10 + (text.front() - '0');
  if (digits == 0) return std::nullopt;
  for (; digits < 7; ++digits) ticks *= 10;
  return ticks;
}

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 12> long_months{"january",   "february", "march",    "april",
                                                       "may",       "june",     "july",     "august",
                                                       "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 14> weekdays{"sunday", "monday",   "tuesday", "wednesday", "thursday",
                                                    "friday", "saturday", "sun",     "mon",       "tue",
                                                    "wed",    "thu",      "fri",     "sat"};

std::string_view take_letters(std::string_view& text) {
  std::size_t letters = 0;
  while (letters < text.size() && ((text[letters] | 0x20) >= 'a' && (text[letters] | 0x20) <= 'z')) ++letters;
  const std::string_view word = text.substr(0, letters);
  text.remove_prefix(letters);
  return word;
}

std::optional<std::int64_t> take_month_name(std::string_view& text) {
  std::string_view rest = text;
  const std::string_view word = take_letters(rest);
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (!equals_ignoring_case(word, months[i]) && !equals_ignoring_case(word, long_months[i])) continue;
    text = rest;
    return static_cast<std::int64_t>(i + 1);
  }
  return std::nullopt;
}

struct DateParts {
  std::int64_t year = 0;
  std::int64_t month = 1;
  std::int64_t day = 1;
};

// "Fri, " before a date.
void take_weekday(std::string_view& text) {
  std::string_view rest = text;
  const std::string_view word = take_letters(rest);
  for (const std::string_view name : weekdays) {
    if (!equals_ignoring_case(word, name)) continue;
    take(rest, ',');
    take_blanks(rest);
    text = rest;
    return;
  }
}

std::int64_t full_year(std::int64_t year, std::size_t digits) {
  return digits > 2 ? year : year < 50 ? 2000 + year : 1900 + year;
}

// 2 Dec 2022, 02-Dec-22
std::optional<DateParts> take_day_month_year(std::string_view& text) {
  std::string_view rest = text;
  const auto day = take_digits(rest, 2);
  if (!day) return std::nullopt;
  const char separator = rest.starts_with('-') ? '-' : ' ';
  while (take(rest, separator)) {
  }
  const auto month = take_month_name(rest);
  if (!month) return std::nullopt;
  take(rest, ',');
  while (take(rest, separator)) {
  }
  const std::size_t before = rest.size();
  const auto year = take_digits(rest, 4);
  if (!year) return std::nullopt;
  const std::size_t digits = before - rest.size();
  text = rest;
  return DateParts{full_year(*year, digits), *month, *day};
}

// Dec 2, 2022
std::optional<DateParts> take_month_day_year(std::string_view& text) {
  std::string_view rest = text;
  const auto month = take_month_name(rest);
  if (!month) return std::nullopt;
  take_blanks(rest);
  const auto day = take_digits(rest, 2);
  if (!day) return std::nullopt;
  take(rest, ',');
  take_blanks(rest);
  const auto year = take_digits(rest, 4);
  if (!year) return std::nullopt;
  text = rest;
  return DateParts{*year, *month, *day};
}

// 2022-12-02, 2022/12/02, 2022-12, 20221202, 12-02-2022 (month first), 12/2/2022, 12.02.2022, 2022
std::optional<DateParts> take_numeric_date(std::string_view& text) {
  std::string_view rest = text;
  std::size_t digits = 0;
  while (digits < rest.size() && is_digit(rest[digits])) ++digits;
  if (digits == 8) {
    DateParts date;
    std::string_view year = rest.substr(0, 4);
    std::string_view month = rest.substr(4, 2);
    std::string_view day = rest.substr(6, 2);
    date = {take_digits(year, 4).value_or(0), take_digits(month, 2).value_or(0), take_digits(day, 2).value_or(0)};
    text.remove_prefix(8);
    return date;
  }
  const auto first = take_digits(rest, 4);
  if (!first || (digits != 4 && digits > 2)) return std::nullopt;
  const char separator = rest.empty() ? '\0' : rest.front();
  if (separator != '-' && separator != '/' && separator != '.') {
    if (digits != 4) return std::nullopt;
    text = rest;
    return DateParts{*first, 1, 1};
  }
  rest.remove_prefix(1);
  const auto second = take_digits(rest, 2);
  if (!second) return std::nullopt;
  if (digits == 4) {
    std::int64_t day = 1;
    if (take(rest, separator)) {
      const auto third = take_digits(rest, 2);
      if (!third) return std::nullopt;
      day = *third;
    }
    text = rest;
    return DateParts{*first, *second, day};
  }
  if (!take(rest, separator)) return std::nullopt;
  const std::size_t before = rest.size();
  const auto year = take_digits(rest, 4);
  if (!year) return std::nullopt;
  const std::size_t year_digits = before - rest.size();
  if (year_digits != 4 && year_digits != 2) return std::nullopt;
  text = rest;
  return DateParts{full_year(*year, year_digits), *first, *second};
}

struct TimeParts {
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second_ticks = 0;
};

// 10:00, 10:00:15.5, 10:00 PM
std::optional<TimeParts> take_time(std::string_view& text) {
  TimeParts time;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute) return std::nullopt;
  time.hour = *hour;
  time.minute = *minute;
  if (take(text, ':')) {
    const auto second = take_digits(text, 2);
    const auto fraction = second ? take_fraction(text) : std::nullopt;
    if (!fraction || *second > 59) return std::nullopt;
    time.second_ticks = *second * ticks_per_second + *fraction;
  }
  std::string_view rest = text;
  take_blanks(rest);
  const std::string_view half = take_letters(rest);
  if (equals_ignoring_case(half, "am") || equals_ignoring_case(half, "pm")) {
    if (time.hour < 1 || time.hour > 12) return std::nullopt;
    time.hour = time.hour % 12 + (lower(half.front()) == 'p' ? 12 : 0);
    text = rest;
  }
  return time;
}

// Z, GMT, UTC, ±hh:mm, ±hhmm or nothing; in ticks east of UTC.
std::optional<std::int64_t> take_zone(std::string_view& text) {
  take_blanks(text);
  if (text.empty()) return 0;
  if (text.front() != '+' && text.front() != '-') {
    const std::string_view word = take_letters(text);
    const bool is_utc =
        equals_ignoring_case(word, "z") || equals_ignoring_case(word, "gmt") || equals_ignoring_case(word, "utc");
    return is_utc ? std::optional<std::int64_t>(0) : std::nullopt;
  }
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (!hours) return std::nullopt;
  take(text, ':');
  const std::int64_t minutes = text.empty() ? 0 : take_digits(text, 2).value_or(60);
  if (*hours > 14 || minutes > 59) return std::nullopt;
  return sign * (*hours * 60 + minutes) * 60 * ticks_per_second;
}

// ASCII without anything to escape, which most text is, goes as it is. Eight bytes at a time.
bool is_plain(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
  constexpr std::uint64_t highs = 0x8080'8080'8080'8080;
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
  for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), sizeof eight);
    const std::uint64_t is_control = (eight - ones * 0x20) & ~eight & highs;
    if (((eight & highs) | is_control | has_zero(eight ^ (ones * '"')) | has_zero(eight ^ (ones * '\\'))) != 0)
      return false;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') return false;
  }
  return true;
}

// `width` digits at `at`, zeros in front.
void put_digits(char* at, std::int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

namespace {

constexpr std::size_t datetime_size = 28;

std::array<char, datetime_size> datetime_digits(std::int64_t ticks) {
  constexpr std::string_view frame = "0000-00-00T00:00:00.0000000Z";
  const Date date = date_of(ticks);
  const std::int64_t time = ticks % ticks_per_day;
  std::array<char, datetime_size> text{};
  std::ranges::copy(frame, text.begin());
  put_digits(&text[0], date.year, 4);
  put_digits(&text[5], date.month, 2);
  put_digits(&text[8], date.day, 2);
  put_digits(&text[11], time / (3600 * ticks_per_second), 2);
  put_digits(&text[14], time / (60 * ticks_per_second) % 60, 2);
  put_digits(&text[17], time / ticks_per_second % 60, 2);
  put_digits(&text[20], time % ticks_per_second, 7);
  return text;
}

}  // namespace

std::string datetime_text(std::int64_t ticks) {
  const auto digits = datetime_digits(ticks);
  return {digits.data(), digits.size()};
}

std::string timespan_text(std::int64_t ticks) {
  const bool is_negative = ticks < 0;
  const std::uint64_t length = is_negative ? ~static_cast<std::uint64_t>(ticks) + 1 : static_cast<std::uint64_t>(ticks);
  constexpr auto second = static_cast<std::uint64_t>(ticks_per_second);
  const std::uint64_t days = length / (86'400 * second);
  std::string text = is_negative ? "-" : "";
  if (days != 0) text += fmt::format("{}.", days);
  text += fmt::format("{:02}:{:02}:{:02}", length / (3600 * second) % 24, length / (60 * second) % 60,
                      length / second % 60);
  if (length % second != 0) text += fmt::format(".{:07}", length % second);
  return text;
}

std::string guid_text(Guid guid) {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", guid.high >> 32, (guid.high >> 16) & 0xFFFF,
                     guid.high & 0xFFFF, guid.low >> 48, guid.low & 0xFFFF'FFFF'FFFF);
}

std::string real_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == std::trunc(value) && std::abs(value) < 1e15) return fmt::format("{:.1f}", value);
  std::string text = fmt::format("{}", value);
  return text;
}

void append_json(const Dynamic& value, std::string& out) {
  switch (value.kind) {
    case Dynamic::Kind::null:
      out += "null";
      break;
    case Dynamic::Kind::boolean:
      out += value.boolean ? "true" : "false";
      break;
    case Dynamic::Kind::long_integer:
      out += fmt::format_int(value.number).c_str();
      break;
    case Dynamic::Kind::real:
      if (std::isfinite(value.real)) {
        out += real_text(value.real);
      } else {
        append_json_string(real_text(value.real), out);
      }
      break;
    case Dynamic::Kind::string:
      append_json_string(value.text, out);
      break;
    case Dynamic::Kind::array:
      out += '[';
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i != 0) out += ',';
        append_json(value.items[i], out);
      }
      out += ']';
      break;
    case Dynamic::Kind::bag:
      out += '{';
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        if (i != 0) out += ',';
        append_json_string(value.members[i].name, out);
        out += ':';
        append_json(value.members[i].value, out);
      }
      out += '}';
      break;
  }
}

void append_json_string(std::string_view text, std::string& out) {
  if (!is_plain(text)) {
    out += json_quote(text);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void append_json(const Datum& value, std::string& out) {
  if (value.is_null) {
    out += "null";
    return;
  }
  switch (value.type) {
    case Type::boolean:
      out += value.boolean ? "true" : "false";
      break;
    case Type::integer:
    case Type::long_integer:
      out += fmt::format_int(value.number).c_str();
      break;
    case Type::real:
      if (std::isfinite(value.real)) {
        out += real_text(value.real);
      } else {
        append_json_string(real_text(value.real), out);
      }
      break;
    case Type::string:
      append_json_string(value.text, out);
      break;
    case Type::datetime:
      append_json_string(datetime_text(value.number), out);
      break;
    case Type::timespan:
      append_json_string(timespan_text(value.number), out);
      break;
    case Type::guid:
      append_json_string(guid_text(value.guid), out);
      break;
    case Type::dynamic:
      if (value.dynamic == nullptr) {
        std::string scratch;
        out += mended_json(value.text, scratch);  // of the record, and nobody has looked inside
      } else {
        append_json(*value.dynamic, out);
      }
      break;
  }
}

void append_text(const Datum& value, std::string& out) {
  if (value.type == Type::string) {
    out += value.text;
  } else if (value.is_json()) {
    append_json(value, out);
  } else if (!value.is_null) {
    Arena arena;
    out += to_text(value, arena);
  }
}

std::string_view to_text(const Datum& value, Arena& arena) {
  if (value.type == Type::string) return value.text;
  if (value.is_null) return {};
  switch (value.type) {
    case Type::boolean:
      return value.boolean ? "True" : "False";
    case Type::integer:
    case Type::long_integer: {
      std::array<char, 24> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.number).ptr;
      return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
    case Type::real: {
      // tostring(5.0) is "5.0" in JSON and here.
      return arena.copy(real_text(value.real));
    }
    case Type::datetime: {
      const auto digits = datetime_digits(value.number);
      return arena.copy({digits.data(), digits.size()});
    }
    case Type::timespan:
      return arena.copy(timespan_text(value.number));
    case Type::guid:
      return arena.copy(guid_text(value.guid));
    case Type::dynamic: {
      if (value.dynamic->kind == Dynamic::Kind::string) return value.dynamic->text;
      std::string json;
      append_json(*value.dynamic, json);
      return arena.copy(json);
    }
    case Type::string:
      break;
  }
  return value.text;
}

std::optional<std::int64_t> parse_long(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  const bool is_negative = text.front() == '-';
  if (is_negative || text.front() == '+') text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty() || text.front() == '-' || text.front() == '+') return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (base == 16 && !is_negative) return static_cast<std::int64_t>(magnitude);
  constexpr std::uint64_t positive_max = 0x7FFF'FFFF'FFFF'FFFF;
  if (magnitude > positive_max + (is_negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(is_negative ? ~magnitude + 1 : magnitude);
}

std::optional<double> parse_real(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  for (const auto& [word, value] : {std::pair<std::string_view, double>{"nan", std::nan("")},
                                    {"infinity", HUGE_VAL},
                                    {"-infinity", -HUGE_VAL},
                                    {"inf", HUGE_VAL},
                                    {"-inf", -HUGE_VAL}})
    if (equals_ignoring_case(text, word)) return value;
  if (text.empty() || (!is_digit(text.front()) && text.front() != '-' && text.front() != '.')) return std::nullopt;
  for (const char c : text)
    if (!is_digit(c) && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-') return std::nullopt;
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  text = trimmed(text);
  if (equals_ignoring_case(text, "true")) return true;
  if (equals_ignoring_case(text, "false")) return false;
  if (text.starts_with("0x") || text.starts_with("0X")) return std::nullopt;
  const auto number = parse_long(text);
  if (!number) return std::nullopt;
  return *number != 0;
}

std::optional<std::int64_t> parse_datetime(std::string_view text) {
  text = trimmed(text);
  take_weekday(text);
  auto date = take_day_month_year(text);
  if (!date) date = take_month_day_year(text);
  if (!date) date = take_numeric_date(text);
  if (!date) return std::nullopt;
  TimeParts time;
  if (text.starts_with('T') || text.starts_with('t') || text.starts_with(' ') || text.starts_with(',')) {
    std::string_view rest = text.substr(1);
    take_blanks(rest);
    if (!rest.empty() && is_digit(rest.front())) {
      const auto taken = take_time(rest);
      if (!taken) return std::nullopt;
      time = *taken;
      text = rest;
    }
  }
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  const auto ticks = make_datetime(date->year, date->month, date->day, time.hour, time.minute, time.second_ticks);
  if (!ticks) return std::nullopt;
  return checked_datetime(*ticks - *zone);
}

std::optional<std::int64_t> parse_timespan(std::string_view text) {
  text = trimmed(text);
  const bool is_negative = take(text, '-');
  if (!is_negative) take(text, '+');
  std::int64_t days = 0;
  std::string_view rest = text;
  const auto first = take_digits(rest, 8);
  if (!first) return std::nullopt;
  if (rest.empty()) {  // a bare number is days
    return (is_negative ? -1 : 1) * *first * ticks_per_day;
  }
  if (rest.front() == '.' && rest.find(':') != std::string_view::npos) {
    days = *first;
    text = rest.substr(1);
  }
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  std::int64_t ticks = days * ticks_per_day + (*hours * 60 + *minutes) * 60 * ticks_per_second;
  if (take(text, ':')) {
    const auto seconds = take_digits(text, 2);
    const auto fraction = seconds ? take_fraction(text) : std::nullopt;
    if (!fraction || *seconds > 59) return std::nullopt;
    ticks += *seconds * ticks_per_second + *fraction;
  }
  if (!text.empty()) return std::nullopt;
  return is_negative ? -ticks : ticks;
}

std::optional<Guid> parse_guid(std::string_view text) {
  text = trimmed(text);
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  // Hyphens may be left out, but not stand elsewhere.
  std::string digits;
  for (const char c : text) {
    if (c != '-') {
      digits += c;
    } else if (digits.size() != 8 && digits.size() != 12 && digits.size() != 16 && digits.size() != 20) {
      return std::nullopt;
    }
  }
  if (digits.size() != 32) return std::nullopt;
  Guid guid;
  const char* middle = digits.data() + 16;
  const auto high = std::from_chars(digits.data(), middle, guid.high, 16);
  const auto low = std::from_chars(middle, middle + 16, guid.low, 16);
  if (high.ptr != middle || low.ptr != middle + 16) return std::nullopt;
  return guid;
}

}  // namespace capstan::kql
