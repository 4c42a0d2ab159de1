// What another configuration would do to a route's messages: both are asked about the same journaled records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan.h"
#include "store/journal.h"

namespace capstan::runtime {

struct RouteEffect {
  struct Example {
    std::string source;
    std::string feed;
    std::string id;
    std::string before;  // the messages, one a line; empty: none
    std::string after;
  };
  std::string route;
  std::uint64_t records = 0;      // that one of the two would have taken from its sources
  std::uint64_t unsent = 0;       // neither makes a message of it: other feeds, dropped before and now
  std::uint64_t same = 0;         // delivered as before
  std::uint64_t added = 0;        // delivered now, dropped before
  std::uint64_t dropped = 0;      // dropped now, delivered before
  std::uint64_t changed = 0;      // delivered with other bytes
  std::vector<Example> examples;  // the first few that are not the same

  // Of the events that one of the two sends, those whose messages are others.
  double touched_percent() const {
    const std::uint64_t sent = records - unsent;
    return sent == 0 ? 0 : 100.0 * static_cast<double>(added + dropped + changed) / static_cast<double>(sent);
  }
};

// Looks at records for one route. The plans outlive it; nullptr: the route is not there.
class EffectMeter {
public:
  static constexpr std::size_t examples_max = 5;

  EffectMeter(std::string route, const RoutePlan* before, const RoutePlan* after);
  bool draws_from(std::string_view source) const;
  void look(const store::Slice::Item& item, std::string_view source, std::string_view tenant);
  const RouteEffect& effect() const { return effect_; }

private:
  struct Side {
    const RoutePlan* plan = nullptr;
    std::optional<TransformRun> run;
    std::string messages;  // of the record that is looked at
  };
  static bool takes(const RoutePlan* plan, std::string_view source);
  static void write(Side& side, const store::Slice::Item& item, const kql::Envelope& envelope);

  RouteEffect effect_;
  Side before_;
  Side after_;
};

}  // namespace capstan::runtime
