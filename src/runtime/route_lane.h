// What one step of a route works on; the stepping thread's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "payload_builder.h"
#include "rate_meter.h"
#include "runtime/route_runner.h"

namespace capstan::runtime {

struct RouteRunner::Lane {
  explicit Lane(const RoutePlan& route)
      : builder(route.name, route.feeds, route.transform), message_limit(route.batch.max_events) {}

  PayloadBuilder builder;
  RateMeter meter;
  bool is_resumed = false;
  std::uint64_t receipt_number = 0;
  std::size_t turn = 0;             // the source that is looked at first next time
  std::optional<std::size_t> draw;  // whose slice is in hand
  store::Slice slice;
  std::size_t next_item = 0;
  std::optional<Built> built;        // not acknowledged yet
  std::optional<Delivery> delivery;  // the sink has it; what it rejected may not be buried yet
  std::size_t message_limit;
  MonotonicTime retry_at{};
  MonotonicTime tended_at{};
  Payload spare;  // keeps its buffer

  // Evidence (route_receipts.cpp): what the route calls itself, and the attempts at the range in hand.
  std::string destination;
  std::string rule;
  std::uint32_t attempts = 0;
  Timestamp first_attempt{};
  Timestamp last_attempt{};

  void let_go() {
    draw.reset();
    slice = {};
    next_item = 0;
    built.reset();
    delivery.reset();
    attempts = 0;
  }
};

}  // namespace capstan::runtime
