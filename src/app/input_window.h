// The bytes of an input that have been read and not been used yet, with padding behind them, and where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "byte_source.h"

namespace capstan::app {

// A place in an input; both count from 1, columns in bytes.
struct InputPlace {
  std::size_t line = 1;
  std::size_t column = 1;
};

class InputWindow {
public:
  explicit InputWindow(ByteSource& source) : source_(source) {}

  // Followed by raw_padding readable bytes; valid until the next grow().
  std::string_view text() const { return {bytes_.data() + begin_, end_ - begin_}; }
  // Of text(), counted from the input's begin.
  std::uint64_t offset() const { return before_ + begin_; }
  void take(std::size_t size) { begin_ += size; }
  // Reads on; false at the end, and when the source fails.
  bool grow();
  // Reads until there are `size` bytes or no more.
  void grow_to(std::size_t size);
  // Where the line of text()[from] ends: at its line end, or at the end of the input. Reads no further than `size_max`
  // bytes; nothing when it is longer. Asked again in the same line it costs nothing.
  std::optional<std::size_t> line_end(std::size_t from, std::size_t size_max);
  // Takes all up to the next line end, which stays, and keeps nothing of it.
  void discard_line();

  InputPlace place(std::size_t at);  // of text()[at]
  bool is_ended() const { return is_ended_; }
  const std::optional<Error>& failure() const { return failure_; }  // of the source

private:
  void count_lines();

  ByteSource& source_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t before_ = 0;      // of bytes_
  std::size_t counted_ = 0;       // of bytes_, whose lines are in the two below
  std::size_t line_ = 1;          // at `counted_`
  std::uint64_t line_begin_ = 0;  // where it begins
  // No line ends from the one offset to the other, where the line ends.
  std::uint64_t line_known_from_ = 0;
  std::uint64_t line_known_end_ = 0;
  bool is_ended_ = false;
  std::optional<Error> failure_;
};

}  // namespace capstan::app
