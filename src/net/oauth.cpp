#include "oauth.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <boost/json.hpp>

#include <charconv>

#include "base/text.h"
#include "service_words.h"

namespace capstan::net {

namespace {

namespace json = boost::json;

// "Microsoft Cloud App Security" in every cloud (mdca-api-authentication-application).
constexpr std::string_view scope = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default";
constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
// The platform asks for 5 to 10 minutes.
constexpr std::chrono::minutes assertion_life{10};
constexpr Duration token_life_default = std::chrono::seconds(3599);
constexpr int salt_is_digest_size = -1;  // RSA_PSS_SALTLEN_DIGEST, as PS256 wants (RFC 7518 section 3.5)

template <class T, void (*release)(T*)>
struct Release {
  void operator()(T* pointer) const { release(pointer); }
};
using Bio = std::unique_ptr<BIO, Release<BIO, BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Release<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY, EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX, EVP_MD_CTX_free>>;

std::string base64url(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string form_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

Error unusable(std::string_view why) {
  return {ErrorCode::assertion_refused, fmt::format("signing with the certificate: {}", why)};
}

Bio reader(const Secret& pem) {
  return Bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
}

// A key with a passphrase must not make OpenSSL ask on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

std::string thumbprint(const X509& certificate, const EVP_MD* digest) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(&certificate, digest, bytes, &size) != 1) return {};
  return base64url({reinterpret_cast<const char*>(bytes), size});
}

Result<std::string> signature(EVP_PKEY& key, std::string_view text, Signing signing) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  if (EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, &key) != 1)
    return unusable("the key cannot sign");
  if (signing == Signing::ps256 && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
                                    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt_is_digest_size) != 1))
    return unusable("expected an RSA key");
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) return unusable("the key cannot sign");
  std::string signed_bytes(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signed_bytes.data()), &size, bytes, text.size()) !=
      1)
    return unusable("the key cannot sign");
  signed_bytes.resize(size);
  return signed_bytes;
}

ErrorCode code_of(std::int64_t aadsts) {
  switch (aadsts) {
    case 7000222:
      return ErrorCode::secret_expired;
    case 7000215:
      return ErrorCode::secret_wrong;
    case 700016:
      return ErrorCode::application_unknown;
    case 90002:    // tenant not found
    case 900023:   // neither a domain name nor an id
    case 9002331:  // the application belongs to another kind of account
      return ErrorCode::directory_unknown;
    case 700021:  // iss or sub is not the client id
    case 700023:  // audience
    case 700024:  // outside of its time
    case 700027:  // signature or unknown thumbprint
    case 700030:  // the certificate's own time
      return ErrorCode::assertion_refused;
    default:
      return ErrorCode::token_request_refused;
  }
}

// expires_in is a number (v2) or a text (v1).
Duration life_of(const json::object& object) {
  const auto* value = object.if_contains("expires_in");
  std::int64_t seconds = 0;
  if (value == nullptr) return token_life_default;
  if (value->is_int64()) seconds = value->as_int64();
  if (const auto* text = value->if_string()) std::from_chars(text->data(), text->data() + text->size(), seconds);
  return seconds > 0 && seconds <= 7 * 86'400 ? std::chrono::seconds(seconds) : token_life_default;
}

}  // namespace

Result<Secret> sign_assertion(const Secret& pem, const Assertion& assertion, Signing signing) {
  const Certificate certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return unusable("expected a certificate in PEM form (-----BEGIN CERTIFICATE-----), found none");
  const Key key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_passphrase, nullptr));
  if (!key) return unusable("expected a private key without passphrase in PEM form beside the certificate, found none");
  if (EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) return unusable("expected an RSA key");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return unusable("the private key does not belong to the certificate");

  const bool is_ps256 = signing == Signing::ps256;
  const std::string header = json::serialize(
      json::object{{"alg", is_ps256 ? "PS256" : "RS256"},
                   {"typ", "JWT"},
                   {is_ps256 ? "x5t#S256" : "x5t", thumbprint(*certificate, is_ps256 ? EVP_sha256() : EVP_sha1())}});
  const auto now = std::chrono::floor<std::chrono::seconds>(assertion.now).time_since_epoch().count();
  const std::string payload =
      json::serialize(json::object{{"aud", assertion.audience},
                                   {"iss", assertion.client_id},
                                   {"sub", assertion.client_id},
                                   {"jti", assertion.token_id},
                                   {"nbf", now},
                                   {"iat", now},
                                   {"exp", now + std::chrono::seconds(assertion_life).count()}});
  const std::string text = base64url(header) + "." + base64url(payload);
  return Secret(text + "." + base64url(TRY(signature(*key, text, signing))));
}

std::string token_url(const TenantOptions& options) {
  std::string_view authority = options.authority;
  while (authority.ends_with('/')) authority.remove_suffix(1);
  return fmt::format("{}/{}/oauth2/v2.0/token", authority, options.tenant_id);
}

Secret token_form(const TenantOptions& options, const Secret* assertion) {
  std::string form = fmt::format("grant_type=client_credentials&client_id={}&scope={}", form_encoded(options.client_id),
                                 form_encoded(scope));
  if (assertion != nullptr)
    form += fmt::format("&client_assertion_type={}&client_assertion={}", form_encoded(assertion_type),
                        form_encoded(assertion->reveal()));
  else
    form += "&client_secret=" + form_encoded(options.client_secret.reveal());
  return Secret(std::move(form));
}

Result<AccessToken> read_token(const Response& response, std::string_view url, Timestamp now) {
  const std::string answered = fmt::format("POST {} answered {}", url, response.status);
  const std::string words = service_words(response.body);
  const auto error = [&](ErrorCode code) { return Error(code, answered + (words.empty() ? "" : ": " + words)); };
  if (response.status == 429)
    return error(ErrorCode::throttled).asking_for(asked_pause(response, now).value_or(std::chrono::seconds(60)));
  if (response.status >= 500) return error(ErrorCode::service_unavailable);

  json::error_code not_json;
  const json::value value = json::parse(response.body, not_json);
  if (not_json || !value.is_object()) return error(ErrorCode::unexpected_answer);
  if (response.status >= 400) return error(code_of(aadsts_code(response.body)));
  const auto* token = value.as_object().if_contains("access_token");
  if (response.status != 200 || token == nullptr || !token->is_string() || token->as_string().empty())
    // The words are left out: an answer of success may hold a token under another name.
    return Error(ErrorCode::unexpected_answer, answered + " without an access_token");
  return AccessToken{Secret("Bearer " + std::string(token->as_string())), life_of(value.as_object())};
}

std::int64_t aadsts_code(std::string_view body) {
  constexpr std::string_view mark = "AADSTS";
  const std::size_t at = body.find(mark);
  std::int64_t code = 0;
  if (at != std::string_view::npos) std::from_chars(body.data() + at + mark.size(), body.data() + body.size(), code);
  return code;
}

}  // namespace capstan::net
