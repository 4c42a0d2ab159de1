// Any line: no crash, and what is read is a part of the line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "encoders/syslog_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace capstan;
  const std::string_view line(reinterpret_cast<const char*>(bytes), size);
  const auto message = parse_syslog(line, from_epoch_ms(1'700'000'000'000));
  if (!message) return 0;
  for (const std::string_view part :
       {std::string_view(message->host), std::string_view(message->application), std::string_view(message->process_id),
        std::string_view(message->message_id), std::string_view(message->message)})
    if (!line.contains(part)) std::abort();
  if (message->facility && facility_name(*message->facility).empty()) std::abort();
  return 0;
}
