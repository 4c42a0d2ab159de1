#include "store/merkle.h"

#include <array>
#include <bit>
#include <cstring>

namespace capstan::store {

namespace {

Sha256 leaf_of(const Sha256& frame_hash) {
  std::array<char, 1 + sizeof(Sha256)> bytes{'\0'};
  std::memcpy(bytes.data() + 1, frame_hash.data(), sizeof(Sha256));
  return sha256({bytes.data(), bytes.size()});
}

Sha256 node_of(const Sha256& left, const Sha256& right) {
  std::array<char, 1 + 2 * sizeof(Sha256)> bytes{'\1'};
  std::memcpy(bytes.data() + 1, left.data(), sizeof(Sha256));
  std::memcpy(bytes.data() + 1 + sizeof(Sha256), right.data(), sizeof(Sha256));
  return sha256({bytes.data(), bytes.size()});
}

// The size of the left subtree: the largest power of two below the number of leaves.
std::size_t left_size(std::size_t size) { return std::bit_floor(size - 1); }

Sha256 root_of(std::span<const Sha256> frame_hashes) {
  MerkleRoot tree;
  for (const Sha256& hash : frame_hashes) tree.add(hash);
  return tree.root();
}

}  // namespace

void MerkleRoot::add(const Sha256& frame_hash) {
  Sha256 node = leaf_of(frame_hash);
  for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    node = node_of(perfect_.back(), node);
    perfect_.pop_back();
  }
  perfect_.push_back(node);
  ++size_;
}

Sha256 MerkleRoot::root() const {
  if (perfect_.empty()) return sha256("");
  Sha256 node = perfect_.back();
  for (auto left = perfect_.rbegin() + 1; left != perfect_.rend(); ++left) node = node_of(*left, node);
  return node;
}

std::vector<Sha256> merkle_path(std::span<const Sha256> frame_hashes, std::uint64_t index) {
  std::vector<Sha256> downwards;
  while (frame_hashes.size() > 1) {
    const std::size_t left = left_size(frame_hashes.size());
    if (index < left) {
      downwards.push_back(root_of(frame_hashes.subspan(left)));
      frame_hashes = frame_hashes.first(left);
    } else {
      downwards.push_back(root_of(frame_hashes.first(left)));
      frame_hashes = frame_hashes.subspan(left);
      index -= left;
    }
  }
  return {downwards.rbegin(), downwards.rend()};
}

// RFC 9162, section 2.1.3.2.
Sha256 root_of_path(const Sha256& frame_hash, std::uint64_t index, std::uint64_t size, std::span<const Sha256> path) {
  if (index >= size) return {};
  std::uint64_t last = size - 1;
  Sha256 node = leaf_of(frame_hash);
  for (const Sha256& beside : path) {
    if (last == 0) return {};
    if ((index & 1) != 0 || index == last) {
      node = node_of(beside, node);
      while ((index & 1) == 0 && index != 0) {
        index >>= 1;
        last >>= 1;
      }
    } else {
      node = node_of(node, beside);
    }
    index >>= 1;
    last >>= 1;
  }
  return last == 0 ? node : Sha256{};
}

Sha256 chain_hash(const Sha256& previous, const Sha256& root, std::uint64_t base, std::uint64_t end) {
  std::array<char, 2 * sizeof(Sha256) + 2 * sizeof(std::uint64_t)> bytes{};
  char* at = bytes.data();
  const auto put = [&](const auto& value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  };
  put(previous);
  put(root);
  put(base);
  put(end);
  return sha256({bytes.data(), bytes.size()});
}

}  // namespace capstan::store
