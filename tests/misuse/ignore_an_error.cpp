// An Error that was made cannot be ignored.
#include "base/error.h"

capstan::Error look();

void forget() { look(); }
