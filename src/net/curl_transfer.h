// One request on its way through libcurl: the easy handle with its options, and what has come back.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>

#include "curl_words.h"
#include "net/http.h"

namespace capstan::net {

// Set up and read by the caller's thread, moved by the curl thread in between; never by both at once.
class CurlTransfer {
public:
  CurlTransfer(const Request& request, const std::string& user_agent, Duration timeout);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer();

  // Nothing: it can be sent. Else why not (a URL or proxy that is not one).
  std::optional<Error> refusal() const { return refusal_; }
  CURL* handle() const { return easy_; }
  // What libcurl ended with.
  Result<Response> take_result(CURLcode code);

private:
  static std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* self);
  void set_request(const std::string& user_agent, Duration timeout);
  void set_body();
  void set_egress();
  void add_header(const std::string& line);
  template <class T>
  void set(CURLoption option, T value);

  const Request& request_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> words_{};
  std::optional<Error> refusal_;
  std::string proxy_;  // without credentials
  Response response_;
  bool is_too_large_ = false;
};

}  // namespace capstan::net
