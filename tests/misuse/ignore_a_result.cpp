// A Result cannot be ignored.
#include "base/result.h"

capstan::Result<> write();

void forget() { write(); }
