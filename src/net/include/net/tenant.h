// One tenant of Defender for Cloud Apps: its address, its credentials, its budget. Sources ask through it, so that a
// token is had once, renewed before it ends, and the budget is one. Any thread may call.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "net/governor.h"
#include "net/http.h"

namespace capstan::net {

// tenants.X in the configuration (decoded in component/tenant_options.h).
struct TenantOptions {
  enum class Method { oauth2, certificate, token };
  std::string name;  // X
  std::string
      api_url;  // with or without a path: https://contoso.eu2.portal.cloudappsecurity.com[/cas/api/v1 | /api/v1 | /api]
  Method method = Method::oauth2;
  std::string authority = "https://login.microsoftonline.com";  // national clouds have their own
  std::string tenant_id;
  std::string client_id;
  Secret client_secret;  // oauth2
  Secret certificate;    // certificate: PEM, certificate and private key
  Secret token;          // token: legacy API token
  Secret files_token;    // legacy API token for the files feed; application tokens are refused there
  Egress egress;
  unsigned requests_per_minute = 25;
};

class Tenant {
public:
  enum class Credential { main, files };

  Tenant(TenantOptions options, const Clock& clock, HttpClient& http);
  ~Tenant();

  const std::string& name() const;
  Governor& governor();
  bool has_files_token() const;
  // POST `path` (e.g. "activities/", below the API base) with a JSON body. Gets or renews the token (5 minutes before
  // it ends; once more after a 401). Statuses become errors: 400 request_refused, 401 token_refused (or
  // wrong_data_centre), 403 permission_missing, 404 endpoint_not_found, 429/503/"throttled" throttled with the pause
  // (also told to the governor; 60 s where the answer names none), other 5xx service_unavailable, a 200 that is not
  // JSON unexpected_answer. The sentence carries the service's own words
  // (`detail`, `error_description`), at most 300 characters. The permit is the caller's business.
  Result<Response> post(std::string_view path, std::string body, Credential credential, const Call& call);
  // For `check --live`: gets a token only.
  Result<> authenticate(Credential credential, const Call& call);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::net
