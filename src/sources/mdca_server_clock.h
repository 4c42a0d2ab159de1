// The service's own time, from its answers. The local clock only counts what has passed since.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "mdca_feed.h"

namespace capstan::mdca {

class ServerClock {
public:
  explicit ServerClock(const Clock& clock) : clock_(clock) {}

  // The Date header of an answer ("Tue, 24 Nov 2026 16:41:09 GMT"); anything else is passed over.
  void learn(std::string_view date);
  // Where answers carry no Date: the time of a record seen. Only ever moves forward.
  void learn_record(std::int64_t ms);
  // Nothing before the first answer.
  std::optional<ServerTime> now() const;

private:
  const Clock& clock_;
  std::optional<ServerTime> at_;
  MonotonicTime learned_{};
};

}  // namespace capstan::mdca
