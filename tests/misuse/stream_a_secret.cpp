// A secret cannot be written to a stream.
#include <iostream>

#include "base/secret.h"

void show(const capstan::Secret& secret) { std::cout << secret; }
