// Host names to addresses, bounded by a Call. getaddrinfo(3) can neither be interrupted nor given a time: a name server
// that does not answer holds it for half a minute and longer. So it runs on a thread of its own, and a caller leaves
// when its Call ends, whatever the system's resolver does.
#pragma once

#include <vector>

#include "net/stream.h"

namespace capstan::net {

// The addresses of `to.host` in the order that the system prefers (RFC 6724), each once, never none: the host as a
// numeric literal ("192.0.2.7", "fe80::1%eth0"), the port as it was given. A literal is not looked up. Nothing is
// cached: every call asks the system again, or waits for a look-up of this name that is under way.
// Errors: name_not_resolved (also when no answer came within call.timeout), interrupted (call.stop). Any thread may
// call.
Result<std::vector<Address>> resolve(const Address& to, const Call& call);

}  // namespace capstan::net
