#include "curl_transfer.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::net {
namespace {

// A host that is up answers a SYN sooner; the rest of the call's time is for its answer.
constexpr std::chrono::seconds connect_time_max{30};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string host_of(const std::string& url) {
  const std::string shown = public_url(url);
  const std::size_t begin = shown.find("://");
  if (begin == std::string::npos) return shown;
  return shown.substr(begin + 3, shown.find('/', begin + 3) - begin - 3);
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

template <class T>
void CurlTransfer::set(CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(easy_, option, value);
  if (code != CURLE_OK && !refusal_)
    refusal_ = Error(ErrorCode::internal,
                     fmt::format("libcurl refused option {}: {}", static_cast<int>(option), curl_easy_strerror(code)));
}

CurlTransfer::CurlTransfer(const Request& request, const std::string& user_agent, Duration timeout)
    : request_(request), easy_(curl_easy_init()) {
  if (easy_ == nullptr) {
    refusal_ = Error(ErrorCode::internal, "libcurl has no memory for a request");
    return;
  }
  set_request(user_agent, timeout);
  set_body();
  set_egress();
}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

void CurlTransfer::set_request(const std::string& user_agent, Duration timeout) {
  set(CURLOPT_ERRORBUFFER, words_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  // A resolver thread that hangs is left to itself instead of being waited for: one dead name must not hold up the
  // other transfers.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_USERAGENT, user_agent.c_str());
  set(CURLOPT_ACCEPT_ENCODING, "");  // everything that libcurl can unpack
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<Duration>(timeout, Duration(1)).count()));
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::clamp<Duration>(timeout, Duration(1), connect_time_max).count()));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_WRITEFUNCTION, &CurlTransfer::take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &CurlTransfer::take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));

  bool has_content_type = false;
  for (const auto& header : request_.headers) {
    if (has_line_break(header.name) || has_line_break(header.value)) {
      refusal_ =
          Error(ErrorCode::request_refused, fmt::format("the header {} holds a line break", header.name.substr(0, 40)));
      return;
    }
    has_content_type = has_content_type || curl_strequal(header.name.c_str(), "content-type") != 0;
    // libcurl reads "name:" as "leave it out"; an empty value is asked for with a semicolon.
    add_header(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  if (!request_.authorization.is_empty()) {
    if (has_line_break(request_.authorization.reveal())) {
      refusal_ = Error(ErrorCode::request_refused,
                       "the authorization holds a line break; does its file end with an empty line?");
      return;
    }
    add_header("Authorization: " + std::string(request_.authorization.reveal()));
  }
  add_header("Expect:");  // asking for leave first costs a round trip and some proxies never give it
  if (!has_content_type) add_header("Content-Type:");
  set(CURLOPT_HTTPHEADER, headers_);
}

void CurlTransfer::set_body() {
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
    return;
  }
  if (request_.method == "GET" && request_.body.is_empty()) return;
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.reveal().size()));
  set(CURLOPT_POSTFIELDS, request_.body.reveal().data());  // not copied: the caller waits
  if (request_.method != "POST") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void CurlTransfer::set_egress() {
  if (!request_.egress.ca_file.empty()) {
    set(CURLOPT_CAINFO, request_.egress.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (request_.egress.proxy.empty()) {
    set(CURLOPT_PROXY, "");  // not set at all, libcurl would ask the environment
    return;
  }
  const auto parts = split_proxy(request_.egress.proxy);
  if (!parts) {
    refusal_ = Error(ErrorCode::proxy_refused, "the proxy's address is not a URL such as http://proxy.example:3128");
    return;
  }
  proxy_ = parts->url;
  set(CURLOPT_PROXY, parts->url.c_str());
  set(CURLOPT_NOPROXY, "");
  if (!request_.egress.ca_file.empty()) set(CURLOPT_PROXY_CAINFO, request_.egress.ca_file.c_str());
  const std::string password = request_.egress.proxy_password.is_empty()
                                   ? parts->password
                                   : std::string(request_.egress.proxy_password.reveal());
  if (parts->user.empty() && password.empty()) return;
  set(CURLOPT_PROXYAUTH, CURLAUTH_BASIC);
  set(CURLOPT_PROXYUSERNAME, parts->user.c_str());
  set(CURLOPT_PROXYPASSWORD, password.c_str());
}

void CurlTransfer::add_header(const std::string& line) {
  curl_slist* longer = curl_slist_append(headers_, line.c_str());
  if (longer != nullptr) headers_ = longer;
}

std::size_t CurlTransfer::take_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::size_t length = size * count;
  if (transfer.response_.body.size() + length > transfer.request_.size_max.count) {
    transfer.is_too_large_ = true;
    return length == 0 ? 1 : 0;  // anything but `length` ends the transfer
  }
  transfer.response_.body.append(bytes, length);
  return length;
}

std::size_t CurlTransfer::take_header(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& headers = static_cast<CurlTransfer*>(self)->response_.headers;
  const std::string_view line(bytes, size * count);
  if (line.starts_with("HTTP/")) headers.clear();  // what came before belonged to an interim answer (1xx)
  const std::size_t colon = line.find(':');
  if (!line.starts_with("HTTP/") && colon != std::string_view::npos)
    headers.push_back({std::string(trimmed(line.substr(0, colon))), std::string(trimmed(line.substr(colon + 1)))});
  return line.size();
}

Result<Response> CurlTransfer::take_result(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  const auto during = [this](Error error) {
    return std::move(error).during(fmt::format("{} {}", request_.method, public_url(request_.url)));
  };
  if (code == CURLE_OK && status == 407 && !proxy_.empty()) return during(proxy_wants_credentials(proxy_));
  if (code == CURLE_OK) {
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }
  BrokenTransfer broken{.code = code,
                        .words = words_.data(),
                        .host = host_of(request_.url),
                        .proxy = proxy_,
                        .ca_file = request_.egress.ca_file,
                        .is_too_large = is_too_large_,
                        .size_max = request_.size_max};
  curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &broken.connect_status);
  curl_easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &broken.verification);
  return during(to_error(broken));
}

}  // namespace capstan::net
