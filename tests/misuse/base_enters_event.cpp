// The ground floor knows nothing of what is built on it.
#include "event/record.h"
