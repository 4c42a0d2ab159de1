#include "cef_encoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "cef_text.h"
#include "event/json_record.h"

namespace capstan::cef {

namespace {

using encoders::CellKind;
using encoders::CellWriter;
using encoders::MappedField;
using encoders::Mapping;

// Chapter "Header": its fields, and the longest ones.
enum HeaderField : std::uint8_t { vendor, product, device_version, signature, name, severity };
struct HeaderRules {
  std::string_view field;
  std::size_t length_max;
  std::string_view otherwise;  // no field may be empty: the Python parser pycef refuses the whole event for one
};
constexpr std::array<HeaderRules, 6> header_rules{{{"vendor", 63, "-"},
                                                   {"product", 63, "-"},
                                                   {"device_version", 31, "-"},
                                                   {"signature", 1023, "UNSPECIFIED"},
                                                   {"name", 512, "Record"},
                                                   {"severity", encoders::no_limit, "0"}}};

constexpr std::array<std::string_view, 3> header_needed{"signature", "name", "severity"};
constexpr std::array<std::string_view, 3> header_optional{"vendor", "product", "device_version"};

const auto escape_value = [](std::string_view text, std::string& out) { append_value(text, out); };
const auto escape_header = [](std::string_view text, std::string& out) { append_header(text, out); };
const auto trim_value = [](std::string_view text) { return trimmed(text); };
const auto trim_header = [](std::string_view text) { return trimmed_header(text); };
const CellWriter::Rules value_rules{escape_value, trim_value, false};
const CellWriter::Rules agent_rules{escape_value, trim_value, true};
const CellWriter::Rules header_text_rules{escape_header, trim_header, false};

// A number from 0 to 10, or one of the standard's words.
std::string_view severity_of(std::string_view text) {
  constexpr std::array<std::string_view, 16> known{"0", "1", "2",  "3",       "4",   "5",      "6",    "7",
                                                   "8", "9", "10", "Unknown", "Low", "Medium", "High", "Very-High"};
  return std::ranges::find(known, text) == known.end() ? std::string_view("Unknown") : text;
}

bool is_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::vector<Mapping> with_builtin(std::vector<Mapping> mappings, Profile profile) {
  std::vector<std::string_view> names{"mdca_activities", "mdca_alerts", "mdca_entities", "mdca_files", "mdca_subnets"};
  if (profile == Profile::siem_agent) names.insert(names.begin(), {"siem_agent_activities", "siem_agent_alerts"});
  for (const std::string_view name : names) mappings.push_back(encoders::builtin_mapping(name, mapping_form()));
  return mappings;
}

std::string without_slashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

const encoders::MappingForm& mapping_form() {
  static const encoders::MappingForm form{"cef", "extension", header_needed, header_optional, true, true};
  return form;
}

void check_mapping(const Mapping& mapping, config::Findings& findings) {
  const auto wrong = [&](const MappedField& field, std::string sentence) {
    findings.add(ErrorCode::mapping_wrong, field.value.place, std::move(sentence));
  };
  for (const encoders::MappedRecord& record : mapping.records) {
    for (const MappedField& field : record.fields) {
      const KeyRules rules = rules_of_key(field.key);
      if (!is_key(field.key))
        wrong(field, fmt::format("extension: expected a key of letters and digits, got \"{}\"", field.key));
      else if (rules.is_receivers)
        wrong(field, fmt::format("extension: \"{}\" is set by who receives the event; take a custom field", field.key));
      else if (field.key.ends_with("Label") && rules_of_key(field.key.substr(0, field.key.size() - 5)).needs_label)
        wrong(field, fmt::format("extension: write the label with its field: {}: {{label: …, value: …}}",
                                 field.key.substr(0, field.key.size() - 5)));
      else if (rules.needs_label && field.label.empty())
        wrong(field, fmt::format("extension: \"{}\" is a custom field and needs a label: {}: {{label: …, value: …}}",
                                 field.key, field.key));
      else if (!rules.needs_label && !field.label.empty())
        wrong(field, fmt::format("extension: \"{}\" takes no label", field.key));
    }
  }
}

CefEncoder::CefEncoder(CefOptions options, std::vector<Mapping> mappings)
    : options_(std::move(options)),
      beginning_("CEF:0|"),
      feeds_(with_builtin(std::move(mappings), options_.profile), encoders::builtin_mapping("records", mapping_form()),
             {{"portal_url", without_slashes(options_.portal_url)}}) {
  const std::array texts{&options_.vendor, &options_.product, &options_.device_version};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CellWriter(header_text_rules, beginning_).write_text(*texts[i], header_rules[i].length_max);
    beginning_ += '|';
  }
  for (const encoders::MappedFeed& feed : feeds_.all()) {
    lines_.emplace_back();
    for (const encoders::MappedShape& shape : feed.shapes) lines_.back().push_back(compile(shape));
  }
}

CefEncoder::Line CefEncoder::compile(const encoders::MappedShape& shape) const {
  Line line;
  line.keep_empty = shape.mapping->keep_empty;
  line.header.fill(absent);
  line.header_cells = shape.record->header.size();
  for (std::size_t i = 0; i < shape.record->header.size(); ++i) {
    const auto found = std::ranges::find(header_rules, shape.record->header[i].key, &HeaderRules::field);
    line.header[static_cast<std::size_t>(found - header_rules.begin())] = i;
  }
  for (const MappedField& field : shape.record->fields) {
    const KeyRules rules = rules_of_key(field.key);
    Key key{"", rules.kind, rules.length_max};
    if (!field.label.empty()) {
      key.lead = fmt::format(" {}Label=", field.key);
      append_value(field.label, key.lead);
    }
    key.lead += fmt::format(" {}=", field.key);
    line.keys.push_back(std::move(key));
  }
  return line;
}

const CefEncoder::Line& CefEncoder::line(std::string_view feed, std::size_t shape) const {
  const auto place = static_cast<std::size_t>(&feeds_.of(feed) - feeds_.all().data());
  return lines_[place][shape];
}

Result<> CefEncoder::encode(const Row& row, std::string& out) const {
  if (row.record.is_quarantined) {
    write_quarantined(row, out);
    return {};
  }
  const encoders::MappedFeed& feed = feeds_.of(row.record.feed);
  if (row.shape >= feed.shapes.size() || row.cells.size() != feed.wanted.shapes[row.shape].cells.size())
    return Error(ErrorCode::not_encodable, fmt::format("writing {} of {} as CEF: its {} cells fit no shape",
                                                       row.record.id, row.record.feed, row.cells.size()));
  const Line& shape = line(row.record.feed, row.shape);
  if (options_.exact) out.append(to_iso8601(row.record.event_time)).append(" ");
  write_header(shape, row, out);
  CellWriter value(shape.keep_empty ? agent_rules : value_rules, out);
  bool is_first = true;
  for (std::size_t i = 0; i < shape.keys.size(); ++i) {
    const Key& key = shape.keys[i];
    const std::size_t before = out.size();
    out.append(key.lead, is_first ? 1 : 0);
    const std::size_t begin = out.size();
    value.write(row.cells[shape.header_cells + i], key.kind, key.length_max);
    if (out.size() == begin && !shape.keep_empty)
      out.resize(before);
    else
      is_first = false;
  }
  return {};
}

void CefEncoder::write_header(const Line& line, const Row& row, std::string& out) const {
  const auto is_given = [&](std::size_t field) { return line.header[field] != absent; };
  std::size_t field = signature;
  if (is_given(vendor) || is_given(product) || is_given(device_version)) {
    out += "CEF:0|";
    field = vendor;
  } else {
    out += beginning_;
  }
  const std::array<const std::string*, 3> texts{&options_.vendor, &options_.product, &options_.device_version};
  CellWriter value(header_text_rules, out);
  for (; field < header_rules.size(); ++field) {
    const std::size_t begin = out.size();
    if (is_given(field))
      value.write(row.cells[line.header[field]], CellKind::text, header_rules[field].length_max);
    else
      value.write_text(*texts[field], header_rules[field].length_max);
    if (out.size() == begin) out += header_rules[field].otherwise;
    if (field == severity) {
      const std::string_view written = std::string_view(out).substr(begin);
      const std::string_view severity = severity_of(written);
      if (severity != written) out.replace(begin, out.size() - begin, severity);
    }
    out += '|';
  }
}

// Of a record that cannot be read nothing is known but its envelope.
void CefEncoder::write_quarantined(const Row& row, std::string& out) const {
  if (options_.exact) out.append(to_iso8601(row.record.event_time)).append(" ");
  out += beginning_;
  out += "QUARANTINED_RECORD|Quarantined record|0|";
  CellWriter value(options_.profile == Profile::siem_agent ? agent_rules : value_rules, out);
  std::string scratch;
  const std::string reason = quarantine_reason(row.record.raw);
  const std::string_view raw = as_utf8(row.record.raw.substr(0, rules_of_key("msg").length_max), scratch);
  out += "externalId=";
  value.write_text(row.record.id, encoders::no_limit);
  if (row.record.event_time > Timestamp{}) out += fmt::format(" rt={}", epoch_ms(row.record.event_time));
  out += " reason=";
  value.write_text(reason, rules_of_key("reason").length_max);
  if (!trimmed(raw).empty()) {
    out += " msg=";
    value.write_text(raw, rules_of_key("msg").length_max);
  }
  if (row.record.kind == RecordKind::updated) out += " act=updated";
}

}  // namespace capstan::cef
