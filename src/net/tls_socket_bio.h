// How OpenSSL reaches our socket: its own socket BIO calls write(2), which raises SIGPIPE when the peer has gone; this
// one calls send(2) with MSG_NOSIGNAL.
#pragma once

#include <openssl/bio.h>

namespace capstan::net {

// A BIO over a connected, non-blocking socket that stays the caller's. nullptr when OpenSSL has no memory.
BIO* make_socket_bio(int descriptor);

}  // namespace capstan::net
