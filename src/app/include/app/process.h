// What a process owes to the one that started it, before it does anything else.
#pragma once

namespace capstan::app {

// Occupies standard input, output and error where they are closed, so that no file that is opened later becomes one of
// them; reading and writing them is an error as before. A file that reaches the limit on file sizes becomes an error of
// that file (EFBIG) and no longer ends the process (SIGXFSZ). Call it first, with one thread.
void prepare_process();

}  // namespace capstan::app
