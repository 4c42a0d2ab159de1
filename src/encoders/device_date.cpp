#include "encoders/device_date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace capstan {

namespace {

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The zones of RFC 822, and the two of Central Europe that appliances write.
struct Zone {
  std::string_view name;
  int minutes;
};
constexpr std::array<Zone, 13> zones{{{"UTC", 0},
                                      {"GMT", 0},
                                      {"Z", 0},
                                      {"EST", -300},
                                      {"EDT", -240},
                                      {"CST", -360},
                                      {"CDT", -300},
                                      {"MST", -420},
                                      {"MDT", -360},
                                      {"PST", -480},
                                      {"PDT", -420},
                                      {"CET", 60},
                                      {"CEST", 120}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Takes a text apart from its front.
class DateCursor {
public:
  explicit DateCursor(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  void back_to(std::size_t at) { at_ = at; }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool blanks() {
    const std::size_t begin = at_;
    while (take(' ')) {
    }
    return at_ > begin;
  }
  // A number of `digits_min` to `digits_max` digits, and no digit behind it.
  std::optional<int> number(std::size_t digits_min, std::size_t digits_max) {
    std::size_t end = at_;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    if (end - at_ < digits_min || end - at_ > digits_max) return std::nullopt;
    int value = 0;
    std::from_chars(text_.data() + at_, text_.data() + end, value);
    at_ = end;
    return value;
  }
  // Whether a name or a number could not go on here.
  bool is_at_border() const {
    return at_ == text_.size() || !(is_digit(text_[at_]) || is_letter(text_[at_]) || text_[at_] == '-' ||
                                    text_[at_] == '_' || text_[at_] == '.');
  }
  std::string_view word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<unsigned> month_of(std::string_view word) {
  const auto found = std::ranges::find(months, word);
  if (found == months.end()) return std::nullopt;
  return static_cast<unsigned>(found - months.begin()) + 1;
}

struct Parts {
  unsigned month = 1;
  unsigned day = 1;
  std::optional<int> year;
  std::chrono::milliseconds in_day{0};
  int zone_minutes = 0;
};

std::optional<std::chrono::milliseconds> time_of_day(DateCursor& cursor) {
  const auto hour = cursor.number(1, 2);
  if (!hour || !cursor.take(':')) return std::nullopt;
  const auto minute = cursor.number(2, 2);
  if (!minute || !cursor.take(':')) return std::nullopt;
  const auto second = cursor.number(2, 2);
  constexpr int leap_second = 60;
  if (!second || *hour > 23 || *minute > 59 || *second > leap_second) return std::nullopt;
  std::chrono::milliseconds time =
      std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  const std::size_t before = cursor.at();
  if (!cursor.take('.') && !cursor.take(',')) return time;
  constexpr std::size_t fraction_digits_max = 9;
  const std::size_t begin = cursor.at();
  const auto fraction = cursor.number(1, fraction_digits_max);
  if (!fraction) {
    cursor.back_to(before);
    return time;
  }
  std::int64_t nanoseconds = *fraction;
  for (std::size_t digits = cursor.at() - begin; digits < fraction_digits_max; ++digits) nanoseconds *= 10;
  return time + std::chrono::milliseconds(nanoseconds / 1'000'000);
}

// "+0100", "-05:00", "UTC", "GMT+01:00". Nothing, and the cursor where it was, for anything else.
std::optional<int> zone(DateCursor& cursor) {
  const std::size_t begin = cursor.at();
  const std::string_view name = cursor.word();
  const auto known = std::ranges::find(zones, name, &Zone::name);
  const bool has_offset = name.empty() || name == "UTC" || name == "GMT";
  const std::size_t behind_name = cursor.at();
  const bool is_east = cursor.take('+');
  if (has_offset && (is_east || cursor.take('-'))) {
    if (const auto both = cursor.number(4, 4)) return (is_east ? 1 : -1) * (*both / 100 * 60 + *both % 100);
    const auto hours = cursor.number(2, 2);
    const bool has_minutes = hours && cursor.take(':');
    const auto minutes = has_minutes ? cursor.number(2, 2) : std::optional<int>(0);
    if (hours && minutes) return (is_east ? 1 : -1) * (*hours * 60 + *minutes);
  }
  cursor.back_to(known == zones.end() ? begin : behind_name);
  if (known == zones.end()) return std::nullopt;
  return known->minutes;
}

std::optional<Timestamp> made(const Parts& parts, int year) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(parts.month),
                                         std::chrono::day(parts.day)};
  if (!date.ok()) return std::nullopt;
  return Timestamp(std::chrono::sys_days(date)) + parts.in_day - std::chrono::minutes(parts.zone_minutes);
}

std::optional<Timestamp> time_of(const Parts& parts, Timestamp now) {
  if (parts.year) return made(parts, *parts.year);
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  // A 29 February is found within eight years (none in a year such as 2100).
  constexpr int years_back = 8;
  for (int year = static_cast<int>(today.year()) + 1; year >= static_cast<int>(today.year()) - years_back; --year)
    if (const auto time = made(parts, year); time && *time <= now + std::chrono::days(1)) return time;
  return std::nullopt;
}

// A year behind the day or behind the time, where there is one.
std::optional<int> year(DateCursor& cursor) {
  const std::size_t begin = cursor.at();
  if (cursor.blanks())
    if (const auto number = cursor.number(4, 4)) return number;
  cursor.back_to(begin);
  return std::nullopt;
}

std::optional<Timestamp> since_1970(std::string_view text) {
  constexpr std::size_t seconds_digits = 10;
  constexpr std::size_t milliseconds_digits = 13;
  if (text.size() < seconds_digits || text.size() > milliseconds_digits || !std::ranges::all_of(text, is_digit))
    return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return from_epoch_ms(text.size() == seconds_digits ? number * 1000 : number);
}

}  // namespace

std::optional<DeviceDate> read_month_date(std::string_view text, Timestamp now) {
  DateCursor cursor(text);
  Parts parts;
  const auto month = month_of(cursor.word());
  if (!month || !cursor.blanks()) return std::nullopt;
  const auto day = cursor.number(1, 2);
  if (!day) return std::nullopt;
  parts.month = *month;
  parts.day = static_cast<unsigned>(*day);
  parts.year = year(cursor);
  if (!cursor.blanks()) return std::nullopt;
  const auto in_day = time_of_day(cursor);
  if (!in_day) return std::nullopt;
  parts.in_day = *in_day;
  if (!parts.year) parts.year = year(cursor);
  const std::size_t before_zone = cursor.at();
  std::optional<int> minutes;
  if (cursor.blanks()) minutes = zone(cursor);
  // "EST-firewall" is a host.
  if (minutes && cursor.is_at_border()) {
    parts.zone_minutes = *minutes;
  } else {
    cursor.back_to(before_zone);
  }
  if (!parts.year) parts.year = year(cursor);
  const auto time = time_of(parts, now);
  if (!time) return std::nullopt;
  return DeviceDate{*time, cursor.at()};
}

std::optional<Timestamp> parse_device_date(std::string_view text, Timestamp now) {
  if (const auto time = since_1970(text)) return time;
  if (const auto date = read_month_date(text, now); date && date->size == text.size()) return date->time;
  return parse_iso8601(text);
}

}  // namespace capstan
