// Which ids a walk has met lately: the last 16,384 at least, in bounded memory. In memory only: after a restart all is
// new once more.
#pragma once

#include <cstdint>
#include <unordered_set>

namespace capstan::mdca {

class SeenIds {
public:
  // False: it was there.
  bool add(std::uint64_t id) {
    if (older_.contains(id) || !newer_.insert(id).second) return false;
    if (newer_.size() >= generation_max) {
      older_ = std::move(newer_);
      newer_.clear();
    }
    return true;
  }

private:
  static constexpr std::size_t generation_max = 16'384;
  std::unordered_set<std::uint64_t> newer_;
  std::unordered_set<std::uint64_t> older_;
};

}  // namespace capstan::mdca
