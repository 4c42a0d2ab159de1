// What the process occupies, and how its allocator is kept from keeping more.
#pragma once

#include "runtime/status.h"

namespace capstan::runtime {

// From /proc/self/status (VmRSS, VmHWM); zeros where that cannot be read.
MemoryStatus memory_status();
// Once, before the first thread. glibc gives every thread an arena of its own and keeps what was freed in it: with a
// dozen threads that each had a batch once, hundreds of MiB that nobody uses.
void bound_allocator();
// Gives freed pages back to the kernel.
void trim_allocator();

}  // namespace capstan::runtime
