#include "certificate.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>

namespace capstan::simulator {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr long an_hour_s = 3600;
constexpr long a_year_s = 365L * 24 * 3600;

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

bool extend(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool fill(X509* x, EVP_PKEY* key, const std::string& address) {
  const auto* name = reinterpret_cast<const unsigned char*>("Capstan embedded tenant");
  // A serial number of its own for each, or clients that remember an earlier one refuse the next.
  return X509_set_version(x, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), reinterpret_cast<std::uintptr_t>(key) >> 4) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(x), -an_hour_s) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(x), a_year_s) != nullptr && X509_set_pubkey(x, key) == 1 &&
         X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
         extend(x, NID_basic_constraints, "critical,CA:TRUE") &&
         extend(x, NID_subject_alt_name, fmt::format("DNS:localhost,IP:{}", address)) &&
         X509_sign(x, key, EVP_sha256()) != 0;
}

Certificate read_certificate(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

}  // namespace

Result<SelfSigned> make_self_signed(const std::string& address) {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  const Bio certificate_text(BIO_new(BIO_s_mem()), BIO_free);
  const Bio key_text(BIO_new(BIO_s_mem()), BIO_free);
  if (key == nullptr || certificate == nullptr || !fill(certificate.get(), key.get(), address) ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return Error{ErrorCode::internal, fmt::format("making a certificate for {}: OpenSSL did not make one", address)};
  return SelfSigned{text_of(certificate_text.get()), text_of(key_text.get())};
}

bool is_certificate(std::string_view pem) { return read_certificate(pem) != nullptr; }

bool verify_signature(std::string_view certificate_pem, std::string_view algorithm, std::string_view signed_text,
                      std::string_view signature) {
  const Certificate certificate = read_certificate(certificate_pem);
  if (certificate == nullptr) return false;
  EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_PKEY_CTX* settings = nullptr;
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
      EVP_DigestVerifyInit(digest.get(), &settings, EVP_sha256(), nullptr, key) != 1)
    return false;
  if (algorithm == "PS256") {
    // The salt is as long as the hash (RFC 7518 3.5).
    if (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) != 1)
      return false;
  }
  return EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1;
}

}  // namespace capstan::simulator
