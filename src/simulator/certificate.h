// What the embedded tenant needs of X.509 and signatures.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace capstan::simulator {

struct SelfSigned {
  std::string certificate_pem;
  std::string private_key_pem;
};
// For "localhost" and one address, valid from an hour ago for a year.
Result<SelfSigned> make_self_signed(const std::string& address);

bool is_certificate(std::string_view pem);
// A JWT signature by the certificate's key: RS256 or PS256 (RFC 7518 3.3, 3.5) over `signed_text`.
bool verify_signature(std::string_view certificate_pem, std::string_view algorithm, std::string_view signed_text,
                      std::string_view signature);

}  // namespace capstan::simulator
