#include "component/tenant_options.h"

#include <gtest/gtest.h>

#include "config/document.h"

namespace capstan {
namespace {

struct Decoded {
  net::TenantOptions options;
  std::string findings;
};

Decoded decoded(const std::string& yaml) {
  PosixFileSystem files;
  config::Findings findings;
  const auto node = config::parse(
      yaml, "c.yaml", {[](const std::string& name) { return std::optional<std::string>("value of " + name); }, &files},
      findings);
  Decoded result{decode_tenant(node, "contoso", findings), {}};
  for (const auto& finding : findings.all()) result.findings += config::to_string(finding) + "\n";
  return result;
}

const std::string url = "api_url: https://contoso.eu2.portal.cloudappsecurity.com\n";

TEST(TenantOptions, AClientSecretIsReadWithItsDefaults) {
  const auto [options, findings] =
      decoded(url + "auth: {method: oauth2, tenant_id: dir, client_id: app, client_secret: \"${env:S}\"}\n");
  EXPECT_EQ(findings, "");
  EXPECT_EQ(options.name, "contoso");
  EXPECT_EQ(options.client_secret.reveal(), "value of S");
  EXPECT_EQ(options.authority, "https://login.microsoftonline.com");
  EXPECT_EQ(options.requests_per_minute, 25U);
}

TEST(TenantOptions, EachMethodSaysWhatItNeedsAndWhatItDoesNotUse) {
  EXPECT_NE(decoded(url + "auth: {method: oauth2, tenant_id: dir}\n").findings.find("needs the option \"client_id\""),
            std::string::npos);
  EXPECT_NE(decoded(url + "auth: {method: certificate, tenant_id: d, client_id: a}\n")
                .findings.find("auth method certificate needs the option \"certificate\""),
            std::string::npos);
  EXPECT_NE(decoded(url + "auth: {method: token}\n").findings.find("auth method token needs the option \"token\""),
            std::string::npos);
  EXPECT_NE(decoded(url + "auth: {method: token, token: \"${env:T}\", client_id: app}\n")
                .findings.find("c.yaml:2:53: auth method token does not use the option \"client_id\""),
            std::string::npos)
      << decoded(url + "auth: {method: token, token: \"${env:T}\", client_id: app}\n").findings;
  EXPECT_NE(decoded(url).findings.find("needs the option \"auth\""), std::string::npos);
}

TEST(TenantOptions, ATokenDoesNotTravelInClear) {
  const std::string auth = "auth: {method: token, token: \"${env:T}\"}\n";
  EXPECT_NE(decoded("api_url: http://contoso.example\n" + auth).findings.find("expected https://"), std::string::npos);
  EXPECT_NE(decoded("api_url: contoso.example\n" + auth).findings.find("expected an address"), std::string::npos);
  for (const auto* local : {"http://127.0.0.1:8080", "http://localhost:8080/api", "http://[::1]:9"})
    EXPECT_EQ(decoded("api_url: \"" + std::string(local) + "\"\n" + auth).findings, "") << local;
  EXPECT_NE(decoded("api_url: http://127.0.0.1.evil.example\n" + auth).findings.find("expected https://"),
            std::string::npos);
}

TEST(TenantOptions, ASecretInPlainTextIsRefused) {
  EXPECT_NE(decoded(url + "auth: {method: token, token: abc}\n").findings.find("E1008"), std::string::npos);
}

TEST(TenantOptions, MoreRequestsThanTheServiceAllowsAreAWarning) {
  const auto [options, findings] =
      decoded(url + "auth: {method: token, token: \"${env:T}\"}\nrequests_per_minute: 60\n");
  EXPECT_NE(findings.find("allows a tenant 30"), std::string::npos);
  EXPECT_EQ(options.requests_per_minute, 60U);
}

}  // namespace
}  // namespace capstan
