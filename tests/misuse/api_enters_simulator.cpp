// Nobody but the program and tests sees the embedded tenant.
#include "simulator/simulator.h"
