// Text does not become a secret silently, nor a secret text.
#include <string>

#include "base/secret.h"

std::string text(const capstan::Secret& secret) { return secret; }
