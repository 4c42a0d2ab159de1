#include "cef_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "cef_names.h"
#include "cef_text.h"
#include "event/json_record.h"

namespace capstan::cef {

namespace {

// Apps of one record that are looked at; a record names a handful.
constexpr std::size_t apps_max = 256;
constexpr std::string_view app_prefix = "APPID_";

bool is_text(const Value& value) {
  return value.type != Value::Type::missing && value.type != Value::Type::null && value.type != Value::Type::list;
}

std::optional<std::int64_t> whole(std::string_view number) {
  std::int64_t integer = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, integer);
  if (error == std::errc{} && stop == end) return integer;
  double real = 0;
  const auto [real_stop, real_error] = std::from_chars(number.data(), end, real);
  constexpr double bound = 9223372036854775808.0;  // 2^63: the first that does not fit
  if (real_error != std::errc{} || real_stop != end || !(std::abs(real) < bound)) return std::nullopt;
  return static_cast<std::int64_t>(real);
}

// severityValue: 0 low, 1 medium, 2 high, 3 informational (docs of the alerts API). Nobody has published what the agent
// made of them; these lie in CEF's own Low, Medium and High.
std::string_view alert_severity(std::string_view value) {
  constexpr std::array<std::string_view, 4> severities = {"3", "6", "8", "0"};
  const auto number = whole(value);
  if (!number || *number < 0 || *number >= static_cast<std::int64_t>(severities.size())) return {};
  return severities[static_cast<std::size_t>(*number)];
}

// What follows APPID_: the word where one is known, else the number.
std::string_view app_word(const Value& app) {
  const auto number = whole(app.text);
  const std::string_view name = number ? app_name(*number) : std::string_view{};
  return name.empty() ? trimmed(app.text) : name;
}

std::string_view before_colon(std::string_view text) { return text.substr(0, text.find(": ")); }

}  // namespace

void ValueWriter::write(Conversion conversion, std::span<const std::size_t> slots, std::size_t length_max) {
  switch (conversion) {
    case Conversion::text:
      return write_text(first_text(slots), length_max);
    case Conversion::integer:
      return write_integer(first_text(slots));
    case Conversion::epoch_ms:
      return write_time(first_text(slots));
    case Conversion::ipv4:
      return write_text(first_accepted(slots, is_ipv4), length_max);
    case Conversion::ipv6:
      return write_text(first_accepted(slots, is_ipv6), length_max);
    case Conversion::join:
      return write_list(slots, length_max);
    case Conversion::app_ids:
      return write_app_ids(slots, length_max);
    case Conversion::head:
      return write_text(before_colon(first_text(slots)), length_max);
    case Conversion::alert_type: {
      const std::string_view number = first_text(slots);
      const auto known = whole(number);
      if (known && !alert_type_name(*known).empty()) return write_text(alert_type_name(*known), length_max);
      if (!number.empty()) write_text(fmt::format("ALERT_{}", number), length_max);
      return;
    }
    case Conversion::alert_severity:
      return write_text(alert_severity(first_text(slots)), length_max);
    case Conversion::alert_status:
      return write_word(first_text(slots), alert_status_name, length_max);
    case Conversion::resolution:
      return write_word(first_text(slots), resolution_name, length_max);
    case Conversion::entity_status:
      return write_word(first_text(slots), entity_status_name, length_max);
    case Conversion::subnet_category:
      return write_word(first_text(slots), subnet_category_name, length_max);
    case Conversion::record_id:
      return write_text(row_.record.id, length_max);
    case Conversion::event_time:
      return write_number(epoch_ms(row_.record.event_time));
    case Conversion::activity_url:
      if (row_.record.id.empty()) return;
      escape(url_before_);
      escape(row_.record.id);
      return escape(",)");
    case Conversion::update_mark:
      if (row_.record.kind == RecordKind::updated) write_text("updated", length_max);
      return;
    case Conversion::feed:
      return write_text(row_.record.feed, length_max);
    case Conversion::raw_record:
      return write_raw_record(length_max);
    case Conversion::reason:
      return write_reason(length_max);
    case Conversion::nothing:
      return;
  }
}

void ValueWriter::write_text(std::string_view text, std::size_t length_max) {
  if (is_exact_) return escape(text);
  const auto trim = place_ == Place::header ? trimmed_header : trimmed;
  text = trim(text);
  if (text.size() > length_max) text = trim(cut_utf8(text, length_max));
  escape(text);
}

