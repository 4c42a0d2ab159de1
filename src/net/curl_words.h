// What libcurl says, in our codes and words.
#pragma once

#include <curl/curl.h>

#include "net/http.h"

namespace capstan::net {

// "https://host/path" of any URL: user, password, query and fragment may hold secrets and never get into a sentence.
std::string public_url(const std::string& url);

// A proxy's URL taken apart: credentials are given to libcurl on their own, and only the rest may be shown.
struct ProxyParts {
  std::string url;  // "http://proxy.example:3128"
  std::string user;
  std::string password;
};
// Nothing when it is not a URL with a scheme that libcurl knows (http, https, socks5, …).
std::optional<ProxyParts> split_proxy(const std::string& proxy);

// What is known of a transfer that gave no answer.
struct BrokenTransfer {
  CURLcode code = CURLE_OK;
  long connect_status = 0;  // answer of the proxy to CONNECT; 0: none
  long verification = 0;    // X509_V_… of the peer's certificate
  std::string words;        // CURLOPT_ERRORBUFFER
  std::string host;
  std::string proxy;  // without credentials; empty: none
  std::string ca_file;
  bool is_too_large = false;
  Bytes size_max;
};
// The error without the request's name in front.
Error to_error(const BrokenTransfer& transfer);
// The proxy answered 407 to the request itself (plain HTTP knows no CONNECT).
Error proxy_wants_credentials(const std::string& proxy);

}  // namespace capstan::net
