// Any line: neither way of parsing may crash, and what the strict one takes the lenient one reads alike.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "encoders/leef_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace capstan;
  const std::string_view line(reinterpret_cast<const char*>(bytes), size);
  const auto lenient = parse_leef(line, LeefParsing::lenient);
  const auto strict = parse_leef(line, LeefParsing::strict);
  // The one thing that they read differently: tabs that a relay escaped.
  if (strict && !line.contains("#011") &&
      !(lenient && lenient->attributes == strict->attributes && lenient->event_id == strict->event_id))
    std::abort();
  return 0;
}
