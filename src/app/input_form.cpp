#include "input_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "encoders/cef_parser.h"
#include "encoders/leef_parser.h"
#include "encoders/syslog_parser.h"
#include "kql/schemas.h"

namespace capstan::app {

namespace {

constexpr std::array<std::pair<std::string_view, InputForm>, 5> words{{{"ndjson", InputForm::ndjson},
                                                                       {"json", InputForm::json},
                                                                       {"cef", InputForm::cef},
                                                                       {"leef", InputForm::leef},
                                                                       {"syslog", InputForm::syslog}}};

std::string schema_names() {
  std::string names;
  for (const kql::NamedSchema& named : kql::named_schemas()) names += (names.empty() ? "" : ", ") + named.name;
  return names;
}

// Nothing where a line could be anything.
std::optional<InputForm> form_of_line(std::string_view line, Timestamp now) {
  if (line.starts_with('{') || line.starts_with('[')) return InputForm::json;
  // What was looked at may end inside a line, so the marks of the formats are enough.
  if (parse_cef(std::string(line) + "|||||||", CefParsing::lenient)) return InputForm::cef;
  if (parse_leef(std::string(line) + "|||||", LeefParsing::lenient)) return InputForm::leef;
  if (line.starts_with('<') || parse_syslog(line, now)) return InputForm::syslog;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(InputForm form) {
  for (const auto& [word, each] : words)
    if (each == form) return word;
  return {};
}

std::vector<std::string> form_choices() {
  std::vector<std::string> choices{"auto"};
  for (const auto& [word, form] : words) choices.emplace_back(word);
  return choices;
}

std::optional<InputForm> parse_form(std::string_view word) {
  for (const auto& [each, form] : words)
    if (each == word) return form;
  return std::nullopt;
}

InputForm guess_form(std::string_view front, Timestamp now) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (front.starts_with(mark)) front.remove_prefix(mark.size());
  for (std::size_t lines = 0; lines < guess_lines_max && !front.empty();) {
    const std::string_view line = front.substr(0, front.find('\n'));
    front.remove_prefix(std::min(line.size() + 1, front.size()));
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    if (const auto form = form_of_line(line.substr(begin), now)) return *form;
    ++lines;
  }
  return InputForm::json;
}

Result<LineRecord> read_line(std::string_view line, InputForm form, Timestamp now) {
  switch (form) {
    case InputForm::cef:
      return cef_record(line, now);
    case InputForm::leef:
      return leef_record(line, now);
    case InputForm::syslog:
      return syslog_record(line, now);
    case InputForm::ndjson:
    case InputForm::json:
      break;
  }
  return LineRecord{std::string(line), {}};
}

Result<kql::Schema> input_schema(const std::string& schema, const std::string& feed, InputForm form) {
  if (const kql::NamedSchema* named = kql::find_schema(schema)) return kql::with_meta_columns(named->schema);
  if (!schema.empty() && !schema.contains(':'))
    return Error(
        ErrorCode::wrong_usage,
        fmt::format("reading the schema: expected name:type,… or one of {}, got \"{}\"", schema_names(), schema));
  if (!schema.empty()) return kql::with_meta_columns(TRY(kql::parse_schema(schema)));
  if (const kql::NamedSchema* named = kql::find_schema(feed)) return kql::with_meta_columns(named->schema);
  if (is_lines(form)) return kql::with_meta_columns(kql::find_schema(to_string(form))->schema);
  return kql::with_meta_columns(TRY(kql::parse_schema({})));
}

}  // namespace capstan::app
