// A secret cannot be formatted.
#include <fmt/format.h>

#include "base/secret.h"

std::string shown(const capstan::Secret& secret) { return fmt::format("{}", secret); }
