// How far a long reading of files is: one line on a terminal, redrawn in place.
//   42 %  1.2 GB of 2.9 GB  812 MB/s  1,234 kept of 1,000,000 read  about 3 s left
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "base/clock.h"

namespace capstan::app {

class Progress {
public:
  // Draws to `out`, at most four times a second; nothing where there is no total (a stream, or no terminal).
  Progress(std::ostream& out, const Clock& clock, std::optional<std::uint64_t> total_bytes);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add_bytes(std::uint64_t bytes);
  void add_record(bool is_kept) {
    ++read_;
    if (is_kept) ++kept_;
  }
  // Takes the line away, so that something else can be written there.
  void clear();

private:
  std::string line(Duration since_start) const;

  std::ostream& out_;
  const Clock& clock_;
  std::optional<std::uint64_t> total_;
  MonotonicTime start_;
  MonotonicTime next_;
  std::uint64_t bytes_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t kept_ = 0;
  bool is_drawn_ = false;
};

}  // namespace capstan::app
