#include "net/tenant.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <boost/json.hpp>
#include <deque>

#include "oauth.h"
#include "service_words.h"

namespace capstan::net {
namespace {

namespace json = boost::json;

class HandClock final : public Clock {
public:
  Timestamp now() const override { return wall + passed; }
  MonotonicTime monotonic() const override { return MonotonicTime{std::chrono::hours(5) + passed}; }
  Timestamp wall = from_epoch_ms(1'790'000'000'000);
  std::chrono::milliseconds passed{0};
};

// Answers from a script, one for the platform and one for the service; the last answer of each is repeated.
class Scripted final : public HttpClient {
public:
  struct Asked {
    std::string url, authorization, body;
  };
  std::vector<Asked> asked;
  std::deque<Response> platform;
  std::deque<Response> service;

  Result<Response> send(const Request& request, const Call&) override {
    asked.push_back({request.url, std::string(request.authorization.reveal()), std::string(request.body.reveal())});
    auto& script = request.url.find("/oauth2/") != std::string::npos ? platform : service;
    Response response = script.front();
    if (script.size() > 1) script.pop_front();
    return response;
  }
  std::size_t tokens_asked() const {
    return static_cast<std::size_t>(std::count_if(
        asked.begin(), asked.end(), [](const Asked& a) { return a.url.find("/oauth2/") != std::string::npos; }));
  }
};

Response answer(int status, std::string body, std::vector<Header> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}
Response token(const std::string& text) {
  return answer(200, R"({"token_type":"Bearer","expires_in":3599,"access_token":")" + text + R"("})");
}
Response refused_token(int status, std::int64_t code) {
  return answer(status, R"({"error":"invalid_client","error_description":"AADSTS)" + std::to_string(code) +
                            R"(: it does not work.\r\nTrace ID: x","error_codes":[)" + std::to_string(code) + "]}");
}

class TenantTest : public testing::Test {
protected:
  TenantTest() {
    options.name = "contoso";
    options.api_url = "https://contoso.eu2.portal.cloudappsecurity.com";
    options.tenant_id = "dir";
    options.client_id = "app id";
    options.client_secret = Secret("s3cr&t value");
    http.platform = {token("first")};
    http.service = {answer(200, R"({"data":[]})")};
  }
  Tenant& tenant() {
    if (!made_) made_ = std::make_unique<Tenant>(options, clock, http);
    return *made_;
  }
  Result<Response> post(Tenant::Credential credential = Tenant::Credential::main) {
    return tenant().post("alerts/", R"({"limit":1})", credential, {});
  }
  Error error_of(Response response) {
    http.service = {std::move(response)};
    auto result = post();
    if (result) {
      ADD_FAILURE() << "expected an error";
      return {ErrorCode::internal, "none"};
    }
    return result.error();
  }

  HandClock clock;
  Scripted http;
  TenantOptions options;

private:
  std::unique_ptr<Tenant> made_;
};

TEST_F(TenantTest, GetsATokenOnceAndUsesIt) {
  ASSERT_TRUE(post());
  ASSERT_TRUE(post());
  ASSERT_EQ(http.asked.size(), 3U);
  EXPECT_EQ(http.asked[0].url, "https://login.microsoftonline.com/dir/oauth2/v2.0/token");
  EXPECT_EQ(http.asked[0].body,
            "grant_type=client_credentials&client_id=app%20id&scope=05a65629-4c1b-48c1-a78b-804c4abdd4af%2F.default&"
            "client_secret=s3cr%26t%20value");
  EXPECT_EQ(http.asked[2].url, "https://contoso.eu2.portal.cloudappsecurity.com/api/v1/alerts/");
  EXPECT_EQ(http.asked[2].authorization, "Bearer first");
}

TEST_F(TenantTest, RenewsFiveMinutesBeforeTheEndByTheMonotonicClock) {
  http.platform = {token("first"), token("second")};
  ASSERT_TRUE(post());
  clock.wall += std::chrono::hours(100);  // a jump is not an end
  ASSERT_TRUE(post());
  EXPECT_EQ(http.tokens_asked(), 1U);
  clock.passed += std::chrono::seconds(3599 - 300);
  ASSERT_TRUE(post());
  EXPECT_EQ(http.asked.back().authorization, "Bearer second");
}

TEST_F(TenantTest, ARenewalThatFailsDoesNotEndATokenThatLives) {
  http.platform = {token("first"), answer(500, "")};
  ASSERT_TRUE(post());
  clock.passed += std::chrono::seconds(3400);
  EXPECT_TRUE(post());
  EXPECT_TRUE(post());
  EXPECT_EQ(http.tokens_asked(), 2U) << "the platform is not hammered";
  clock.passed += std::chrono::seconds(200);
  const auto late = post();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::service_unavailable);
}

