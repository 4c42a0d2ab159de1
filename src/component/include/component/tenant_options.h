// tenants.X of the configuration, and what it means to net::Tenant.
//
//   contoso:
//     api_url: https://contoso.eu2.portal.cloudappsecurity.com
//     auth: {method: oauth2, tenant_id: …, client_id: …, client_secret: ${file:/run/credentials/contoso}}
//     files_token: ${env:FILES_TOKEN}
#pragma once

#include <string>

#include "config/schema.h"
#include "net/tenant.h"

namespace capstan {

struct TenantAuth {
  net::TenantOptions::Method method = net::TenantOptions::Method::oauth2;
  std::string authority = "https://login.microsoftonline.com";
  std::string tenant_id;
  std::string client_id;
  Secret client_secret;
  Secret certificate;
  Secret token;
};

struct TenantDeclaration {
  std::string api_url;
  TenantAuth auth;
  Secret files_token;
  std::string proxy;
  Secret proxy_password;
  std::string ca_file;
  unsigned requests_per_minute = 25;
};

config::Schema<TenantDeclaration> tenant_schema();

// Reads tenants.`name`; findings say what is wrong, and what could not be read keeps its default.
net::TenantOptions decode_tenant(const config::Node& node, const std::string& name, config::Findings& findings);

}  // namespace capstan
