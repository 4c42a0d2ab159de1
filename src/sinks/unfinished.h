// The error of an attempt whose time was over when a part of the payload had been delivered.
#pragma once

#include <fmt/format.h>

#include "component/sink.h"
#include "net/stream.h"

namespace capstan::sinks {

// `done`: leading messages that are delivered and will not be sent again.
inline Error unfinished(const Payload& payload, const net::Address& name, std::size_t done) {
  // A route cuts a payload between records; one that is a single record would be given up.
  const bool can_be_cut =
      !payload.messages.empty() && payload.messages.front().record != payload.messages.back().record;
  return {done > 0 && can_be_cut ? ErrorCode::payload_unfinished : ErrorCode::destination_slow,
          fmt::format("sending to {}: {} of {} messages were delivered in the time of one payload",
                      net::to_string(name), done, payload.messages.size())};
}

}  // namespace capstan::sinks
