// Counts what this thread takes from the heap while it lives: a promise of "allocates nothing" becomes a test.
// Only for tests: it goes with the operator new of allocation_count_test.cpp.
#pragma once

#include <cstdint>

namespace capstan {

class AllocationCount {
public:
  AllocationCount() : before_(so_far()) {}
  std::uint64_t allocations() const { return so_far() - before_; }

private:
  static std::uint64_t so_far();
  std::uint64_t before_;
};

}  // namespace capstan
