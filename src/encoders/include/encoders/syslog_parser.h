// Reads one syslog message as it is found in files and on wires: RFC 5424 with structured data, RFC 3164 with the dates
// that devices really write (a year, ISO 8601), with or without <PRI>, with an octet count in front (RFC 6587).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace capstan {

struct StructuredElement {
  std::string id;                                               // "exampleSDID@32473"
  std::vector<std::pair<std::string, std::string>> parameters;  // in order, unescaped; a name may stand twice
};

struct SyslogMessage {
  std::optional<int> facility;  // 0 to 23; nothing without <PRI>
  std::optional<int> severity;  // 0 to 7
  bool is_5424 = false;
  std::optional<Timestamp> time;
  std::string host;  // these four are empty where they are missing or "-"
  std::string application;
  std::string process_id;
  std::string message_id;
  std::vector<StructuredElement> structured_data;
  // Without a byte order mark. Where RFC 3164's content is CEF or LEEF, from "CEF:" on: that is no application.
  std::string message;
};

// `now` gives dates without a year theirs; dates without a zone are read as UTC. Fails with not_syslog where there is
// neither <PRI> nor a date, or where a line that says it is RFC 5424 is not; the sentence names the column, from 1.
Result<SyslogMessage> parse_syslog(std::string_view line, Timestamp now);

// "kern", "local4"; "err", "info": as the table Syslog of Azure Monitor names them. Empty for numbers that have none.
std::string_view facility_name(int facility);
std::string_view severity_name(int severity);

}  // namespace capstan
