// Framed messages one after another, as they go out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::sinks {

struct Frames {
  std::string bytes;
  std::vector<std::size_t> ends;  // offset behind each frame in `bytes`

  std::size_t size() const { return ends.size(); }
  std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : ends[i - 1]; }
  // The frames [from, to), which lie side by side.
  std::string_view between(std::size_t from, std::size_t to) const {
    return std::string_view(bytes).substr(begin_of(from), begin_of(to) - begin_of(from));
  }
  // The end of the longest run of frames from `from` on, none behind `to`, that has at most `room` bytes. `takes_one`:
  // the first of them belongs to it however long it is.
  std::size_t fitting(std::size_t from, std::size_t to, std::size_t room, bool takes_one) const {
    const auto behind = std::upper_bound(ends.begin() + static_cast<std::ptrdiff_t>(from),
                                         ends.begin() + static_cast<std::ptrdiff_t>(to), begin_of(from) + room);
    const auto end = static_cast<std::size_t>(behind - ends.begin());
    return takes_one && end == from && from < to ? from + 1 : end;
  }
  Frames copy_of(std::size_t from, std::size_t to) const {
    Frames copy{std::string(between(from, to)), {}};
    for (std::size_t i = from; i < to; ++i) copy.ends.push_back(ends[i] - begin_of(from));
    return copy;
  }
  // How many frames, counted from `from`, have begun when the first `sent` bytes of them have gone out.
  std::size_t begun(std::size_t from, std::uint64_t sent) const {
    if (sent == 0) return 0;
    const auto first_unfinished =
        std::lower_bound(ends.begin() + static_cast<std::ptrdiff_t>(from), ends.end(), begin_of(from) + sent);
    const auto finished = static_cast<std::size_t>(first_unfinished - ends.begin()) - from;
    return std::min(finished + 1, size() - from);
  }
  void clear() {
    bytes.clear();
    ends.clear();
  }
};

}  // namespace capstan::sinks
