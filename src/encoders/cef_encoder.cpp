#include "cef_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"
#include "cef_text.h"
#include "cef_value.h"

namespace capstan::cef {

namespace {

// Chapter "Header": the longest fields.
constexpr std::size_t vendor_max = 63;
constexpr std::size_t product_max = 63;
constexpr std::size_t device_version_max = 31;
constexpr std::size_t signature_max = 1023;
constexpr std::size_t name_max = 512;

// Where the retired agent's last release (0.298) sent its reader.
constexpr std::string_view microsoft_activity_log =
    "https://security.microsoft.com/cloudapps/activity-log?activity.id=eq(";
constexpr std::string_view portal_activity_log = "/#/audits?activity.id=eq(";

std::string activity_url(std::string_view portal_url) {
  if (portal_url.empty()) return std::string(microsoft_activity_log);
  while (portal_url.ends_with('/')) portal_url.remove_suffix(1);
  return std::string(portal_url).append(portal_activity_log);
}

void append_field(std::string_view text, std::size_t length_max, std::string& out) {
  append_header(trimmed_header(cut_utf8(trimmed_header(text), length_max)), out);
  out += '|';
}

}  // namespace

CefEncoder::CefEncoder(CefOptions options)
    : options_(std::move(options)),
      header_("CEF:0|"),
      url_before_(activity_url(options_.portal_url)),
      other_(compile(other_mapping())),
      quarantined_(compile(quarantined_mapping())) {
  append_field(options_.vendor, vendor_max, header_);
  append_field(options_.product, product_max, header_);
  append_field(options_.device_version, device_version_max, header_);
  for (const Mapping& mapping : mappings()) feeds_.push_back(compile(mapping));
}

bool CefEncoder::is_written(In in) const {
  return in == In::both || (in == In::strict) == (options_.profile == Profile::strict);
}

CefEncoder::Compiled CefEncoder::compile(const Key& key, FieldPlan& plan) const {
  Compiled compiled{key.conversion, {}, length_max(key.key), {}};
  // The paths of the built-in tables are right, which a test asserts by making every encoder.
  for (const std::string_view path : key.paths)
    if (!path.empty()) compiled.slots.push_back(plan.slot(path).value());
  if (key.key.empty()) return compiled;
  // The agent put the label of the address into quotes, and only this one.
  const bool is_quoted = options_.profile == Profile::siem_agent && key.key.starts_with("c6a");
  if (!key.label.empty())
    compiled.lead = fmt::format(" {}Label={}{}{}", key.key, is_quoted ? "\"" : "", key.label, is_quoted ? "\"" : "");
  compiled.lead += fmt::format(" {}=", key.key);
  return compiled;
}

CefEncoder::Feed CefEncoder::compile(const Mapping& mapping) const {
  Feed feed;
  feed.name = mapping.feed;
  feed.signature = compile(mapping.signature, feed.plan);
  feed.signature.length_max = signature_max;
  feed.signature_else = mapping.signature_else;
  feed.title = compile(mapping.name, feed.plan);
  feed.title.length_max = name_max;
  feed.title_else = mapping.name_else;
  if (options_.profile == Profile::strict) feed.severity = compile(mapping.severity, feed.plan);
  feed.severity_else = mapping.severity_else;
  for (const Key& key : mapping.keys)
    if (is_written(key.in)) feed.keys.push_back(compile(key, feed.plan));
  return feed;
}

const CefEncoder::Feed& CefEncoder::feed(std::string_view name) const {
  const auto found = std::find_if(feeds_.begin(), feeds_.end(), [&](const Feed& f) { return f.name == name; });
  return found == feeds_.end() ? other_ : *found;
}

const FieldPlan* CefEncoder::plan(std::string_view name) const {
  const Feed& chosen = feed(name);
  return chosen.plan.size() == 0 ? nullptr : &chosen.plan;
}

Result<> CefEncoder::encode(const Row& row, std::string& out) const {
  const Feed& chosen = row.record.is_quarantined ? quarantined_ : feed(row.record.feed);
  if (row.values.size() < chosen.plan.size())
    return Error(ErrorCode::not_encodable,
                 fmt::format("writing {} of {} as CEF: expected {} values, got {}", row.record.id, row.record.feed,
                             chosen.plan.size(), row.values.size()));
  if (options_.exact) out.append(to_iso8601(row.record.event_time)).append(" ");
  header(chosen, row, out);
  const bool is_exact = options_.profile == Profile::siem_agent;
  ValueWriter value(row, ValueWriter::Place::extension, is_exact, url_before_, out);
  bool is_first = true;
  for (const Compiled& key : chosen.keys) {
    const std::size_t before = out.size();
    out.append(key.lead, is_first ? 1 : 0);
    const std::size_t begin = out.size();
    value.write(key.conversion, key.slots, key.length_max);
    if (out.size() == begin && !is_exact)
      out.resize(before);
    else
      is_first = false;
  }
  return {};
}

// No field may be empty: the Python parser pycef refuses the whole event for one.
void CefEncoder::header(const Feed& feed, const Row& row, std::string& out) const {
  out += header_;
  const std::array fields = {std::pair(&feed.signature, feed.signature_else), std::pair(&feed.title, feed.title_else),
                             std::pair(&feed.severity, feed.severity_else)};
  ValueWriter value(row, ValueWriter::Place::header, false, url_before_, out);
  for (const auto& [field, otherwise] : fields) {
    const std::size_t begin = out.size();
    value.write(field->conversion, field->slots, field->length_max);
    if (out.size() == begin) out += otherwise;
    out += '|';
  }
}

}  // namespace capstan::cef