TEST_F(TenantTest, ARefusedTokenIsRenewedOnce) {
  http.platform = {token("first"), token("second")};
  http.service = {answer(401, R"({"detail":"Invalid token"})"), answer(200, "{}")};
  ASSERT_TRUE(post());
  EXPECT_EQ(http.asked.back().authorization, "Bearer second");
  const Error error = error_of(answer(401, R"({"detail":"Invalid token"})"));
  EXPECT_EQ(error.code(), ErrorCode::token_refused);
  EXPECT_EQ(http.tokens_asked(), 3U);
}

TEST_F(TenantTest, LegacyTokensAreSentAsSuchAndNotRenewed) {
  options.files_token = Secret("files-key");
  ASSERT_TRUE(post(Tenant::Credential::files));
  EXPECT_EQ(http.asked.back().authorization, "Token files-key");
  EXPECT_EQ(http.tokens_asked(), 0U);
  EXPECT_TRUE(tenant().has_files_token());
  http.service = {answer(401, R"({"detail":"Invalid token"})")};
  EXPECT_EQ(post(Tenant::Credential::files).error().code(), ErrorCode::token_refused);
  EXPECT_EQ(http.tokens_asked(), 0U);
}

TEST_F(TenantTest, AMainLegacyTokenOpensTheFilesAsWell) {
  options.method = TenantOptions::Method::token;
  options.token = Secret("main-key");
  EXPECT_TRUE(tenant().has_files_token());
  ASSERT_TRUE(post());
  ASSERT_TRUE(post(Tenant::Credential::files));
  EXPECT_EQ(http.asked.back().authorization, "Token main-key");
}

TEST_F(TenantTest, TheAddressMayHaveAPath) {
  for (const auto& [url, expected] : std::vector<std::pair<std::string, std::string>>{
           {"https://x.example", "https://x.example/api/v1/alerts/"},
           {"https://x.example/", "https://x.example/api/v1/alerts/"},
           {"https://x.example/api", "https://x.example/api/v1/alerts/"},
           {"https://x.example/api/v1/", "https://x.example/api/v1/alerts/"},
           {"https://x.example/cas/api/v1", "https://x.example/cas/api/v1/alerts/"}}) {
    options.api_url = url;
    Tenant other(options, clock, http);
    ASSERT_TRUE(other.post("alerts/", "{}", Tenant::Credential::main, {}));
    EXPECT_EQ(http.asked.back().url, expected);
  }
}

TEST_F(TenantTest, EveryStatusIsAnErrorOfTheCatalogueInTheServicesWords) {
  const Error bad = error_of(answer(400, R"({"filters":[{"error":"x is not valid"}],"error":true})"));
  EXPECT_EQ(bad.code(), ErrorCode::request_refused);
  EXPECT_EQ(
      bad.sentence(),
      "POST https://contoso.eu2.portal.cloudappsecurity.com/api/v1/alerts/ answered 400: filters: x is not valid");
  EXPECT_EQ(error_of(answer(401, R"({"detail": "Invalid JSON Web Key Set"})")).code(), ErrorCode::wrong_data_centre);
  EXPECT_EQ(error_of(answer(403, R"({"detail":"tenant not found"})")).code(), ErrorCode::wrong_data_centre);
  EXPECT_EQ(error_of(answer(403, R"({"detail":"Insufficient role based permissions"})")).code(),
            ErrorCode::permission_missing);
  EXPECT_EQ(error_of(answer(404, R"({"detail":"Not found."})")).code(), ErrorCode::endpoint_not_found);
  EXPECT_EQ(error_of(answer(500, "")).code(), ErrorCode::service_unavailable);
  EXPECT_EQ(error_of(answer(502, "<html>Bad gateway</html>")).code(), ErrorCode::service_unavailable);
  EXPECT_EQ(error_of(answer(302, "")).code(), ErrorCode::unexpected_answer);
  const Error html = error_of(answer(200, "<!DOCTYPE html><style>p{}</style><p>Sign in\n to <b>Portal</b></p>"));
  EXPECT_EQ(html.code(), ErrorCode::unexpected_answer);
  EXPECT_NE(html.sentence().find("answered 200: Sign in to Portal (expected JSON)"), std::string::npos)
      << html.sentence();
}

