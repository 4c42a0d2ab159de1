// Lines of CEF, LEEF and syslog as records: JSON objects whose members are the columns of the schemas "cef", "leef" and
// "syslog" (kql/schemas.h). What a line says under a name that is no column is a member of that name.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace capstan::app {

struct LineRecord {
  std::string json;
  Timestamp time{};  // when it happened; none where the line does not say
};

// `now` gives dates without a year theirs. Each fails as its parser does: not_cef, not_leef, not_syslog.
Result<LineRecord> cef_record(std::string_view line, Timestamp now);
Result<LineRecord> leef_record(std::string_view line, Timestamp now);
Result<LineRecord> syslog_record(std::string_view line, Timestamp now);

}  // namespace capstan::app
