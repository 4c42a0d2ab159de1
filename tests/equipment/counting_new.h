// Replaces operator new of a test program by one that counts, so that "takes nothing from the heap" is a test. Included
// by one file of a program. The sanitizers have an operator new of their own and would report a mismatch: there nothing
// is counted, and what is promised is tested in the other builds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAPSTAN_HAS_SANITIZER
#endif
#endif

namespace capstan {
inline thread_local std::uint64_t allocation_count = 0;
}

#ifdef CAPSTAN_HAS_SANITIZER
namespace capstan {
inline constexpr bool counts_allocations = false;
}
#else
namespace capstan {
inline constexpr bool counts_allocations = true;
}
// Where both are inlined, GCC 12 sees malloc, free and an operator and takes them for a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(std::size_t size) {
  ++capstan::allocation_count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
