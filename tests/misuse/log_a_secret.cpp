// A secret cannot be a field of a log line.
#include "base/log.h"
#include "base/secret.h"

capstan::log::Field field(const capstan::Secret& secret) { return capstan::log::Field("secret", secret); }
