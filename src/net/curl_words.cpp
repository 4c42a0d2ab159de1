#include "curl_words.h"

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include <memory>

namespace capstan::net {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

// A part of the URL, decoded; empty when it has none.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

Error certificate_error(const BrokenTransfer& transfer) {
  const auto refused = [&](std::string_view why) {
    return Error(ErrorCode::tls_failed, fmt::format("the certificate of {} {}", transfer.host, why));
  };
  // libcurl compares the name itself, before the chain: OpenSSL has no result of its own then.
  if (transfer.words.contains("subject name")) return refused("is not made out to this name");
  switch (transfer.verification) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return refused("has expired");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return refused("is not valid yet (is the clock right?)");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return refused("is self-signed and not in ca_file");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return refused("is not made out to this name");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return refused("was issued by somebody unknown here; a company proxy that inspects TLS needs its CA in ca_file");
    default:
      return refused(fmt::format("is not accepted: {}", X509_verify_cert_error_string(transfer.verification)));
  }
}

// A proxy that answers CONNECT with anything but 2xx ends the transfer without an answer of the host.
std::optional<Error> refusal_by_proxy(const BrokenTransfer& transfer) {
  const long status = transfer.connect_status;
  if (transfer.proxy.empty() || status < 300) return std::nullopt;
  if (status == 407) return proxy_wants_credentials(transfer.proxy);
  if (status >= 500)
    return Error(ErrorCode::connection_failed,
                 fmt::format("the proxy {} could not reach {} and answered {}", transfer.proxy, transfer.host, status));
  return Error(ErrorCode::proxy_refused,
               fmt::format("the proxy {} does not allow {} and answered {}", transfer.proxy, transfer.host, status));
}

}  // namespace

std::string public_url(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "a URL that is not one";
  for (const auto part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT})
    curl_url_set(parsed.get(), part, nullptr, 0);
  return part_of(parsed.get(), CURLUPART_URL);
}

std::optional<ProxyParts> split_proxy(const std::string& proxy) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, proxy.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return std::nullopt;
  ProxyParts parts;
  parts.user = part_of(parsed.get(), CURLUPART_USER, CURLU_URLDECODE);
  parts.password = part_of(parsed.get(), CURLUPART_PASSWORD, CURLU_URLDECODE);
  const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
  const std::string host = part_of(parsed.get(), CURLUPART_HOST);
  const std::string port = part_of(parsed.get(), CURLUPART_PORT);
  parts.url = fmt::format("{}://{}{}{}", scheme, host, port.empty() ? "" : ":", port);
  return parts;
}

Error proxy_wants_credentials(const std::string& proxy) {
  return {ErrorCode::proxy_refused, fmt::format("the proxy {} refused the user or password (407)", proxy)};
}

Error to_error(const BrokenTransfer& transfer) {
  if (transfer.is_too_large)
    return {ErrorCode::unexpected_answer, fmt::format("the answer is larger than {}", to_string(transfer.size_max))};
  if (auto refused = refusal_by_proxy(transfer)) return *refused;
  switch (transfer.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return {ErrorCode::name_not_resolved, fmt::format("the name {} could not be resolved", transfer.host)};
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {ErrorCode::name_not_resolved,
              fmt::format("the name of the proxy {} could not be resolved", transfer.proxy)};
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::timed_out, "no answer in time"};
    case CURLE_PEER_FAILED_VERIFICATION:
      return certificate_error(transfer);
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorCode::tls_failed, fmt::format("the ca_file {} could not be read as PEM", transfer.ca_file)};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return {ErrorCode::tls_failed,
              fmt::format("the TLS handshake with {} did not succeed: {}", transfer.host, transfer.words)};
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_TOO_MANY_REDIRECTS:
      return {ErrorCode::unexpected_answer,
              transfer.words.empty() ? curl_easy_strerror(transfer.code) : transfer.words};
    case CURLE_PROXY:
      return {ErrorCode::proxy_refused, fmt::format("the proxy {}: {}", transfer.proxy, transfer.words)};
    default:
      return {ErrorCode::connection_failed,
              transfer.words.empty() ? curl_easy_strerror(transfer.code) : transfer.words};
  }
}

}  // namespace capstan::net
