// A tenant that misbehaves at random, a collector that is killed at random: whatever has become visible is collected.
// What a kill may lose is what the journal may lose: the last batches together with their checkpoints.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "fake_tenant.h"

namespace capstan::mdca {
namespace {

struct Storm {
  explicit Storm(std::uint64_t seed) : random(seed) {
    sends_date = !chance(5);
    tenant.sends_date = sends_date;
    tenant.bend = [this](const std::string& path, const json::object& question) { return bent(path, question); };
    tenant.twist = [this](const std::string&, const json::object& question, json::object& answer) {
      twist(question, answer);
    };
  }

  bool chance(int one_in) { return random() % static_cast<unsigned>(one_in) == 0; }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n)); }

  std::optional<net::Response> bent(const std::string&, const json::object&) {
    if (is_calm || !chance(6)) return std::nullopt;
    switch (below(6)) {
      case 0:
        return FakeTenant::json_answer(500, "");
      case 1:
        return FakeTenant::json_answer(429, R"({"detail":"Request was throttled. Expected available in 3 seconds."})");
      case 2:
        return FakeTenant::json_answer(200, R"({"data":[{"_id":"cut)");
      case 3:
        return FakeTenant::json_answer(200, "<html>Sign in</html>");
      case 4:
        return FakeTenant::json_answer(504, "<html>Gateway</html>");
      default:
        return FakeTenant::json_answer(403, R"({"detail":"passing"})");
    }
  }

  void twist(const json::object& question, json::object& answer) {
    answer["total"] = answer["total"].as_int64() + below(5) - 2;
    if (is_calm || !chance(5)) return;
    switch (below(4)) {
      case 0:
        answer.erase("nextQueryFilters");
        break;
      case 1:
        if (answer.contains("nextQueryFilters")) answer["nextQueryFilters"] = question.at("filters");
        break;
      case 2:
        // A lie that cannot be seen through where `total` is not far off: it costs time, not records.
        answer["hasNext"] = false;
        answer.erase("nextQueryFilters");
        break;
      default:
        answer["hasNext"] = true;
        break;
    }
  }

  // Some new events, many in one millisecond, some visible only minutes later.
  void happen() {
    auto& activities = tenant.lists["activities/"];
    const std::int64_t n = chance(20) ? 700 + below(900) : below(40);
    const std::int64_t at = tenant.server_now() - 1000;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t created = chance(2) ? at : at - below(900);
      const std::int64_t lateness = chance(4) ? below(9 * 60'000) : 0;
      activities.push_back(activity(fmt::format("a{}", ids++), created, lateness));
    }
    if (chance(3)) tenant.lists["alerts/"].push_back(alert(fmt::format("l{}", ids++), at));
  }

  // A kill with the tail of the journal lost, or a plain restart.
  void crash(Collector& collector) {
    if (chance(2)) {
      collector.checkpoint = before.checkpoint;
      collector.seen = before.seen;
    }
    collector.restart();
  }

  void run() {
    Collector collector(tenant, clock, "feeds: [alerts, activities]\npage_limit: 500\n");
    for (int step = 0; step < 250; ++step) {
      if (chance(4)) happen();
      if (chance(15)) before = {collector.checkpoint, collector.seen};
      if (chance(25)) {
        crash(collector);
        before = {collector.checkpoint, collector.seen};
      }
      const auto poll = collector.poll();
      const Duration wait = poll ? poll->wait : poll.error().pause().value_or(std::chrono::seconds(1));
      clock.passed += std::min<Duration>(wait, std::chrono::minutes(1)) + Duration(below(3'000));
    }
    is_calm = true;
    clock.passed += std::chrono::minutes(10);
    collector.drain();
    clock.passed += std::chrono::minutes(1);
    collector.drain();
    for (const auto& [path, feed] : {std::pair("activities/", "activities/"), std::pair("alerts/", "alerts/")})
      for (const auto& record : tenant.lists[path]) {
        const auto id = json::parse(record.raw).as_object().at("_id").as_string();
        if (!collector.seen.contains(feed + std::string(id))) lost.push_back(feed + std::string(id));
      }
    EXPECT_EQ(collector.passed_over, 0U);
  }

  struct Saved {
    Checkpoint checkpoint;
    std::map<std::string, int> seen;
  };
  std::mt19937_64 random;
  HandClock clock;
  FakeTenant tenant{clock};
  Saved before;
  bool is_calm = false;
  bool sends_date = true;
  int ids = 0;
  std::vector<std::string> lost;
};

TEST(Storm, NothingThatBecameVisibleIsLost) {
  // More seeds for a night: CAPSTAN_STORM_SEEDS=1000.
  const char* more = std::getenv("CAPSTAN_STORM_SEEDS");
  const std::uint64_t seeds = more == nullptr ? 2 : std::strtoull(more, nullptr, 10);
  std::size_t made = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Storm storm(seed);
    storm.run();
    made += static_cast<std::size_t>(storm.ids);
    EXPECT_TRUE(storm.lost.empty()) << "seed " << seed << ": " << storm.lost.size() << " of " << storm.ids
                                    << " lost, the first " << storm.lost.front()
                                    << (storm.sends_date ? "" : " (no Date)");
  }
  EXPECT_GT(made, seeds * 1'000);
}

}  // namespace
}  // namespace capstan::mdca
