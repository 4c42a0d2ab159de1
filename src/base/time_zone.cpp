#include "base/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace capstan {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::uint64_t file_size_max = 1U << 20;

// Big endian numbers, one after another.
class BigEndian {
public:
  explicit BigEndian(std::string_view bytes) : rest_(bytes) {}
  bool is_good() const { return is_good_; }
  std::string_view rest() const { return rest_; }

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      is_good_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    const std::string_view bytes = take(size);
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return size == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
  }

private:
  std::string_view rest_;
  bool is_good_ = true;
};

struct Counts {
  char version = 0;
  std::size_t utc = 0;
  std::size_t standard = 0;
  std::size_t leaps = 0;
  std::size_t times = 0;
  std::size_t types = 0;
  std::size_t characters = 0;
};

// RFC 8536, section 3.1.
std::optional<Counts> take_header(BigEndian& bytes) {
  Counts counts;
  if (bytes.take(4) != "TZif") return {};
  const std::string_view version = bytes.take(16);
  if (version.empty()) return {};
  counts.version = version.front();
  for (std::size_t* const count :
       {&counts.utc, &counts.standard, &counts.leaps, &counts.times, &counts.types, &counts.characters})
    *count = static_cast<std::size_t>(bytes.number(4));
  if (!bytes.is_good() || counts.types == 0) return {};
  return counts;
}

// POSIX.1-2017, section 8.3, with the extensions of RFC 8536, section 3.3.1.
class RuleText {
public:
  explicit RuleText(std::string_view text) : rest_(text) {}
  bool is_at_end() const { return rest_.empty(); }
  bool is_good() const { return is_good_; }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void name() {
    std::size_t size = 0;
    if (rest_.starts_with('<')) {
      size = rest_.find('>') + 1;  // 0 when there is none
    } else {
      while (size < rest_.size() && ((rest_[size] | 0x20) >= 'a' && (rest_[size] | 0x20) <= 'z')) ++size;
    }
    if (size < 3) is_good_ = false;
    rest_.remove_prefix(size);
  }
  int number() {
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{}) {
      is_good_ = false;
      return 0;
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  // [+-]hh[:mm[:ss]]
  seconds span() {
    const bool is_negative = take('-');
    if (!is_negative) take('+');
    seconds span = hours(number());
    if (take(':')) span += minutes(number());
    if (take(':')) span += seconds(number());
    return is_negative ? -span : span;
  }

private:
  std::string_view rest_;
  bool is_good_ = true;
};

bool is_plain(std::string_view name) {
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '+' || c == '/';
  };
  return !name.empty() && name.front() != '/' && std::ranges::all_of(name, is_fine);
}

std::chrono::year year_of(sys_seconds time) {
  return std::chrono::year_month_day{std::chrono::floor<days>(time)}.year();
}

}  // namespace

Result<TimeZone> TimeZone::load(FileSystem& files, std::string_view name, const std::string& directory) {
  if (name == "UTC") return utc();
  const auto no_zone = [&](std::string_view why) {
    return Error(ErrorCode::wrong_value,
                 fmt::format("reading the time zone \"{}\": {}; expected a name such as Europe/Amsterdam", name, why));
  };
  if (!is_plain(name)) return no_zone("no zone has such a name");
  const std::string path = fmt::format("{}/{}", directory, name);
  const auto bytes = read_file(files, path, file_size_max);
  if (!bytes) return no_zone(fmt::format("there is no file {} (package tzdata)", path));
  TimeZone zone;
  zone.name_ = name;
  if (!zone.read(*bytes)) return no_zone(fmt::format("{} is not a time zone file", path));
  return zone;
}

bool TimeZone::read(std::string_view content) {
  BigEndian bytes(content);
  auto counts = take_header(bytes);
  if (!counts || counts->version < '2') return false;
  // The block of 32-bit times is passed over; the same follows with 64 bits.
  bytes.take(counts->times * 5 + counts->types * 6 + counts->characters + counts->leaps * 8 + counts->standard +
             counts->utc);
  counts = take_header(bytes);
  if (!counts) return false;
  BigEndian times(bytes.take(counts->times * 8));
  const std::string_view types_of_times = bytes.take(counts->times);
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < counts->types && bytes.is_good(); ++i) {
    offsets.emplace_back(bytes.number(4));
    bytes.take(2);
  }
  bytes.take(counts->characters + counts->leaps * 12 + counts->standard + counts->utc);
  if (!bytes.is_good() || offsets.empty()) return false;
  first_ = offsets[0];
  for (const char type : types_of_times) {
    const auto number = static_cast<unsigned char>(type);
    if (number >= offsets.size()) return false;
    changes_.push_back({sys_seconds{seconds{times.number(8)}}, offsets[number]});
  }
  standard_ = changes_.empty() ? first_ : changes_.back().offset;
  std::string_view footer = bytes.rest();
  if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return false;
  footer = footer.substr(1, footer.size() - 2);
  return footer.empty() || read_footer(footer);
}

