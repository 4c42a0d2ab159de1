#include "table_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "base/digest.h"

namespace capstan::kql {

namespace {

std::string_view bytes_of(const auto& value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

// Whole numbers hash by their value: an int and a long are the same key.
std::uint64_t hash_of_value(const Datum& value, std::uint64_t seed) {
  switch (value.type) {
    case Type::string:
      return hash64(value.text, seed);
    case Type::boolean:
      return hash64(bytes_of(value.boolean), seed);
    case Type::real: {
      const double real = value.real == 0 ? 0.0 : value.real;  // -0.0 is 0.0
      return hash64(bytes_of(real), seed);
    }
    case Type::guid:
      return hash64(bytes_of(value.guid), seed);
    default:
      return hash64(bytes_of(value.number), seed);
  }
}

bool is_same(const Datum& a, const Datum& b) {
  if (a.is_null || b.is_null) return false;
  switch (a.type) {
    case Type::string:
      return a.text == b.text;
    case Type::boolean:
      return a.boolean == b.boolean;
    case Type::real:
      return a.real == b.real;
    case Type::guid:
      return a.guid == b.guid;
    default:
      return a.number == b.number;
  }
}

}  // namespace

std::uint64_t TableIndex::hash_of(std::span<const Datum> keys, const Ipv4& network) {
  std::uint64_t hash = hash64(bytes_of(network.bits), static_cast<std::uint64_t>(network.prefix));
  for (const Datum& key : keys) hash = hash_of_value(key, hash);
  return hash;
}

TableIndex::TableIndex(TablePtr table, IndexKey key) : table_(std::move(table)), key_(std::move(key)) {
  if (table_->size() == 0) return;
  heads_.assign(std::bit_ceil(table_->size() * 2), none);
  next_.assign(table_->size(), none);
  hashes_.assign(table_->size(), 0);
  if (key_.network) networks_.assign(table_->size(), Ipv4{});
  // Each goes in front of the others, so the last row first.
  for (std::size_t row = table_->size(); row > 0; --row) insert(static_cast<std::uint32_t>(row - 1));
  std::ranges::sort(prefixes_, std::ranges::greater{});
}

void TableIndex::insert(std::uint32_t row) {
  const auto values = table_->row(row);
  std::array<Datum, lookup_keys_max> keys;
  for (std::size_t i = 0; i < key_.columns.size(); ++i) {
    keys[i] = values[key_.columns[i]];
    if (keys[i].is_null) return;
  }
  Ipv4 network{0, 0};
  if (key_.network) {
    const auto read = parse_ipv4(values[*key_.network].text);
    if (!read) return;
    network = {read->bits & ipv4_mask(read->prefix), read->prefix};
    networks_[row] = network;
    if (std::ranges::find(prefixes_, network.prefix) == prefixes_.end()) prefixes_.push_back(network.prefix);
  }
  hashes_[row] = hash_of(std::span(keys).first(key_.columns.size()), network);
  std::uint32_t& head = heads_[hashes_[row] & (heads_.size() - 1)];
  next_[row] = head;
  head = row;
}

bool TableIndex::is_equal(std::uint32_t row, std::span<const Datum> keys, const Ipv4& network) const {
  if (key_.network && (networks_[row].bits != network.bits || networks_[row].prefix != network.prefix)) return false;
  const auto values = table_->row(row);
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (!is_same(values[key_.columns[i]], keys[i])) return false;
  return true;
}

}  // namespace capstan::kql
