#include "memory.h"

#include <malloc.h>

#include <charconv>
#include <fstream>
#include <string>

namespace capstan::runtime {

namespace {

constexpr int arenas_max = 2;
// Larger blocks (pages of a source) come from mmap and go back at once; slices and payloads are below and are used
// again without a page fault. Setting it also ends glibc's habit of raising this limit with every such block that is
// freed.
constexpr int mmap_threshold = 2 << 20;
// The top of the heap is given back by housekeeping, not whenever a slice is freed.
constexpr int trim_threshold = 8 << 20;

// "VmRSS:	   12345 kB"
std::uint64_t kilobytes(const std::string& line) {
  const std::size_t digit = line.find_first_of("0123456789");
  std::uint64_t value = 0;
  if (digit != std::string::npos) std::from_chars(line.data() + digit, line.data() + line.size(), value);
  return value;
}

}  // namespace

MemoryStatus memory_status() {
  MemoryStatus status;
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) status.resident_bytes = kilobytes(line) << 10;
    if (line.starts_with("VmHWM:")) status.peak_bytes = kilobytes(line) << 10;
  }
  return status;
}

void bound_allocator() {
  ::mallopt(M_ARENA_MAX, arenas_max);
  ::mallopt(M_MMAP_THRESHOLD, mmap_threshold);
  ::mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

void trim_allocator() { ::malloc_trim(0); }

}  // namespace capstan::runtime
