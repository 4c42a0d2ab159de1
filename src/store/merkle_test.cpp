#include "store/merkle.h"

#include <gtest/gtest.h>

#include <string>

namespace capstan::store {
namespace {

std::vector<Sha256> hashes(std::size_t count) {
  std::vector<Sha256> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(sha256(std::to_string(i)));
  return result;
}

// RFC 6962, section 2.1, word for word.
Sha256 naive_root(std::span<const Sha256> leaves) {
  if (leaves.empty()) return sha256("");
  if (leaves.size() == 1) return sha256(std::string(1, '\0') + std::string(bytes_of(leaves[0])));
  std::size_t k = 1;
  while (2 * k < leaves.size()) k *= 2;
  const Sha256 left = naive_root(leaves.first(k));
  const Sha256 right = naive_root(leaves.subspan(k));
  return sha256(std::string(1, '\1') + std::string(bytes_of(left)) + std::string(bytes_of(right)));
}

TEST(Merkle, RootIsThatOfTheRfcForEverySize) {
  for (std::size_t size = 0; size < 140; ++size) {
    const auto leaves = hashes(size);
    MerkleRoot tree;
    for (const Sha256& leaf : leaves) tree.add(leaf);
    EXPECT_EQ(tree.size(), size);
    ASSERT_EQ(to_hex(tree.root()), to_hex(naive_root(leaves))) << size;
  }
}

// Computed by hand with sha256sum: the empty tree, and one leaf (SHA-256 of a zero byte and the leaf's 32 bytes).
TEST(Merkle, KnownRoots) {
  EXPECT_EQ(to_hex(MerkleRoot{}.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  MerkleRoot tree;
  tree.add(sha256("abc"));
  EXPECT_EQ(to_hex(tree.root()), "8a7deab2cc5ee003b6394337538a52b3198f1a6ddeb10c7daf62fe1c9834b43b");
}

TEST(Merkle, PathLeadsFromEveryLeafToTheRootAndFromNothingElse) {
  for (std::size_t size = 1; size < 40; ++size) {
    const auto leaves = hashes(size);
    const Sha256 root = naive_root(leaves);
    for (std::size_t index = 0; index < size; ++index) {
      const auto path = merkle_path(leaves, index);
      EXPECT_LE(path.size(), 6U);
      ASSERT_EQ(root_of_path(leaves[index], index, size, path), root) << size << " " << index;
      for (std::size_t other = 0; other < size + 3; ++other) {
        if (other != index) {
          ASSERT_NE(root_of_path(leaves[index], other, size, path), root) << size << " " << other;
        }
      }
      ASSERT_NE(root_of_path(sha256("another frame"), index, size, path), root);
      auto longer = path;
      longer.push_back(leaves[0]);
      ASSERT_NE(root_of_path(leaves[index], index, size, longer), root);
      for (std::size_t i = 0; i < path.size(); ++i) {
        auto wrong = path;
        wrong[i][7] ^= 1;
        ASSERT_NE(root_of_path(leaves[index], index, size, wrong), root);
        auto shorter = path;
        shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
        ASSERT_NE(root_of_path(leaves[index], index, size, shorter), root);
      }
    }
  }
}

TEST(Merkle, ChainDependsOnEverything) {
  const Sha256 zero{};
  const Sha256 root = sha256("root");
  const Sha256 chain = chain_hash(zero, root, 0, 64);
  std::string bytes(32, '\0');
  bytes += bytes_of(root);
  bytes += std::string(8, '\0') + std::string("\x40\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(chain, sha256(bytes));
  EXPECT_NE(chain, chain_hash(root, root, 0, 64));
  EXPECT_NE(chain, chain_hash(zero, zero, 0, 64));
  EXPECT_NE(chain, chain_hash(zero, root, 1, 64));
  EXPECT_NE(chain, chain_hash(zero, root, 0, 65));
}

TEST(Sha256Text, HexadecimalBothWays) {
  const Sha256 hash = sha256("abc");  // FIPS 180-4, example of the standard
  EXPECT_EQ(to_hex(hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(parse_sha256(to_hex(hash)), hash);
  EXPECT_FALSE(parse_sha256("ba78"));
  EXPECT_FALSE(parse_sha256(std::string(64, 'A')));
  Sha256Hasher hasher;
  hasher.add("a");
  hasher.add("bc");
  EXPECT_EQ(hasher.finish(), hash);
  EXPECT_EQ(hasher.finish(), sha256(""));
}

}  // namespace
}  // namespace capstan::store
