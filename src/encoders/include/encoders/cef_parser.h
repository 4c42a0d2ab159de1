// Reads one line of the Common Event Format (OpenText "CEF Implementation Standard") as it is found in the wild: after
// any prefix (syslog header), with the blanks that relays insert, with old and new versions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace capstan {

struct CefEvent {
  std::string prefix;  // what stood before "CEF:"
  std::int64_t version = 0;
  std::string vendor;
  std::string product;
  std::string device_version;
  std::string signature;
  std::string name;
  std::string severity;
  // In the order of the line, values unescaped. A key that occurs again replaces the value of the first.
  std::vector<std::pair<std::string, std::string>> extension;
  std::string loose;  // what stands before the first key and belongs to none, as written

  // nullptr where the key is absent; an empty value is there.
  const std::string* find(std::string_view key) const;
};

enum class CefParsing {
  lenient,  // unknown escapes stay as they are, keys may hold _ . , [ ], an unescaped = inside a value is kept
  strict,   // everything that the standard does not allow is an error
};

// Fails with not_cef; the sentence names the column, from 1.
Result<CefEvent> parse_cef(std::string_view line, CefParsing parsing);

}  // namespace capstan
