#include "net/http.h"

#include <algorithm>

namespace capstan::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view Response::header(std::string_view name) const {
  for (const auto& header : headers)
    if (std::ranges::equal(header.name, name, {}, lower, lower)) return header.value;
  return {};
}

}  // namespace capstan::net
