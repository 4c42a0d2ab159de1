// What a person sees of the demonstration while it runs: some lines that are redrawn on a terminal, else one line a
// second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/program.h"
#include "base/time.h"

namespace capstan::app {

struct DemoFigures {
  std::uint64_t shown_about = 0;  // by the tenant so far; an estimate, the truth is asked for at the end
  std::uint64_t collected = 0;
  std::uint64_t delivered = 0;
  std::uint64_t backlog = 0;
  std::uint64_t arrived = 0;
  std::uint64_t resident_bytes = 0;
  std::string trouble;  // the newest error; empty: none
};

class DemoView {
public:
  DemoView(Streams& streams, Duration length) : streams_(streams), length_(length) {}
  void show(const DemoFigures& figures, Duration elapsed);
  // How long to wait between two pictures.
  Duration interval() const;

private:
  void redraw(const DemoFigures& figures, Duration elapsed, double rate);

  Streams& streams_;
  Duration length_;
  int lines_ = 0;
  std::uint64_t arrived_before_ = 0;
  Duration elapsed_before_{};
  double rate_ = 0;
};

// The distinct ids of the truth's lines ({"feed":…,"id":…,…} each).
std::vector<std::string> ids_of_truth(std::string_view ndjson);

}  // namespace capstan::app
