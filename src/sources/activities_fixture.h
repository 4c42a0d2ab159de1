// For tests of this room that look at activities: one tenant, one hand clock, a list that grows.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_tenant.h"

namespace capstan::mdca {

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
inline const std::string only_activities = "feeds: [activities]\n";

class ActivitiesFixture : public testing::Test {
protected:
  HandClock clock;
  FakeTenant tenant{clock};
  std::vector<FakeRecord>& list = tenant.lists["activities/"];

  std::int64_t now() const { return tenant.server_now(); }
  void fill(int count, std::int64_t first, std::int64_t step) {
    for (int i = 0; i < count; ++i) list.push_back(activity(fmt::format("a{:05}", i), first + i * step));
  }
  void expect_all(const Collector& collector) {
    EXPECT_EQ(collector.ids("activities"), list.size());
    EXPECT_EQ(collector.passed_over, 0U);
  }
  // Some minutes of the life of a source: each brings something new.
  void live(Collector& collector, int minutes) {
    for (int i = 0; i < minutes; ++i) {
      list.push_back(activity(fmt::format("live{:05}", list.size()), now() - 500));
      clock.passed += std::chrono::minutes(1);
      collector.drain();
    }
  }
  static std::string note(const Collector& collector, const std::string& feed = "activities") {
    const auto found = collector.notes.find(feed);
    return found == collector.notes.end() ? "" : found->second;
  }
};

}  // namespace capstan::mdca
