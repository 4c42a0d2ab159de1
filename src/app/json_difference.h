// What two JSON values do not agree on, for people who compare what they expected with what came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace capstan::app {

struct JsonDifference {
  std::string path;      // "user.name", "tags[1]"; empty: the whole value
  std::string expected;  // JSON; empty: nothing was expected
  std::string got;       // JSON; empty: nothing came
};

enum class Comparing : std::uint8_t {
  exactly,   // the same members with the same values, in any order; 1 and 1.0 are the same number
  contains,  // `got` may have members that were not expected, at any depth; arrays are as long as expected
};

// Fails with broken_record where one of the texts is not JSON.
Result<std::vector<JsonDifference>> differences(std::string_view expected, std::string_view got, Comparing comparing);

}  // namespace capstan::app
