// A sink knows nothing of who calls it.
#include "runtime/engine.h"
