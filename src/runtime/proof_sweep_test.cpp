#include "proof_sweep.h"

#include <gtest/gtest.h>

namespace capstan::runtime {
namespace {

using std::chrono::hours;
using Span = std::pair<Timestamp, Timestamp>;

class ProofSweepTest : public testing::Test {
protected:
  static Timestamp before(int count) { return now - hours(count); }

  std::vector<Span> all() {
    std::vector<Span> spans;
    while (const auto span = sweep.next(hours(24))) {
      spans.push_back(*span);
      sweep.done(span->second);
    }
    return spans;
  }

  static constexpr Timestamp now{hours(492'000)};
  static inline const Timestamp since = before(30 * 24);
  static inline const Timestamp end = before(1);
  ProofSweep sweep;
};

TEST_F(ProofSweepTest, GoesAMultipleOfTheAgeBack) {
  EXPECT_FALSE(sweep.next(hours(24)));
  sweep.begin(before(12), since, end, now);
  EXPECT_EQ(all(), (std::vector<Span>{{before(48), before(24)}, {before(24), end}}));
  EXPECT_FALSE(sweep.next(hours(24)));
}

TEST_F(ProofSweepTest, ASpanThatIsFoundOnTheWayIsAddedOnce) {
  sweep.begin(before(6), since, end, now);
  sweep.begin(before(24), since, end, now);
  sweep.begin(before(24), since, end, now);
  sweep.begin(before(5), since, end, now);
  EXPECT_EQ(all(),
            (std::vector<Span>{
                {before(24), end}, {before(96), before(72)}, {before(72), before(48)}, {before(48), before(24)}}));
}

TEST_F(ProofSweepTest, IsBegunAnewAnHourLater) {
  sweep.begin(before(6), since, end, now);
  EXPECT_EQ(all().size(), 1U);
  sweep.begin(before(5), since, end, now + std::chrono::minutes(59));
  EXPECT_TRUE(all().empty());
  sweep.begin(before(6), since, end, now + hours(1));
  EXPECT_FALSE(all().empty());
}

TEST_F(ProofSweepTest, NeverBeginsBeforeTheFeed) {
  sweep.begin(before(10), before(20), end, now);
  EXPECT_EQ(sweep.next(hours(24)), (Span{before(20), end}));
}

TEST_F(ProofSweepTest, APartThatIsDoneIsNotAskedAgain) {
  sweep.begin(before(6), since, end, now);
  sweep.done(before(10));
  EXPECT_EQ(sweep.next(hours(24)), (Span{before(10), end}));
}

}  // namespace
}  // namespace capstan::runtime
