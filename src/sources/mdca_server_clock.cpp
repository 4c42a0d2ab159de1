#include "mdca_server_clock.h"

#include <algorithm>
#include <array>

namespace capstan::mdca {

namespace {

// RFC 9110 section 5.6.7, the only form that is sent today: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Timestamp> parse_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  if (month == months.end()) return std::nullopt;
  const auto number = month - months.begin() + 1;
  return parse_iso8601(std::string(text.substr(12, 4)) + (number < 10 ? "-0" : "-") + std::to_string(number) + "-" +
                       std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z");
}

}  // namespace

void ServerClock::learn(std::string_view date) {
  const auto time = parse_date(date);
  if (!time) return;
  at_ = ServerTime{epoch_ms(*time), true};
  learned_ = clock_.monotonic();
}

void ServerClock::learn_record(std::int64_t ms) {
  const auto known = now();
  if (known && (known->is_dated || known->ms >= ms)) return;
  at_ = ServerTime{ms, false};
  learned_ = clock_.monotonic();
}

std::optional<ServerTime> ServerClock::now() const {
  if (!at_) return std::nullopt;
  ServerTime time = *at_;
  time.ms += std::chrono::duration_cast<Duration>(clock_.monotonic() - learned_).count();
  return time;
}

}  // namespace capstan::mdca