TEST_F(TenantTest, AThrottleSaysHowLongAndHoldsTheGovernor) {
  const auto pause = [&](Response response) {
    const Error error = error_of(std::move(response));
    EXPECT_EQ(error.code(), ErrorCode::throttled);
    return error.pause().value_or(Duration(-1));
  };
  EXPECT_EQ(pause(answer(429, "", {{"retry-after", "7"}})), std::chrono::seconds(7));
  EXPECT_EQ(tenant().governor().acquire(Urgency::alerts), std::chrono::seconds(7));
  EXPECT_EQ(
      pause(answer(429, "",
                   {{"Retry-After", "Tue, 24 Nov 2026 16:00:30 GMT"}, {"Date", "Tue, 24 Nov 2026 16:00:00 GMT"}})),
      std::chrono::seconds(30));
  EXPECT_EQ(pause(answer(429, R"({"detail":"Request was throttled. Expected available in 23 seconds."})")),
            std::chrono::seconds(23));
  EXPECT_EQ(pause(answer(429, R"({"error":{"message":"You can resume requests in 2 minutes."}})")),
            std::chrono::minutes(2));
  EXPECT_EQ(pause(answer(429, "")), std::chrono::seconds(60));
  EXPECT_EQ(pause(answer(503, "")), std::chrono::seconds(60));
  EXPECT_EQ(pause(answer(200, R"({"detail":"Request was throttled."})")), std::chrono::seconds(60));
  EXPECT_EQ(pause(answer(500, R"({"detail":"throttled"})")), std::chrono::seconds(60));
  EXPECT_EQ(pause(answer(429, "", {{"Retry-After", "99999999"}})), std::chrono::hours(1));
  EXPECT_EQ(pause(answer(429, "", {{"Retry-After", "0"}})), std::chrono::seconds(1));
  http.service = {answer(200, R"({"data":[{"description":"a user was throttled"}]})")};
  EXPECT_TRUE(post()) << "records may speak of throttling";
}

TEST_F(TenantTest, ThePlatformsRefusalsAreToldApart) {
  const auto code = [&](Response response) {
    http.platform = {std::move(response)};
    Tenant other(options, clock, http);
    const auto result = other.authenticate(Tenant::Credential::main, {});
    return result ? ErrorCode::internal : result.error().code();
  };
  EXPECT_EQ(code(refused_token(401, 7000222)), ErrorCode::secret_expired);
  EXPECT_EQ(code(refused_token(401, 7000215)), ErrorCode::secret_wrong);
  EXPECT_EQ(code(refused_token(400, 700016)), ErrorCode::application_unknown);
  EXPECT_EQ(code(refused_token(400, 90002)), ErrorCode::directory_unknown);
  EXPECT_EQ(code(refused_token(401, 700027)), ErrorCode::assertion_refused);
  EXPECT_EQ(code(refused_token(400, 70011)), ErrorCode::token_request_refused);
  EXPECT_EQ(code(answer(429, "")), ErrorCode::throttled);
  EXPECT_EQ(code(answer(503, "")), ErrorCode::service_unavailable);
  EXPECT_EQ(code(answer(200, "<html>proxy</html>")), ErrorCode::unexpected_answer);
  EXPECT_EQ(code(answer(200, "{}")), ErrorCode::unexpected_answer);
}

TEST_F(TenantTest, NoSecretGetsIntoASentence) {
  http.platform = {token("bearer-token-text")};
  const Error error = error_of(answer(400, R"({"detail":"what is s3cr&t value or bearer-token-text?"})"));
  EXPECT_EQ(error.sentence().find("s3cr&t"), std::string::npos);
  EXPECT_EQ(error.sentence().find("bearer-token-text"), std::string::npos);
  EXPECT_NE(error.sentence().find("what is ***"), std::string::npos);
}

// --- certificates ---

std::string pem_of(const std::function<void(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free_all(bio);
  return pem;
}

struct SelfSigned {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* certificate = X509_new();
  SelfSigned() {
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
  }
  ~SelfSigned() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  SelfSigned(const SelfSigned&) = delete;
  SelfSigned& operator=(const SelfSigned&) = delete;
  std::string certificate_pem() const {
    return pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
  }
  std::string key_pem() const {
    return pem_of([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  }
};

std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const std::size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

struct Jwt {
  json::object header, payload;
  std::string signed_text, signature;
};
Jwt jwt_in(const std::string& form) {
  std::string text = form.substr(form.find("client_assertion=") + 17);
  const auto first = text.find('.');
  const auto second = text.find('.', first + 1);
  return {json::parse(from_base64url(text.substr(0, first))).as_object(),
          json::parse(from_base64url(text.substr(first + 1, second - first - 1))).as_object(), text.substr(0, second),
          from_base64url(text.substr(second + 1))};
}

bool verifies(const Jwt& jwt, EVP_PKEY* key, bool is_pss) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), nullptr, key);
  if (is_pss) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32);
  }
  const int result =
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(jwt.signature.data()), jwt.signature.size(),
                       reinterpret_cast<const unsigned char*>(jwt.signed_text.data()), jwt.signed_text.size());
  EVP_MD_CTX_free(context);
  return result == 1;
}

