// Local time of a place, from the system's time zone files (/usr/share/zoneinfo, RFC 8536). Nothing of the process is
// changed: no TZ variable, no tzset(). Immutable; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/time.h"

namespace capstan {

class TimeZone {
public:
  static TimeZone utc() { return TimeZone{}; }
  // "Europe/Amsterdam"; "UTC" needs no file. wrong_value when there is no such zone or its file is no time zone.
  static Result<TimeZone> load(FileSystem& files, std::string_view name,
                               const std::string& directory = "/usr/share/zoneinfo");

  const std::string& name() const { return name_; }
  std::chrono::seconds offset_at(Timestamp time) const;  // local minus UTC
  // "2026-11-03T00:00:00+01:00"
  std::string to_text(Timestamp time) const;

  // From the first moment of the date to that of the next: 23 or 25 hours when clocks are changed.
  struct Day {
    Timestamp begin;
    Timestamp end;
  };
  Day day(std::chrono::year_month_day date) const;

private:
  struct Change {
    std::chrono::sys_seconds at;  // from here on
    std::chrono::seconds offset;
  };
  // One end of summer time, as the footer of a file says it for all years to come.
  struct Rule {
    enum class Kind { julian, zero_based, weekday } kind = Kind::weekday;
    int month = 1;
    int week = 1;  // 5: the last
    int day = 0;   // of the week, or of the year
    std::chrono::seconds time{};
    std::chrono::sys_seconds in(std::chrono::year year) const;  // local time
  };

  std::chrono::seconds offset_by_rules(std::chrono::sys_seconds time) const;
  Timestamp first_moment(std::chrono::sys_days date) const;
  bool read(std::string_view bytes);
  bool read_footer(std::string_view text);

  std::string name_ = "UTC";
  std::chrono::seconds first_{};     // before the first change
  std::vector<Change> changes_;      // in order
  std::chrono::seconds standard_{};  // behind the last change
  std::chrono::seconds summer_{};
  bool has_rules_ = false;  // summer time goes on behind the last change
  Rule summer_begins_;
  Rule summer_ends_;
};

// "2026-11-03"
std::optional<std::chrono::year_month_day> parse_date(std::string_view text);
std::string to_string(std::chrono::year_month_day date);

}  // namespace capstan
