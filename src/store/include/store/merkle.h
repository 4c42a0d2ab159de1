// The Merkle tree of RFC 6962, section 2.1, over hashes of frames:
//
//   leaf = SHA-256(0x00 ‖ frame hash)     node = SHA-256(0x01 ‖ left ‖ right)     root of no leaves = SHA-256("")
//
// The left subtree of a node is the largest perfect one. The prefixes keep a node from being passed off as a leaf.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/sha256.h"

namespace capstan::store {

// Builds a root leaf by leaf; memory is one hash per level. Used by one thread at a time.
class MerkleRoot {
public:
  void add(const Sha256& frame_hash);
  std::uint64_t size() const { return size_; }
  // Of the leaves so far; more may follow.
  Sha256 root() const;

private:
  std::uint64_t size_ = 0;
  std::vector<Sha256> perfect_;  // roots of the perfect subtrees, largest first: one for each set bit of size_
};

// The hashes that lead from leaf `index` to the root, from the leaf upwards. `index` is below the number of leaves.
std::vector<Sha256> merkle_path(std::span<const Sha256> frame_hashes, std::uint64_t index);
// The root that a path leads to, in a tree of `size` leaves; something no root equals when path and sizes do not fit.
// Compare it with the root that is known.
Sha256 root_of_path(const Sha256& frame_hash, std::uint64_t index, std::uint64_t size, std::span<const Sha256> path);

// SHA-256(previous ‖ root ‖ base ‖ end), the offsets as u64 little endian: one value that depends on every frame of
// every segment up to this one. The first segment's `previous` is all zeros.
Sha256 chain_hash(const Sha256& previous, const Sha256& root, std::uint64_t base, std::uint64_t end);

}  // namespace capstan::store