TEST_F(TenantTest, ACertificateSignsWithPs256AndFallsBackOnce) {
  const SelfSigned own;
  options.method = TenantOptions::Method::certificate;
  options.certificate = Secret(own.certificate_pem() + own.key_pem());
  http.platform = {refused_token(401, 700027), token("by rs256")};
  ASSERT_TRUE(post());
  ASSERT_EQ(http.tokens_asked(), 2U);
  const Jwt modern = jwt_in(http.asked[0].body);
  EXPECT_EQ(modern.header.at("alg"), "PS256");
  EXPECT_TRUE(modern.header.contains("x5t#S256"));
  EXPECT_TRUE(verifies(modern, own.key, true));
  EXPECT_EQ(modern.payload.at("aud"), "https://login.microsoftonline.com/dir/oauth2/v2.0/token");
  EXPECT_EQ(modern.payload.at("iss"), "app id");
  EXPECT_EQ(modern.payload.at("sub"), "app id");
  EXPECT_EQ(modern.payload.at("exp").as_int64() - modern.payload.at("nbf").as_int64(), 600);
  const Jwt older = jwt_in(http.asked[1].body);
  EXPECT_EQ(older.header.at("alg"), "RS256");
  EXPECT_TRUE(older.header.contains("x5t"));
  EXPECT_TRUE(verifies(older, own.key, false));
  EXPECT_NE(older.payload.at("jti"), modern.payload.at("jti"));
}

TEST_F(TenantTest, ACertificateThatIsRefusedEitherWaySaysSo) {
  const SelfSigned own;
  options.method = TenantOptions::Method::certificate;
  options.certificate = Secret(own.certificate_pem() + own.key_pem());
  http.platform = {refused_token(401, 700027)};
  EXPECT_EQ(post().error().code(), ErrorCode::assertion_refused);
  EXPECT_EQ(http.tokens_asked(), 2U);
}

TEST_F(TenantTest, AWrongLocalClockDoesNotSpoilAnAssertion) {
  const SelfSigned own;
  options.method = TenantOptions::Method::certificate;
  options.certificate = Secret(own.certificate_pem() + own.key_pem());
  Response too_early = refused_token(401, 700024);
  too_early.headers.push_back({"Date", "Tue, 24 Nov 2026 16:00:00 GMT"});
  http.platform = {too_early, token("in time")};
  ASSERT_TRUE(post());
  EXPECT_EQ(jwt_in(http.asked[1].body).payload.at("nbf").as_int64(),
            epoch_ms(*parse_http_date("Tue, 24 Nov 2026 16:00:00 GMT")) / 1000);
}

TEST_F(TenantTest, ACertificateThatCannotSignIsExplained) {
  const SelfSigned own;
  const SelfSigned other;
  options.method = TenantOptions::Method::certificate;
  const auto sentence = [&](const std::string& pem) {
    options.certificate = Secret(pem);
    Tenant tenant(options, clock, http);
    const auto result = tenant.authenticate(Tenant::Credential::main, {});
    return result ? std::string("signed") : result.error().text();
  };
  EXPECT_NE(sentence("nothing").find("expected a certificate in PEM form"), std::string::npos);
  EXPECT_NE(sentence(own.certificate_pem()).find("expected a private key"), std::string::npos);
  EXPECT_NE(sentence(own.certificate_pem() + other.key_pem()).find("does not belong"), std::string::npos);
  EXPECT_EQ(sentence(own.key_pem() + own.certificate_pem()), "signed") << "the order does not matter";
}

TEST(ServiceWords, AreOneShortLine) {
  EXPECT_EQ(service_words(""), "");
  EXPECT_EQ(service_words(R"({"error_description":"AADSTS1: a.\r\nTrace ID: b"})"), "AADSTS1: a. Trace ID: b");
  EXPECT_EQ(service_words(R"({"errors":[{"error":"no"}]})"), "errors: no");
  EXPECT_EQ(service_words("{broken"), "{broken");
  EXPECT_EQ(service_words(std::string(500, 'x')).size(), 80U);
  EXPECT_EQ(service_words("{\"detail\":\"" + std::string(500, 'x') + "\"}").size(), 300U);
}

TEST(ServiceWords, HttpDates) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), parse_iso8601("1994-11-06T08:49:37Z"));
  for (const auto* wrong :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Foo 1994 08:49:37 GMT", "120"})
    EXPECT_FALSE(parse_http_date(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace capstan::net
