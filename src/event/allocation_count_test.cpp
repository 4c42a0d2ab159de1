#include "allocation_count.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace {
thread_local std::uint64_t allocation_count = 0;
}

void* operator new(std::size_t size) {
  ++allocation_count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace capstan {

std::uint64_t AllocationCount::so_far() { return allocation_count; }

TEST(AllocationCount, CountsWhatIsTaken) {
  const AllocationCount count;
  const auto one = std::make_unique<int>(1);
  EXPECT_EQ(count.allocations(), 1U);
}

}  // namespace capstan
