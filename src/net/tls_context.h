// The OpenSSL side of a TLS client: context, verification, client certificate, and its errors in words.
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "net/stream.h"

namespace capstan::net {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeConnection {
  void operator()(SSL* connection) const { SSL_free(connection); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;
using TlsConnection = std::unique_ptr<SSL, FreeConnection>;

// TLS 1.2 or newer; verifies as the options say. Errors: destination_tls_failed (a CA file or client certificate that
// cannot be used).
Result<TlsContext> make_tls_context(const TlsOptions& options);
// Sets the name (or IP address) that the certificate must carry and, for a name, SNI.
Result<> expect_server_name(SSL* connection, const std::string& name);

// What OpenSSL says happened last on this thread ("tlsv1 alert unknown ca"); empties its queue.
std::string tls_error_words();
// Why the peer's certificate was refused, in the words of this house; empty when it was not.
std::string verification_words(const SSL* connection, const std::string& expected_name);

}  // namespace capstan::net
