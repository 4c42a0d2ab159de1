// The Microsoft identity platform, client credentials (OAuth 2.0 v2 endpoint): what is asked and what the answer means.
// Pure but for OpenSSL: who sends it, and when, is tenant.cpp's business.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"
#include "net/tenant.h"

namespace capstan::net {

// How a client assertion is signed. The platform's page names PS256 with x5t#S256; older deployments knew only RS256
// with x5t (SHA-1), so that is what is tried once where the first is not accepted.
enum class Signing { ps256, rs256 };

struct Assertion {
  std::string audience;
  std::string client_id;
  std::string token_id;  // jti: unique for each
  Timestamp now;
};
// A signed JWT. `pem` holds the certificate and its private key. Fails with assertion_refused when it does not, or
// when the two do not belong together.
Result<Secret> sign_assertion(const Secret& pem, const Assertion& assertion, Signing signing);

std::string token_url(const TenantOptions& options);
// The form for a token of the MDCA API, by secret or by assertion.
Secret token_form(const TenantOptions& options, const Secret* assertion);

struct AccessToken {
  Secret authorization;  // "Bearer …"
  Duration life{};
};
// Errors: secret_expired, secret_wrong, application_unknown, directory_unknown, assertion_refused,
// token_request_refused, throttled, service_unavailable, unexpected_answer.
Result<AccessToken> read_token(const Response& response, std::string_view url, Timestamp now);
// The number behind AADSTS, or 0.
std::int64_t aadsts_code(std::string_view body);

}  // namespace capstan::net
