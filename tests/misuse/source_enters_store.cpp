// A source knows no journal: it answers what came after a checkpoint.
#include "store/journal.h"
