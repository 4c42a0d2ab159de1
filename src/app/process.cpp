#include "app/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace capstan::app {

namespace {

bool is_closed(int descriptor) { return ::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF; }

}  // namespace

void prepare_process() {
  // Opened in the wrong direction: whoever writes to a closed standard output must not believe that it arrived. Where
  // there is no /dev, a directory serves as well. The lowest free number is given (open(2)), so the order matters.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!is_closed(descriptor)) continue;
    if (::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
      static_cast<void>(::open("/", O_RDONLY | O_DIRECTORY));
  }
  ::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace capstan::app
