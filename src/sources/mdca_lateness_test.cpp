#include "mdca_lateness.h"

#include <gtest/gtest.h>

#include <string>

namespace capstan::mdca {
namespace {

constexpr std::int64_t start = 1'790'000'000'000;
constexpr std::int64_t minute = 60'000;

// A walk a minute; one in `late_every` records becomes visible `late` after it was saved.
Duration overlap_after(std::int64_t minutes, int late_every, std::int64_t late) {
  Lateness lateness;
  int id = 0;
  for (std::int64_t i = 0; i < minutes; ++i) {
    const std::int64_t now = start + i * minute;
    for (int n = 0; n < 20; ++n, ++id) {
      const bool is_late = late_every != 0 && id % late_every == 0 && i > late / minute;
      lateness.read(std::to_string(id), from_epoch_ms(is_late ? now - late : now - 1000 - n), from_epoch_ms(now));
    }
    lateness.walk_done(from_epoch_ms(now - 10 * minute), from_epoch_ms(now));
  }
  return lateness.overlap(Duration(0));
}

TEST(Lateness, TheOverlapIsTenMinutesUntilEnoughWasWatched) {
  EXPECT_EQ(Lateness().overlap(Duration(0)), std::chrono::minutes(10));
  EXPECT_EQ(Lateness().overlap(std::chrono::minutes(40)), std::chrono::minutes(40)) << "a restart does not narrow it";
  EXPECT_EQ(overlap_after(60, 0, 0), std::chrono::minutes(10));
}

TEST(Lateness, TheOverlapFollowsWhatWasMeasured) {
  EXPECT_EQ(overlap_after(500, 0, 0), std::chrono::minutes(2));
  const Duration wide = overlap_after(500, 100, 20 * minute);
  EXPECT_GE(wide, std::chrono::minutes(40));
  EXPECT_LE(wide, std::chrono::minutes(50));
  EXPECT_EQ(overlap_after(500, 100, 300 * minute), std::chrono::hours(2));
}

TEST(Lateness, ARepeatIsNotALateRecord) {
  Lateness lateness;
  for (std::int64_t i = 0; i < 400; ++i) {
    const std::int64_t now = start + i * minute;
    for (std::int64_t n = 0; n < 10; ++n)
      lateness.read(std::to_string(i - n), from_epoch_ms(now - n * minute - 1), from_epoch_ms(now));
    lateness.walk_done(from_epoch_ms(now - 10 * minute), from_epoch_ms(now));
  }
  EXPECT_LE(lateness.overlap(Duration(0)), std::chrono::minutes(10));
}

TEST(Spans, QuantilesAreUpperEdges) {
  Spans spans;
  EXPECT_EQ(spans.quantile(0.99), Duration(0));
  for (int i = 0; i < 99; ++i) spans.add(Duration(100));
  spans.add(Duration(274'000));
  EXPECT_GE(spans.quantile(0.5), Duration(100));
  EXPECT_LE(spans.quantile(0.5), Duration(120));
  EXPECT_GE(spans.quantile(1.0), Duration(274'000));
  EXPECT_LE(spans.quantile(1.0), Duration(330'000));
}

}  // namespace
}  // namespace capstan::mdca
