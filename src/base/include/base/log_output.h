// Where log lines go: a descriptor that may be a file, a terminal, a pipe or a socket, and whose reader may be slow or
// gone. Writing to it never waits: what cannot be written at once is kept, up to a limit, and dropped and counted
// beyond it. Any thread may call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace capstan::log {

class Output {
public:
  // The descriptor stays the caller's and is left in the mode that it has: others may share it.
  explicit Output(int descriptor, std::size_t kept_max = std::size_t{256} << 10);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Text that ends with a line feed.
  void write(std::string_view lines);
  // Writes what is kept, as far as it goes without waiting. True when nothing is left.
  bool flush();
  // Lines dropped since the last call; 0 also while nothing can be written, so that the answer can be told.
  std::uint64_t take_dropped();

private:
  bool flush_locked();
  long write_some(std::string_view bytes);
  void drop(std::string_view lines);

  enum class Way : std::uint8_t {
    never_waits,  // a file, or a pipe or terminal that could be opened anew without waiting
    socket,       // each send says that it does not want to wait
    asked_first,  // poll(2) says whether a small write would wait
  };

  const std::size_t kept_max_;
  int descriptor_;
  bool is_own_ = false;  // opened here
  Way way_ = Way::asked_first;
  std::mutex mutex_;
  std::string kept_;
  bool is_failing_ = false;      // the last attempt was an error
  bool is_within_line_ = false;  // the last line was broken off by an error
  std::uint64_t dropped_ = 0;
};

}  // namespace capstan::log
