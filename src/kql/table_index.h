// The rows of a table by the values of some of its columns, and by the network that a column names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "address.h"
#include "kql/table.h"

namespace capstan::kql {

// Keys of one lookup, its address not counted.
constexpr std::size_t lookup_keys_max = 8;

struct IndexKey {
  std::vector<std::size_t> columns;    // compared for equality; none of them dynamic
  std::optional<std::size_t> network;  // a text column of IPv4 networks: "203.0.113.0/24"
  bool operator==(const IndexKey&) const = default;
};

class TableIndex {
public:
  TableIndex(TablePtr table, IndexKey key);

  // Calls `each` with the number of every row whose key columns have these values, in the table's order. Without a
  // network. A null equals nothing.
  template <class Each>
  void each_equal(std::span<const Datum> keys, const Each& each) const {
    visit(keys, Ipv4{0, 0}, each);
  }
  // Of the rows with these values, those of the smallest network that holds `address` (itself a network, perhaps).
  template <class Each>
  void each_nearest(std::span<const Datum> keys, const Ipv4& address, const Each& each) const {
    for (const int prefix : prefixes_) {
      if (prefix > address.prefix) continue;
      if (visit(keys, Ipv4{address.bits & ipv4_mask(prefix), prefix}, each)) return;
    }
  }

private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  template <class Each>
  bool visit(std::span<const Datum> keys, const Ipv4& network, const Each& each) const {
    bool is_found = false;
    if (heads_.empty()) return is_found;
    const std::uint64_t hash = hash_of(keys, network);
    for (std::uint32_t row = heads_[hash & (heads_.size() - 1)]; row != none; row = next_[row]) {
      if (hashes_[row] != hash || !is_equal(row, keys, network)) continue;
      is_found = true;
      each(row);
    }
    return is_found;
  }
  static std::uint64_t hash_of(std::span<const Datum> keys, const Ipv4& network);
  bool is_equal(std::uint32_t row, std::span<const Datum> keys, const Ipv4& network) const;
  void insert(std::uint32_t row);

  TablePtr table_;
  IndexKey key_;
  std::vector<std::uint32_t> heads_;  // by hash; a power of two of them
  std::vector<std::uint32_t> next_;   // by row
  std::vector<std::uint64_t> hashes_;
  std::vector<Ipv4> networks_;  // by row
  std::vector<int> prefixes_;   // that occur, longest first
};

}  // namespace capstan::kql