void ValueWriter::escape(std::string_view text) {
  if (place_ == Place::header)
    append_header(text, out_);
  else
    append_value(text, out_);
}

// The first of the paths that gives text; of a list its first item with text.
template <class Accept>
std::string_view ValueWriter::first_accepted(std::span<const std::size_t> slots, Accept accept) const {
  for (const std::size_t slot : slots) {
    const Value& value = row_.values[slot];
    const std::span<const Value> candidates = value.type == Value::Type::list ? value.items : std::span(&value, 1);
    for (const Value& candidate : candidates) {
      const std::string_view address = without_port(candidate.text);
      if (is_text(candidate) && accept(address)) return address;
    }
  }
  return {};
}

std::string_view ValueWriter::first_text(std::span<const std::size_t> slots) const {
  for (const std::size_t slot : slots) {
    const Value& value = row_.values[slot];
    if (is_text(value) && !trimmed(value.text).empty()) return value.text;
    for (const Value& item : value.items)
      if (is_text(item) && !trimmed(item.text).empty()) return item.text;
  }
  return {};
}

void ValueWriter::write_number(std::int64_t number) {
  // No time is written as none: 1970 is where an absent one ends up.
  if (number <= 0) return;
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out_.append(digits.data(), end);
}

void ValueWriter::write_integer(std::string_view text) {
  if (const auto number = whole(text)) out_ += fmt::format_int(*number).c_str();
}

void ValueWriter::write_time(std::string_view text) {
  if (const auto number = whole(text)) return write_number(*number);
  if (const auto time = parse_iso8601(text)) write_number(epoch_ms(*time));
}

void ValueWriter::write_word(std::string_view number, std::string_view (*name)(std::int64_t), std::size_t length_max) {
  const auto known = whole(number);
  const std::string_view word = known ? name(*known) : std::string_view{};
  write_text(word.empty() ? number : word, length_max);
}

// What does not fit is left out from the first item on that does not.
void ValueWriter::write_list(std::span<const std::size_t> slots, std::size_t length_max) {
  for (const std::size_t slot : slots) {
    const Value& list = row_.values[slot];
    if (list.type != Value::Type::list) {
      if (!is_text(list) || list.text.empty()) continue;
      return write_text(list.text, length_max);
    }
    std::size_t room = length_max;
    bool is_first = true;
    for (const Value& item : list.items) {
      const std::string_view text = is_exact_ ? item.text : trimmed(item.text);
      if (!is_exact_ && (!is_text(item) || text.empty())) continue;
      const std::size_t comma = is_first ? 0 : 1;
      if (!is_exact_ && text.size() + comma > room) {
        if (is_first) write_text(text, room);
        return;
      }
      if (!is_first) out_ += ',';
      escape(text);
      is_first = false;
      if (!is_exact_) room -= text.size() + comma;
    }
    if (!is_first) return;
  }
}

void ValueWriter::write_app_ids(std::span<const std::size_t> slots, std::size_t length_max) {
  if (slots.empty()) return;
  const Value& value = row_.values[slots.front()];
  std::span<const Value> apps = value.type == Value::Type::list ? value.items : std::span(&value, 1);
  apps = apps.first(std::min(apps.size(), apps_max));
  std::size_t room = length_max;
  bool is_first = true;
  for (std::size_t i = 0; i < apps.size(); ++i) {
    const auto is_same = [&](const Value& earlier) { return earlier.text == apps[i].text; };
    if (!is_text(apps[i]) || trimmed(apps[i].text).empty() ||
        std::any_of(apps.begin(), apps.begin() + static_cast<std::ptrdiff_t>(i), is_same))
      continue;
    const std::string_view word = app_word(apps[i]);
    const std::size_t size = app_prefix.size() + word.size() + (is_first ? 0 : 1);
    if (!is_exact_ && size > room) return;
    if (!is_first) out_ += ',';
    out_ += app_prefix;
    escape(word);
    is_first = false;
    if (!is_exact_) room -= size;
  }
}

void ValueWriter::write_raw_record(std::size_t length_max) {
  std::string scratch;
  write_text(as_utf8(row_.record.raw.substr(0, length_max), scratch), length_max);
}

// Read again: what was wrong is found in the same way as when it was collected, and this is rare.
void ValueWriter::write_reason(std::size_t length_max) {
  const auto opened = JsonReader().open(row_.record.raw);
  write_text(opened ? "it was marked when it was collected" : opened.error().text(), length_max);
}

}  // namespace capstan::cef
