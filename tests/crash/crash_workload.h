// What the crash tests of the store write, and how they know what has to be there afterwards.
#pragma once

#include <string>

#include "base/clock.h"
#include "event/batch.h"

namespace capstan::crash {

class SteppingClock final : public Clock {
public:
  Timestamp wall = from_epoch_ms(1'700'000'000'000);
  Timestamp now() const override { return wall; }
  MonotonicTime monotonic() const override { return MonotonicTime{wall.time_since_epoch()}; }
};

// Records are numbered from 1; the number is the id, and the body's length depends on it.
inline Batch numbered(std::uint64_t first, std::uint64_t count) {
  Batch batch;
  for (std::uint64_t n = first; n < first + count; ++n) {
    const std::string id = std::to_string(n);
    const std::string raw = "{\"_id\":\"" + id + "\",\"x\":\"" + std::string(20 + n * 37 % 400, 'x') + "\"}";
    const RecordView record{.feed = "activities",
                            .id = id,
                            .raw = raw,
                            .event_time = from_epoch_ms(1000),
                            .saved_time = from_epoch_ms(static_cast<std::int64_t>(1000 + n)),
                            .content_hash = n};
    if (!batch.add(record)) std::abort();
  }
  return batch;
}

}  // namespace capstan::crash
