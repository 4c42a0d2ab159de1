#include "encoders/device_date.h"
#include "encoders/leef_parser.h"
#include "json_object.h"
#include "line_columns.h"
#include "line_record.h"

namespace capstan::app {

namespace {

const LineColumns& columns() {
  static const LineColumns all("leef");
  return all;
}

// devTime in a form of the sender's own (devTimeFormat) is not guessed at.
std::optional<Timestamp> device_time(const LeefEvent& event, Timestamp now) {
  const std::string* written = event.find("devTime");
  return written == nullptr ? std::nullopt : parse_device_date(*written, now);
}

// Columns that the line's head fills; an attribute that is called like one is in `attributes` only.
bool is_of_head(std::string_view key) {
  for (const std::string_view name :
       {"time", "leefVersion", "vendor", "product", "version", "eventId", "attributes", "prefix", "host"})
    if (key == name) return true;
  return false;
}

}  // namespace

Result<LineRecord> leef_record(std::string_view line, Timestamp now) {
  const LeefEvent event = TRY(parse_leef(line, LeefParsing::lenient));
  const LineHeader header = read_line_header(event.prefix, now);
  const auto written_time = device_time(event, now);
  const auto time = written_time ? written_time : header.time;
  JsonObject record;
  JsonObject attributes;
  if (time) record.text("time", to_iso8601(*time));
  if (!header.host.empty()) record.text("host", header.host);
  record.text("leefVersion", event.version)
      .text("vendor", event.vendor)
      .text("product", event.product)
      .text("version", event.product_version)
      .text("eventId", event.event_id);
  for (const auto& [key, value] : event.attributes) {
    attributes.text(key, value);
    if (!is_of_head(key)) record.raw(key, columns().json(key, value, now));
  }
  record.raw("attributes", attributes.json());
  if (!event.prefix.empty()) record.text("prefix", event.prefix);
  return LineRecord{record.json(), time.value_or(Timestamp{})};
}

}  // namespace capstan::app
