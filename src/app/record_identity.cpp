#include "record_identity.h"

#include <charconv>

namespace capstan::app {

RecordIdentity::RecordIdentity() {
  for (const std::string_view path : {"_id", "timestamp"}) plan_.slot(path).value();
}

Result<> RecordIdentity::name(RecordView& record) {
  const auto values = TRY(walker_.walk(plan_, record.raw));
  if (values[0].type == Value::Type::string) record.id = values[0].text;
  std::int64_t ms = 0;
  const std::string_view time = values[1].text;
  if (values[1].type == Value::Type::number &&
      std::from_chars(time.data(), time.data() + time.size(), ms).ec == std::errc{})
    record.event_time = from_epoch_ms(ms);
  if (values[1].type == Value::Type::string)
    if (const auto parsed = parse_iso8601(time)) record.event_time = *parsed;
  return {};
}

}  // namespace capstan::app
