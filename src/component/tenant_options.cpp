#include "component/tenant_options.h"

#include <fmt/format.h>

#include <string_view>

namespace capstan {

namespace {

using config::Findings;
using config::Node;
using Method = net::TenantOptions::Method;

std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  if (url.starts_with('[')) return url.substr(0, url.find(']') + 1);
  return url.substr(0, url.find(':'));
}

// Plain HTTP would send tokens in clear; to this machine itself (the embedded tenant) it may.
bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

void check_url(std::string_view option, const std::string& url, const Node& at, Findings& findings) {
  const auto host = host_of(url);
  const bool is_https = url.starts_with("https://");
  const bool is_http = url.starts_with("http://");
  const Node* own = at.find(option);
  const config::Place& place = own == nullptr ? at.place : own->place;
  if ((!is_https && !is_http) || host.empty())
    findings.add(
        ErrorCode::wrong_value, place,
        fmt::format("{}: expected an address such as https://contoso.eu2.portal.cloudappsecurity.com, got \"{}\"",
                    option, url));
  else if (is_http && !is_loopback(host))
    findings.add(ErrorCode::wrong_value, place,
                 fmt::format("{}: expected https:// (a token must not travel in clear), got \"{}\"", option, url));
}

// Each method needs its own options; one that another method needs is most likely a misunderstanding.
void method_has_what_it_needs(const TenantAuth& auth, const Node& at, Findings& findings) {
  struct Part {
    std::string_view option;
    bool is_given;
    bool oauth2, certificate, token;  // who needs it
  };
  const bool tenant_id = !auth.tenant_id.empty();
  const bool client_id = !auth.client_id.empty();
  const Part parts[] = {
      {"tenant_id", tenant_id, true, true, false},
      {"client_id", client_id, true, true, false},
      {"client_secret", !auth.client_secret.is_empty(), true, false, false},
      {"certificate", !auth.certificate.is_empty(), false, true, false},
      {"token", !auth.token.is_empty(), false, false, true},
  };
  const std::string_view method = auth.method == Method::oauth2        ? "oauth2"
                                  : auth.method == Method::certificate ? "certificate"
                                                                       : "token";
  for (const auto& [option, is_given, oauth2, certificate, token] : parts) {
    const bool is_needed = auth.method == Method::oauth2        ? oauth2
                           : auth.method == Method::certificate ? certificate
                                                                : token;
    if (is_needed && !is_given)
      findings.add(ErrorCode::missing_option, at.place,
                   fmt::format("auth method {} needs the option \"{}\"", method, option));
    if (!is_needed && is_given)
      findings.add(ErrorCode::conflicting_options, at.find(option) == nullptr ? at.place : at.find(option)->place,
                   fmt::format("auth method {} does not use the option \"{}\"", method, option));
  }
  if (auth.method != Method::token) check_url("authority", auth.authority, at, findings);
}

config::Schema<TenantAuth> auth_schema() {
  config::Schema<TenantAuth> s;
  s.choice("method", &TenantAuth::method,
           {{"oauth2", Method::oauth2}, {"certificate", Method::certificate}, {"token", Method::token}},
           "application with a client secret, application with a certificate, or a legacy API token");
  s.option("authority", &TenantAuth::authority, "the identity platform; national clouds have their own")
      .example("https://login.microsoftonline.us");
  s.option("tenant_id", &TenantAuth::tenant_id, "the directory (tenant) id of the application")
      .example("0f0a6f0e-6f5d-4f0f-9d6b-2f1f0a3b4c5d");
  s.option("client_id", &TenantAuth::client_id, "the application (client) id")
      .example("5c1d2e3f-0a1b-4c2d-8e3f-4a5b6c7d8e9f");
  s.option("client_secret", &TenantAuth::client_secret, "the value of the client secret (oauth2)")
      .example("${file:/run/credentials/contoso}");
  s.option("certificate", &TenantAuth::certificate, "certificate and private key, PEM (certificate)")
      .example("${file:/etc/capstan/contoso.pem}");
  s.option("token", &TenantAuth::token, "the legacy API token (token)").example("${env:MDCA_TOKEN}");
  s.rule(method_has_what_it_needs);
  return s;
}

}  // namespace

config::Schema<TenantDeclaration> tenant_schema() {
  config::Schema<TenantDeclaration> s;
  s.option("api_url", &TenantDeclaration::api_url,
           "the API URL that the portal shows under Settings > Cloud Apps > System > About, with or without a path")
      .required()
      .example("https://contoso.eu2.portal.cloudappsecurity.com");
  s.object("auth", &TenantDeclaration::auth, auth_schema(), "how Capstan identifies itself").required();
  s.option("files_token", &TenantDeclaration::files_token,
           "a legacy API token for the feed files, where the service refuses application tokens")
      .example("${file:/run/credentials/contoso-files}");
  s.option("proxy", &TenantDeclaration::proxy, "an HTTP proxy; the environment is not asked")
      .example("http://user@proxy.example:3128");
  s.option("proxy_password", &TenantDeclaration::proxy_password, "the proxy's password")
      .example("${env:PROXY_PASSWORD}");
  s.option("ca_file", &TenantDeclaration::ca_file, "certificate authorities (PEM) instead of the system's")
      .example("/etc/ssl/company-ca.pem");
  s.option("requests_per_minute", &TenantDeclaration::requests_per_minute,
           "Capstan's share of the 30 requests a minute that the service allows a tenant")
      .range<unsigned>(1, 1'000'000);
  s.rule([](const TenantDeclaration& tenant, const Node& at, Findings& findings) {
    check_url("api_url", tenant.api_url, at, findings);
    if (tenant.requests_per_minute > 30 && !is_loopback(host_of(tenant.api_url)))
      findings.warn(ErrorCode::wrong_value, at.place,
                    fmt::format("requests_per_minute: the service allows a tenant 30, got {}; expect to be throttled",
                                tenant.requests_per_minute));
  });
  return s;
}

net::TenantOptions decode_tenant(const config::Node& node, const std::string& name, config::Findings& findings) {
  TenantDeclaration declared = tenant_schema().decode(node, "tenant " + name, findings);
  net::TenantOptions options;
  options.name = name;
  options.api_url = std::move(declared.api_url);
  options.method = declared.auth.method;
  options.authority = std::move(declared.auth.authority);
  options.tenant_id = std::move(declared.auth.tenant_id);
  options.client_id = std::move(declared.auth.client_id);
  options.client_secret = std::move(declared.auth.client_secret);
  options.certificate = std::move(declared.auth.certificate);
  options.token = std::move(declared.auth.token);
  options.files_token = std::move(declared.files_token);
  options.egress = {std::move(declared.proxy), std::move(declared.proxy_password), std::move(declared.ca_file)};
  options.requests_per_minute = declared.requests_per_minute;
  return options;
}

}  // namespace capstan
