#include <unistd.h>

#include <iostream>

#include "app/process.h"
#include "app/program.h"

int main(int count, char** words) {
  capstan::app::prepare_process();
  std::ios::sync_with_stdio(false);
  capstan::app::Streams streams{.in = std::cin,
                                .out = std::cout,
                                .err = std::cerr,
                                .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                                .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                                .in_is_terminal = ::isatty(STDIN_FILENO) == 1};
  return capstan::app::main({words + 1, words + count}, streams);
}
