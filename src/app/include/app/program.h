// The program behind main(): what the command line says is done, the exit code comes back. Tests call it with streams
// of their own.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace capstan::app {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Colours and the redrawn view of the demo only there.
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
};

// What the shell sees.
constexpr int exit_done = 0;
constexpr int exit_not_done = 1;        // it did not work
constexpr int exit_wrong_usage = 2;     // the command line
constexpr int exit_configuration = 78;  // EX_CONFIG of sysexits.h: systemd does not start us again

// `arguments` without the program's own name.
int main(const std::vector<std::string>& arguments, Streams& streams);

}  // namespace capstan::app
