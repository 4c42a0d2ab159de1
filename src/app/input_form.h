// What files hold, told by the user (--from) or by how a file begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kql/types.h"
#include "line_record.h"

namespace capstan::app {

enum class InputForm : std::uint8_t {
  ndjson,  // one JSON record a line
  json,    // one array of records, or as ndjson: told by the first bracket
  cef,
  leef,
  syslog,
};

constexpr bool is_lines(InputForm form) { return form != InputForm::json && form != InputForm::ndjson; }
// "ndjson", "json", "cef", "leef", "syslog"
std::string_view to_string(InputForm form);
// The choices of an option; "auto" leaves it to guess_form.
std::vector<std::string> form_choices();
// `word` is one of the choices; nothing for "auto".
std::optional<InputForm> parse_form(std::string_view word);
// From the first bytes of a file: by the first of its lines that says so (a comment may stand before it). JSON where
// none of guess_lines_max does.
constexpr std::size_t guess_lines_max = 8;
InputForm guess_form(std::string_view front, Timestamp now);

// One line as a record of its form; a JSON line as it is. Fails as the form's parser does.
Result<LineRecord> read_line(std::string_view line, InputForm form, Timestamp now);

// The table that records are read by: of `schema` ("a:long,b:dynamic", or a name that `capstan schema` lists) where it
// is given, else of the feed where there is one of that name, else the form's own; with the meta columns. Fails with
// wrong_usage.
Result<kql::Schema> input_schema(const std::string& schema, const std::string& feed, InputForm form);

}  // namespace capstan::app
