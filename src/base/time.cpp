#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace capstan {

namespace {

// Reads exactly `digits` decimal digits at the front of `text` and takes them off.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// A fraction of a second of any length, cut to milliseconds.
std::optional<int> take_fraction_ms(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int ms = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
    if (digits < 3) ms = ms * 10 + (text.front() - '0');
  if (digits == 0) return std::nullopt;
  for (; digits < 3; ++digits) ms *= 10;
  return ms;
}

std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return std::chrono::minutes{0};
  const int sign = text.front() == '-' ? -1 : 1;
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours) return std::nullopt;
  take(text, ':');
  const auto minutes = take_number(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return std::chrono::minutes{sign * (*hours * 60 + *minutes)};
}

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array units{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                           Unit{"ms", 1}};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

}  // namespace

std::string to_iso8601(Timestamp t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::optional<Timestamp> parse_iso8601(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  Timestamp result = std::chrono::sys_days{date};
  if (text.empty()) return result;
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes) return std::nullopt;
  int seconds = 0;
  int ms = 0;
  if (take(text, ':')) {
    const auto s = take_number(text, 2);
    const auto fraction = s ? take_fraction_ms(text) : std::nullopt;
    if (!fraction) return std::nullopt;
    seconds = *s;
    ms = *fraction;
  }
  const auto zone = take_zone(text);
  if (!zone || !text.empty() || *hours > 23 || *minutes > 59 || seconds > 60) return std::nullopt;
  return result + std::chrono::hours{*hours} + std::chrono::minutes{*minutes} + std::chrono::seconds{seconds} +
         std::chrono::milliseconds{ms} - *zone;
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text[digits] - '0', &number))
        return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    std::size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    const Unit* unit = find_unit(text.substr(0, letters));
    if (unit == nullptr || __builtin_mul_overflow(number, unit->ms, &number) ||
        __builtin_add_overflow(total, number, &total))
      return std::nullopt;
    text.remove_prefix(letters);
  }
  return Duration{total};
}

std::string to_string(Duration d) {
  std::int64_t rest = d.count();
  if (rest == 0) return "0s";
  std::string result = rest < 0 ? "-" : "";
  rest = rest < 0 ? -rest : rest;
  for (const Unit& unit : units) {
    if (rest >= unit.ms) result += fmt::format("{}{}", rest / unit.ms, unit.name);
    rest %= unit.ms;
  }
  return result;
}

}  // namespace capstan
