#include "plan_nodes.h"

#include <algorithm>
#include <bit>

namespace capstan::plan {

namespace {
constexpr std::size_t places_per_name = 4;
}

void NameTable::add(std::string_view name, NodeIndex node) {
  names_.push_back({std::string(name), node});
  // A name of one byte is followed by its closing quote.
  const std::size_t bit = beginning(name[0], name.size() > 1 ? name[1] : '"');
  beginnings_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  places_.assign(std::bit_ceil(names_.size() * places_per_name), Place{});
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    std::string padded = names_[i].name;
    const std::size_t size = padded.size();
    padded.resize(size + sizeof(std::uint64_t));
    const std::uint64_t head = first_bytes(std::string_view(padded).substr(0, size));
    std::size_t at = place(head, size);
    while (places_[at].member != nobody) at = (at + 1) & (places_.size() - 1);
    places_[at] = {head, static_cast<std::uint32_t>(size), i};
  }
}

std::size_t NameTable::find_unpadded(std::string_view name) const {
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (names_[i].name == name) return i;
  return nobody;
}

}  // namespace capstan::plan
