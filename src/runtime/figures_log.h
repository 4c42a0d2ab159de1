// The line every five minutes: one a source, one a route, one for memory; since the start, since the last line.
#pragma once

#include <map>
#include <string>

#include "runtime/status.h"

namespace capstan::runtime {

constexpr std::chrono::minutes figures_every{5};

class FiguresLog {
public:
  void write(const Status& status);

private:
  std::map<std::string, std::uint64_t> journaled_;
  std::map<std::string, std::uint64_t> delivered_;
  Duration written_at_{};  // uptime
};

}  // namespace capstan::runtime
