#include "encoders/syslog_parser.h"
#include "json_object.h"
#include "line_columns.h"
#include "line_record.h"

namespace capstan::app {

namespace {

const LineColumns& columns() {
  static const LineColumns all("syslog");
  return all;
}

// A name that stands twice in an element becomes an array of its values.
std::string parameters_json(const StructuredElement& element) {
  JsonObject bag;
  for (std::size_t i = 0; i < element.parameters.size(); ++i) {
    const std::string& name = element.parameters[i].first;
    bool is_first = true;
    for (std::size_t k = 0; k < i; ++k) is_first = is_first && element.parameters[k].first != name;
    if (!is_first) continue;
    std::string values = json_quote(element.parameters[i].second);
    bool is_alone = true;
    for (std::size_t k = i + 1; k < element.parameters.size(); ++k) {
      if (element.parameters[k].first != name) continue;
      values += "," + json_quote(element.parameters[k].second);
      is_alone = false;
    }
    bag.raw(name, is_alone ? values : "[" + values + "]");
  }
  return bag.json();
}

std::string structured_json(const SyslogMessage& message) {
  JsonObject elements;
  for (const StructuredElement& element : message.structured_data) elements.raw(element.id, parameters_json(element));
  return elements.json();
}

}  // namespace

Result<LineRecord> syslog_record(std::string_view line, Timestamp now) {
  const SyslogMessage message = TRY(parse_syslog(line, now));
  JsonObject record;
  if (message.time) {
    record.text("TimeGenerated", to_iso8601(*message.time));
    record.text("EventTime", to_iso8601(*message.time));
  }
  if (message.facility) record.text("Facility", facility_name(*message.facility));
  if (message.severity) record.text("SeverityLevel", severity_name(*message.severity));
  if (!message.host.empty()) record.text("HostName", message.host).text("Computer", message.host);
  if (!message.application.empty()) record.text("ProcessName", message.application);
  if (!message.process_id.empty()) record.raw("ProcessID", columns().json("ProcessID", message.process_id, now));
  if (!message.message_id.empty()) record.text("MessageID", message.message_id);
  if (!message.structured_data.empty()) record.raw("StructuredData", structured_json(message));
  record.text("SyslogMessage", message.message);
  return LineRecord{record.json(), message.time.value_or(Timestamp{})};
}

}  // namespace capstan::app
