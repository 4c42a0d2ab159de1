#include "allocation_count.h"

#include <gtest/gtest.h>

#include "counting_new.h"

#include <memory>

namespace capstan {

std::uint64_t AllocationCount::so_far() { return allocation_count; }

TEST(AllocationCount, CountsWhatIsTaken) {
  const AllocationCount count;
  const auto one = std::make_unique<int>(1);
  EXPECT_EQ(count.allocations(), counts_allocations ? 1U : 0U);
}

}  // namespace capstan