bool TimeZone::read_footer(std::string_view footer) {
  RuleText text(footer);
  text.name();
  standard_ = -text.span();
  if (text.is_at_end()) return text.is_good();
  text.name();
  summer_ = standard_ + hours(1);
  if (!text.take(',')) {
    summer_ = -text.span();
    if (!text.take(',')) return false;
  }
  for (Rule* const rule : {&summer_begins_, &summer_ends_}) {
    if (rule == &summer_ends_ && !text.take(',')) return false;
    rule->time = hours(2);
    if (text.take('M')) {
      rule->kind = Rule::Kind::weekday;
      rule->month = text.number();
      text.take('.');
      rule->week = text.number();
      text.take('.');
      rule->day = text.number();
      if (rule->month < 1 || rule->month > 12 || rule->week < 1 || rule->week > 5 || rule->day > 6) return false;
    } else {
      rule->kind = text.take('J') ? Rule::Kind::julian : Rule::Kind::zero_based;
      rule->day = text.number();
    }
    if (text.take('/')) rule->time = text.span();
  }
  has_rules_ = true;
  return text.is_good() && text.is_at_end();
}

sys_seconds TimeZone::Rule::in(std::chrono::year year) const {
  using namespace std::chrono;
  const sys_days first = sys_days{year / January / 1};
  switch (kind) {
    case Kind::julian:  // 1 to 365, the 29th of February is never counted
      return first + days(day - 1 + (year.is_leap() && day >= 60 ? 1 : 0)) + time;
    case Kind::zero_based:
      return first + days(day) + time;
    case Kind::weekday:
      break;
  }
  const std::chrono::month m{static_cast<unsigned>(month)};
  const weekday wanted{static_cast<unsigned>(day)};
  if (week == 5) return sys_days{year / m / wanted[last]} + time;
  return sys_days{year / m / wanted[static_cast<unsigned>(week)]} + time;
}

seconds TimeZone::offset_by_rules(sys_seconds time) const {
  if (!has_rules_) return standard_;
  const std::chrono::year year = year_of(time + standard_);
  const sys_seconds begins = summer_begins_.in(year)-standard_;
  const sys_seconds ends = summer_ends_.in(year)-summer_;
  const bool is_summer = begins < ends ? time >= begins && time < ends : time >= begins || time < ends;
  return is_summer ? summer_ : standard_;
}

seconds TimeZone::offset_at(Timestamp when) const {
  const sys_seconds time = std::chrono::floor<seconds>(when);
  const auto behind = std::ranges::upper_bound(changes_, time, {}, &Change::at);
  if (behind == changes_.end()) return offset_by_rules(time);
  return behind == changes_.begin() ? first_ : std::prev(behind)->offset;
}

std::string TimeZone::to_text(Timestamp time) const {
  const seconds offset = offset_at(time);
  const sys_seconds local = std::chrono::floor<seconds>(time) + offset;
  const sys_days date = std::chrono::floor<days>(local);
  const std::chrono::hh_mm_ss clock{local - date};
  const std::chrono::hh_mm_ss away{std::chrono::abs(offset)};
  const std::string zone = offset == seconds{0} ? "Z"
                                                : fmt::format("{}{:02}:{:02}", offset < seconds{0} ? '-' : '+',
                                                              away.hours().count(), away.minutes().count());
  return fmt::format("{}T{:02}:{:02}:{:02}{}", to_string(std::chrono::year_month_day{date}), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), zone);
}

// The first moment whose local date is this one or a later one: midnight, or behind the hour that is left out there.
// Offsets lie between -12 and +14 hours, and are whole minutes in every year that has a collector.
Timestamp TimeZone::first_moment(sys_days date) const {
  const auto has_begun = [&](sys_seconds time) { return time + offset_at(time) >= date; };
  sys_seconds time = date - hours(15);
  while (time < date + hours(15) && !has_begun(time)) time += hours(1);
  time -= hours(1);
  while (time < date + hours(15) && !has_begun(time)) time += minutes(1);
  return time;
}

TimeZone::Day TimeZone::day(std::chrono::year_month_day date) const {
  const sys_days begin{date};
  return {first_moment(begin), first_moment(begin + days(1))};
}

std::optional<std::chrono::year_month_day> parse_date(std::string_view text) {
  const auto number = [&](std::size_t from, std::size_t size) -> std::optional<int> {
    int value = 0;
    const char* const begin = text.data() + from;
    if (begin[0] < '0' || begin[0] > '9') return {};
    const auto [end, error] = std::from_chars(begin, begin + size, value);
    if (error != std::errc{} || end != begin + size) return {};
    return value;
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
  const auto year = number(0, 4);
  const auto month = number(5, 2);
  const auto day = number(8, 2);
  if (!year || !month || !day) return {};
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return {};
  return date;
}

std::string to_string(std::chrono::year_month_day date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

}  // namespace capstan
