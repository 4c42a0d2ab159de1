// Reads one line of IBM's Log Event Extended Format ("LEEF v2 format guide") as it is found in the wild: version 1.0
// with tabs, version 2.0 with a delimiter of its own, after any prefix (syslog header).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace capstan {

struct LeefEvent {
  std::string prefix;   // what stood before "LEEF:"
  std::string version;  // "1.0", "2.0"
  std::string vendor;
  std::string product;
  std::string product_version;
  std::string event_id;
  std::string delimiter = "\t";  // one character in UTF-8
  // In the order of the line; the format knows no escapes, so values are as written. Of a key that stands twice the
  // first counts, as it does for QRadar.
  std::vector<std::pair<std::string, std::string>> attributes;

  // nullptr where the key is absent; an empty value is there.
  const std::string* find(std::string_view key) const;
};

enum class LeefParsing {
  // A piece without a key belongs to the value before it (a delimiter inside a value), the delimiter of version 2.0 may
  // be missing or "|", tabs may have become "#011" (rsyslog's escape on receipt).
  lenient,
  strict,  // everything that the guide does not allow is an error
};

// Fails with not_leef; the sentence names the column, from 1.
Result<LeefEvent> parse_leef(std::string_view line, LeefParsing parsing);

}  // namespace capstan
