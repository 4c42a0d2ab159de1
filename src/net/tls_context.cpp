#include "tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace capstan::net {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;

// Certificates in one client certificate file: a chain of more than this is a mistake.
constexpr int chain_length_max = 16;

// OpenSSL would otherwise ask the terminal for the passphrase of an encrypted key and hang a service.
int refuse_passphrase(char*, int, int, void*) { return -1; }

std::unique_ptr<BIO, FreeBio> open_pem(const Secret& pem) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
}

Error certificate_error(std::string_view what) {
  return {ErrorCode::destination_tls_failed, fmt::format("reading the client certificate: {}", what)};
}

Result<> use_client_certificate(SSL_CTX* context, const Secret& pem) {
  const auto certificates = open_pem(pem);
  const Certificate leaf(PEM_read_bio_X509(certificates.get(), nullptr, refuse_passphrase, nullptr));
  if (!leaf) return certificate_error("expected PEM with a certificate and its private key, found no certificate");
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) return certificate_error(tls_error_words());
  for (int i = 0; i < chain_length_max; ++i) {
    const Certificate issuer(PEM_read_bio_X509(certificates.get(), nullptr, refuse_passphrase, nullptr));
    if (!issuer) break;
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return certificate_error(tls_error_words());
  }
  ERR_clear_error();  // the end of the certificates is not an error

  const auto keys = open_pem(pem);
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(keys.get(), nullptr, refuse_passphrase, nullptr));
  if (!key)
    return certificate_error(
        "expected PEM with a certificate and its private key, found no private key that is not encrypted");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return certificate_error("the private key does not belong to the certificate");
  return {};
}

}  // namespace

Result<TlsContext> make_tls_context(const TlsOptions& options) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Error(ErrorCode::destination_tls_failed, "preparing TLS: " + tls_error_words());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const bool has_authorities = options.ca_file.empty()
                                   ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                                   : SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) == 1;
  if (!has_authorities)
    return Error(ErrorCode::destination_tls_failed,
                 fmt::format("reading ca_file {}: {}", options.ca_file, tls_error_words()));
  if (!options.certificate_pem.is_empty()) TRY(use_client_certificate(context.get(), options.certificate_pem));
  return context;
}

Result<> expect_server_name(SSL* connection, const std::string& name) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(connection);
  // An address is compared with the certificate's IP entries (RFC 5425, 5.2) and is not allowed in SNI (RFC 6066, 3).
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1) return {};
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(expected, name.c_str(), 0) != 1 ||
      SSL_set_tlsext_host_name(connection, name.c_str()) != 1)
    return Error(ErrorCode::destination_tls_failed,
                 fmt::format("expecting the server name \"{}\": {}", name, tls_error_words()));
  return {};
}

std::string tls_error_words() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(static_cast<int>(ERR_GET_REASON(code)));
  const char* words = ERR_reason_error_string(code);
  return words == nullptr ? fmt::format("OpenSSL error {:#x}", code) : words;
}

std::string verification_words(const SSL* connection, const std::string& expected_name) {
  const long result = SSL_get_verify_result(connection);
  switch (result) {
    case X509_V_OK:
      return {};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the certificate is not made out to \"{}\"", expected_name);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate is not valid yet (is the clock right?)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate is self-signed and not in ca_file";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate's issuer is not trusted; its CA belongs in ca_file";
    default:
      return X509_verify_cert_error_string(result);
  }
}

}  // namespace capstan::net
