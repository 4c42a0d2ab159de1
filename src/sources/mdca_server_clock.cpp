#include "mdca_server_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace capstan::mdca {

namespace {

// Clocks of one service's machines differ by less.
constexpr std::int64_t tolerance_ms = 5 * 60'000;
// Records further ahead of the service's time than this come from a wrong clock.
constexpr std::int64_t future_max = 3'600'000;

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

std::int64_t ServerClock::monotonic() const {
  return std::chrono::duration_cast<Duration>(clock_.monotonic().time_since_epoch()).count();
}

void ServerClock::learn(std::string_view date) {
  const auto time = parse_date(date);
  if (!time) return;
  offsets_.push_back(epoch_ms(*time) - monotonic());
  if (offsets_.size() > offsets_max) offsets_.pop_front();
}

void ServerClock::learn_record(std::int64_t ms) {
  // Without a Date the records are all there is.
  if ((!offsets_.empty() && is_future(ms)) || (record_ && *record_ >= ms)) return;
  record_ = ms;
  record_at_ = monotonic();
}

std::int64_t ServerClock::median() const {
  std::vector<std::int64_t> sorted(offsets_.begin(), offsets_.end());
  std::ranges::sort(sorted);
  return sorted[(sorted.size() - 1) / 2];
}

std::optional<std::int64_t> ServerClock::dated() const {
  if (offsets_.empty()) return std::nullopt;
  const std::int64_t middle = median();
  // The newest Date is the most exact, where it is not one that the others contradict.
  const bool is_newest_right = std::abs(offsets_.back() - middle) <= tolerance_ms;
  return monotonic() + (is_newest_right ? offsets_.back() : middle);
}

std::optional<ServerTime> ServerClock::now() const {
  const auto date = dated();
  if (!date) {
    if (!record_) return std::nullopt;
    return ServerTime{*record_ + monotonic() - record_at_, false};
  }
  // A tenant that has been quiet says nothing against the two clocks; the earlier one costs no record.
  const std::int64_t wall = epoch_ms(clock_.now());
  const std::int64_t record = record_.value_or(std::min(*date, wall));
  return ServerTime{std::max(std::min(*date, wall), std::min(std::max(*date, wall), record)), true};
}

bool ServerClock::is_future(std::int64_t ms) const {
  const std::int64_t wall = epoch_ms(clock_.now());
  return ms > std::max(dated().value_or(wall), wall) + future_max;
}

std::string ServerClock::note() const {
  // A clock that runs fast or slow makes many small steps, a wrong one few large ones.
  std::int64_t largest = 0;
  for (std::size_t i = 1; i < offsets_.size(); ++i)
    largest = std::max(largest, std::abs(offsets_[i] - offsets_[i - 1]));
  if (largest <= tolerance_ms) return {};
  const auto [least, most] = std::ranges::minmax(offsets_);
  if (2 * largest <= most - least) return {};
  const std::int64_t middle = median();
  const auto wrong = std::ranges::count_if(
      offsets_, [middle](std::int64_t offset) { return std::abs(offset - middle) > tolerance_ms; });
  return fmt::format("{} of the last {} Date headers of the service contradict the others; the middle one counts",
                     wrong, offsets_.size());
}

}  // namespace capstan::mdca
