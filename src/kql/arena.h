// Memory that lives for one record: taken from the front, given back all at once. Nothing is freed singly.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace capstan::kql {

class Arena {
public:
  void* take(std::size_t size, std::size_t alignment) {
    std::size_t begin = (used_ + alignment - 1) / alignment * alignment;
    if (block_ >= blocks_.size() || begin + size > blocks_[block_].size) {
      next_block(size + alignment);
      begin = 0;
    }
    used_ = begin + size;
    return blocks_[block_].bytes.get() + begin;
  }

  template <class T>
  std::span<T> array(std::size_t count) {
    T* items = static_cast<T*>(take(sizeof(T) * std::max<std::size_t>(count, 1), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) new (items + i) T();
    return {items, count};
  }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* bytes = static_cast<char*>(take(text.size(), 1));
    std::memcpy(bytes, text.data(), text.size());
    return {bytes, text.size()};
  }

  // Keeps the blocks: a warm arena allocates nothing.
  void clear() {
    block_ = 0;
    used_ = 0;
  }

private:
  static constexpr std::size_t block_size = 64U << 10;
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };

  void next_block(std::size_t size) {
    if (block_ < blocks_.size()) ++block_;
    while (block_ < blocks_.size() && blocks_[block_].size < size) ++block_;
    if (block_ == blocks_.size()) {
      const std::size_t wanted = std::max(size, block_size);
      blocks_.push_back({std::make_unique<std::byte[]>(wanted), wanted});
    }
    used_ = 0;
  }

  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace capstan::kql
