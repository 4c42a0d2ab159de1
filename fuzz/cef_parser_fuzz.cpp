// Any line: neither way of parsing may crash, and what the strict one takes the lenient one reads alike.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "encoders/cef_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace capstan;
  const std::string_view line(reinterpret_cast<const char*>(bytes), size);
  const auto lenient = parse_cef(line, CefParsing::lenient);
  const auto strict = parse_cef(line, CefParsing::strict);
  if (strict && !(lenient && lenient->extension == strict->extension && lenient->name == strict->name)) std::abort();
  return 0;
}
