// How many records a tenant makes, measured over the last hour or two of their saved time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace capstan::mdca {

class Arrivals {
public:
  // The newest time seen moved on from one to the other, over so many records. Milliseconds.
  void moved(std::int64_t from, std::int64_t to, std::int64_t records) {
    span_ms_ += static_cast<double>(std::max<std::int64_t>(to - from, 0));
    records_ += static_cast<double>(records);
    if (span_ms_ < 2 * hour_ms) return;
    // Of a long quiet or busy stretch only the last part counts.
    records_ *= hour_ms / span_ms_;
    span_ms_ = hour_ms;
  }
  // A second; nothing before a minute was watched.
  std::optional<double> rate() const {
    return span_ms_ < minute_ms ? std::nullopt : std::optional(records_ * 1000 / span_ms_);
  }

private:
  static constexpr double minute_ms = 60'000;
  static constexpr double hour_ms = 3'600'000;
  double span_ms_ = 0;
  double records_ = 0;
};

}  // namespace capstan::mdca
