#include "line_columns.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

#include "base/text.h"
#include "encoders/device_date.h"
#include "encoders/syslog_parser.h"
#include "kql/schemas.h"

namespace capstan::app {

namespace {

// A JSON number is written as the device wrote it, so it has to be one: no sign in front, no leading zero.
bool is_integer(std::string_view text, std::int64_t lowest, std::int64_t highest) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size() && value >= lowest && value <= highest &&
         text == std::to_string(value);
}

bool is_real(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string_view rest = text;
  if (rest.starts_with('-')) rest.remove_prefix(1);
  const std::size_t point = std::min(rest.find('.'), rest.size());
  const std::string_view whole = rest.substr(0, point);
  const std::string_view fraction = point < rest.size() ? rest.substr(point + 1) : std::string_view("0");
  return !whole.empty() && !fraction.empty() && std::ranges::all_of(whole, is_digit) &&
         std::ranges::all_of(fraction, is_digit) && (whole == "0" || whole.front() != '0');
}

bool is_of(kql::Type type, std::string_view text) {
  switch (type) {
    case kql::Type::integer:
      return is_integer(text, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case kql::Type::long_integer:
      return is_integer(text, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    case kql::Type::real:
      return is_real(text);
    case kql::Type::boolean:
      return text == "true" || text == "false";
    default:
      return false;
  }
}

}  // namespace

LineColumns::LineColumns(std::string_view schema_name) {
  const kql::NamedSchema* named = kql::find_schema(schema_name);
  if (named == nullptr) return;
  for (const kql::Column& column : named->schema.columns) types_.emplace(column.name, column.type);
}

std::optional<kql::Type> LineColumns::type(std::string_view name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? std::nullopt : std::optional(found->second);
}

bool LineColumns::holds(std::string_view name, std::string_view text) const {
  const auto known = type(name);
  return !known || *known == kql::Type::string || is_of(*known, text);
}

std::string LineColumns::json(std::string_view name, std::string_view text, Timestamp now) const {
  const auto known = type(name);
  if (known == kql::Type::datetime)
    if (const auto time = parse_device_date(text, now)) return json_quote(to_iso8601(*time));
  return known && is_of(*known, text) ? std::string(text) : json_quote(text);
}

LineHeader read_line_header(std::string_view prefix, Timestamp now) {
  if (prefix.find_first_not_of(' ') == std::string_view::npos) return {};
  // The mark behind the prefix keeps the reader from taking the host for the message.
  const auto header = parse_syslog(std::string(prefix) + "CEF:", now);
  if (!header) return {};
  return {header->host, header->time};
}

}  // namespace capstan::app
