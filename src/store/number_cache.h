// Places of a journal whose record number is known, so that asking for a number reads little. Kept by what has been
// read and written: sparsely for ever, densely for the places that were met last. Not shared between threads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "cursor_file.h"

namespace capstan::store {

class NumberCache {
public:
  // Between two places that are kept for ever: looking from one of them costs a fraction of a millisecond.
  static constexpr std::uint64_t spacing = 1U << 20;

  void add(Mark place);
  // The nearest known place in [begin, offset].
  std::optional<Mark> nearest(std::uint64_t begin, std::uint64_t offset) const;
  void forget_before(std::uint64_t offset);

private:
  static constexpr std::size_t recent_max = 32;  // readers of one journal that go on where they stopped
  std::map<std::uint64_t, std::uint64_t> spaced_;
  std::array<Mark, recent_max> recent_{};
  std::size_t next_ = 0;
};

}  // namespace capstan::store
