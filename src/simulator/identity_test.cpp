#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "answers.h"
#include "tenant_for_test.h"

namespace capstan::simulator {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
namespace json = boost::json;

std::int64_t error_code(const net::ServerResponse& response) {
  return test::parsed(response).at("error_codes").as_array().at(0).as_int64();
}

TEST(Identity, GivesATokenForTheSecret) {
  test::Tenant tenant;
  const auto answer = tenant.ask_token(tenant.form());
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body = test::parsed(answer).as_object();
  EXPECT_EQ(body.at("token_type"), "Bearer");
  EXPECT_EQ(body.at("expires_in"), 3599);
  const std::string token(body.at("access_token").as_string());
  const auto claims = from_base64(token.substr(token.find('.') + 1, token.rfind('.') - token.find('.') - 1));
  ASSERT_TRUE(claims);
  EXPECT_THAT(*claims, HasSubstr("\"roles\":[\"investigation.read\""));
  EXPECT_EQ(tenant.send("POST", "/api/v1/activities/", "{}", {{"authorization", "Bearer " + token}}).status, 200);
  EXPECT_EQ(tenant.send("POST", "/api/v1/activities/", "{}", {{"authorization", "Bearer x" + token}}).status, 401);
}

TEST(Identity, TheFirstVersionAnswersInTexts) {
  test::Tenant tenant;
  const auto answer = tenant.send("POST", fmt::format("/{}/oauth2/token", tenant.options().tenant_id),
                                  tenant.form({{"scope", ""}, {"resource", "05a65629-4c1b-48c1-a78b-804c4abdd4af"}}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(test::parsed(answer).at("expires_in"), "3599");
}

TEST(Identity, RefusesInThePlatformsWords) {
  test::Tenant tenant;
  struct Case {
    std::vector<net::Header> change;
    int status;
    std::int64_t code;
    std::string error;
  };
  for (const Case& each : {Case{{{"client_secret", "wrong"}}, 401, 7000215, "invalid_client"},
                           Case{{{"client_id", "somebody"}}, 400, 700016, "unauthorized_client"},
                           Case{{{"scope", "else"}}, 400, 70011, "invalid_scope"},
                           Case{{{"grant_type", ""}}, 400, 900144, "invalid_request"}}) {
    const auto answer = tenant.ask_token(tenant.form(each.change));
    EXPECT_EQ(answer.status, each.status);
    EXPECT_EQ(error_code(answer), each.code);
    const auto body = test::parsed(answer).as_object();
    EXPECT_EQ(body.at("error"), each.error.c_str());
    EXPECT_THAT(std::string(body.at("error_description").as_string()),
                StartsWith(fmt::format("AADSTS{}: ", each.code)));
    EXPECT_THAT(std::string(body.at("error_description").as_string()), HasSubstr("\r\nTrace ID: "));
  }
  const auto elsewhere = tenant.send("POST", "/no-such-directory/oauth2/v2.0/token", tenant.form());
  EXPECT_EQ(elsewhere.status, 400);
  EXPECT_EQ(error_code(elsewhere), 90002);
}

TEST(Identity, ATokenEnds) {
  SimulatorOptions options = test::unhindered();
  options.token_life = 60s;
  test::Tenant tenant(options);
  const std::string token = tenant.token();
  const auto ask = [&] { return tenant.send("POST", "/api/v1/activities/", "{}", {{"Authorization", token}}).status; };
  EXPECT_EQ(ask(), 200);
  tenant.clock.pass(59'999ms);
  EXPECT_EQ(ask(), 200);
  tenant.clock.pass(1ms);
  EXPECT_EQ(ask(), 401);
}

TEST(Identity, ASecretIsReplacedByHand) {
  test::Tenant tenant;
  const std::string token = tenant.token();
  const auto answer = tenant.send("POST", "/_sim/secret", R"({"client_secret":"fresh","old":"expired"})");
  EXPECT_EQ(answer.body, R"({"client_secret":"fresh"})");
  EXPECT_EQ(error_code(tenant.ask_token(tenant.form())), 7000222);
  EXPECT_EQ(tenant.ask_token(tenant.form({{"client_secret", "fresh"}})).status, 200);
  EXPECT_EQ(tenant.send("POST", "/api/v1/activities/", "{}", {{"Authorization", token}}).status, 200);

  const auto second = tenant.send("POST", "/_sim/secret", R"({"revoke_tokens":true})");
  EXPECT_EQ(error_code(tenant.ask_token(tenant.form({{"client_secret", "fresh"}}))), 7000215);
  EXPECT_EQ(tenant.send("POST", "/api/v1/activities/", "{}", {{"Authorization", token}}).status, 401);
  EXPECT_EQ(test::parsed(second).at("client_secret"), tenant.model().client_secret().c_str());
  EXPECT_EQ(tenant.send("POST", "/_sim/secret", R"({"old":"gone"})").status, 400);
}

TEST(Identity, ASecretExpiresWhenItsTimeHasCome) {
  SimulatorOptions options;
  options.secret_expires_after = 1h;
  test::Tenant tenant(options);
  EXPECT_EQ(tenant.ask_token(tenant.form()).status, 200);
  tenant.clock.pass(1h);
  EXPECT_EQ(error_code(tenant.ask_token(tenant.form())), 7000222);
  EXPECT_EQ(tenant.ask_token(tenant.form({{"client_secret", tenant.model().client_secret()}})).status, 200);
}

// An application's certificate and what it signs.
class Signer {
public:
  Signer() : key_(EVP_RSA_gen(2048), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    X509_gmtime_adj(X509_getm_notBefore(certificate_.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate_.get()), 3600);
    X509_set_pubkey(certificate_.get(), key_.get());
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  }
  std::string pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(bio.get(), certificate_.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }
  std::string assertion(const std::string& algorithm, const json::object& claims) const {
    const json::object head{{"alg", algorithm}, {"typ", "JWT"}, {"x5t#S256", "thumb"}};
    const std::string text = base64url(json::serialize(head)) + "." + base64url(json::serialize(claims));
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* settings = nullptr;
    EVP_DigestSignInit(digest.get(), &settings, EVP_sha256(), nullptr, key_.get());
    if (algorithm == "PS256") {
      EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
    }
    std::string signature(512, '\0');
    std::size_t size = signature.size();
    EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    signature.resize(size);
    return text + "." + base64url(signature);
  }

private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

class Certificate : public testing::Test {
protected:
  net::ServerResponse ask(const std::string& assertion) {
    return tenant.ask_token(
        tenant.form({{"client_secret", ""},
                     {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                     {"client_assertion", assertion}}));
  }
  json::object claims() const {
    const auto& options = tenant.options();
    const std::int64_t now_s = tenant.now() / 1000;
    return {{"aud", fmt::format("https://login.example/{}/oauth2/v2.0/token", options.tenant_id)},
            {"iss", options.client_id},
            {"sub", options.client_id},
            {"jti", "one"},
            {"nbf", now_s},
            {"exp", now_s + 600}};
  }
  static SimulatorOptions with(const Signer& signer) {
    SimulatorOptions options;
    options.application_certificate = signer.pem();
    return options;
  }

  Signer signer;
  test::Tenant tenant{with(signer)};
};

TEST_F(Certificate, SignsForATokenInBothAlgorithms) {
  for (const char* algorithm : {"PS256", "RS256"}) {
    const auto answer = ask(signer.assertion(algorithm, claims()));
    EXPECT_EQ(answer.status, 200) << algorithm << " " << answer.body;
  }
}

TEST_F(Certificate, OfSomebodyElseIsRefused) {
  const Signer other;
  const auto answer = ask(other.assertion("PS256", claims()));
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(error_code(answer), 700027);
  EXPECT_EQ(error_code(ask(signer.assertion("PS256", claims()).substr(0, 20))), 50027);
}

TEST_F(Certificate, ClaimsThatDoNotFitAreRefused) {
  auto issuer = claims();
  issuer["iss"] = "somebody";
  EXPECT_EQ(error_code(ask(signer.assertion("PS256", issuer))), 700021);
  auto audience = claims();
  audience["aud"] = "https://login.example/elsewhere/oauth2/v2.0/token";
  EXPECT_EQ(error_code(ask(signer.assertion("PS256", audience))), 700023);
  auto old = claims();
  old["exp"] = tenant.now() / 1000 - 301;
  EXPECT_EQ(error_code(ask(signer.assertion("PS256", old))), 700024);
  EXPECT_EQ(error_code(ask(signer.assertion("HS256", claims()))), 50027);
}

TEST_F(Certificate, MustBeOne) {
  SimulatorOptions options;
  options.application_certificate = "not PEM";
  test::FakeClock clock;
  const auto made = TenantModel::create(options, clock);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::wrong_value);
}

}  // namespace
}  // namespace capstan::simulator
