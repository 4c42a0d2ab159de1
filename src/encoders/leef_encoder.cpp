#include "leef_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"
#include "cef_text.h"
#include "event/json_record.h"

namespace capstan::leef {

namespace {

using encoders::CellKind;
using encoders::CellWriter;
using encoders::MappedField;
using encoders::Mapping;

constexpr std::array<std::string_view, 1> header_needed{"event_id"};

constexpr std::size_t event_id_max = 255;
constexpr std::size_t header_max = 255;
// Of a value whose key has no limit of its own: QRadar keeps 4,096 characters of a property.
constexpr std::size_t value_max = 4096;
// A line of version 1.0 with fewer attributes is taken for one that is split at pipes (SC4S).
constexpr std::size_t attributes_min = 4;

// The attributes that QRadar knows by name and that are not simply text.
AttributeRules rules_of_attribute(std::string_view key) {
  const AttributeRules text{CellKind::text, value_max};
  constexpr std::array addresses{"src", "dst", "srcPreNAT", "dstPreNAT", "srcPostNAT", "dstPostNAT", "identSrc"};
  constexpr std::array numbers{"srcPort",        "dstPort",  "srcPreNATPort", "dstPreNATPort", "srcPostNATPort",
                               "dstPostNATPort", "srcBytes", "dstBytes",      "totalPackets",  "sev"};
  if (key == "devTime") return {CellKind::epoch_ms, encoders::no_limit};
  if (key == "usrName" || key == "accountName") return {CellKind::text, 255};
  if (std::ranges::find(addresses, key) != addresses.end()) return {CellKind::address, encoders::no_limit};
  if (std::ranges::find(numbers, key) != numbers.end()) return {CellKind::integer, encoders::no_limit};
  return text;
}

bool is_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

void append_without(std::string_view text, char delimiter, std::string& out) {
  const std::size_t begin = out.size();
  out += text;
  for (std::size_t i = begin; i < out.size(); ++i)
    if (static_cast<unsigned char>(out[i]) < 0x20 || out[i] == delimiter) out[i] = ' ';
}

std::vector<Mapping> with_builtin(std::vector<Mapping> mappings) {
  for (const std::string_view name : {"leef_mdca_activities", "leef_mdca_alerts"})
    mappings.push_back(encoders::builtin_mapping(name, mapping_form()));
  return mappings;
}

}  // namespace

// One line on its way.
class LeefEncoder::Line {
public:
  Line(char delimiter, std::string& out) : out_(out), delimiter_(delimiter), escape_value_{delimiter} {}

  void header_field(const kql::Datum& cell, std::size_t length_max, std::string_view otherwise) {
    const CellWriter::Rules rules{escape_header_, trim_, false};
    const std::size_t begin = out_.size();
    CellWriter(rules, out_).write(cell, CellKind::text, length_max);
    if (out_.size() == begin) out_ += otherwise;
    out_ += '|';
  }

  // Nothing where there is no value.
  void attribute(std::string_view key, const kql::Datum& cell, AttributeRules attribute_rules) {
    const CellWriter::Rules rules{escape_value_, trim_, false};
    const std::size_t before = out_.size();
    if (count_ > 0) out_ += delimiter_;
    out_.append(key).append("=");
    const std::size_t begin = out_.size();
    CellWriter(rules, out_).write(cell, attribute_rules.kind, attribute_rules.length_max);
    // From 1 to 10, and CEF's 0 is the lowest.
    if (key == "sev" && std::string_view(out_).substr(begin) == "0") out_.back() = '1';
    if (out_.size() == begin)
      out_.resize(before);
    else
      ++count_;
  }
  void attribute(std::string_view key, std::string_view text) {
    attribute(key, kql::Datum::of(text), rules_of_attribute(key));
  }
  std::size_t attributes() const { return count_; }

private:
  struct Escape {
    char stop;
    void operator()(std::string_view text, std::string& out) const { append_without(text, stop, out); }
  };
  struct Trim {
    std::string_view operator()(std::string_view text) const { return cef::trimmed_header(text); }
  };

  std::string& out_;
  char delimiter_;
  Escape escape_value_;
  Escape escape_header_{'|'};
  Trim trim_;
  std::size_t count_ = 0;
};

const encoders::MappingForm& mapping_form() {
  static const encoders::MappingForm form{"leef", "attributes", header_needed, {}, false, false};
  return form;
}

void check_mapping(const Mapping& mapping, config::Findings& findings) {
  for (const encoders::MappedRecord& record : mapping.records)
    for (const MappedField& field : record.fields)
      if (!is_key(field.key))
        findings.add(ErrorCode::mapping_wrong, field.value.place,
                     fmt::format("attributes: expected a key of letters and digits, got \"{}\"", field.key));
}

LeefEncoder::LeefEncoder(LeefOptions options, std::vector<Mapping> mappings)
    : delimiter_(options.version == Version::one ? '\t' : options.delimiter.front()),
      beginning_(options.version == Version::one ? "LEEF:1.0|" : "LEEF:2.0|"),
      feeds_(with_builtin(std::move(mappings)), encoders::builtin_mapping("leef_records", mapping_form()), {}) {
  Line line(delimiter_, beginning_);
  for (const std::string* text : {&options.vendor, &options.product, &options.product_version})
    line.header_field(kql::Datum::of(std::string_view(*text)), header_max, "-");
  // Written as it is: readers that do not know x5E lose every attribute but the first.
  if (options.version == Version::two) before_attributes_ = std::string(1, delimiter_) + "|";
  for (const encoders::MappedFeed& feed : feeds_.all()) {
    attributes_.emplace_back();
    for (const encoders::MappedShape& shape : feed.shapes) {
      attributes_.back().emplace_back();
      for (const MappedField& field : shape.record->fields)
        attributes_.back().back().push_back({field.key, rules_of_attribute(field.key)});
    }
  }
}

LeefEncoder::~LeefEncoder() = default;

Result<> LeefEncoder::encode(const Row& row, std::string& out) const {
  if (row.record.is_quarantined) {
    write_quarantined(row, out);
    return {};
  }
  const encoders::MappedFeed& feed = feeds_.of(row.record.feed);
  if (row.shape >= feed.shapes.size() || row.cells.size() != feed.wanted.shapes[row.shape].cells.size())
    return Error(ErrorCode::not_encodable, fmt::format("writing {} of {} as LEEF: its {} cells fit no shape",
                                                       row.record.id, row.record.feed, row.cells.size()));
  const auto& attributes = attributes_[static_cast<std::size_t>(&feed - feeds_.all().data())][row.shape];
  out += beginning_;
  Line line(delimiter_, out);
  line.header_field(row.cells[0], event_id_max, "UNSPECIFIED");
  out += before_attributes_;
  for (std::size_t i = 0; i < attributes.size(); ++i)
    line.attribute(attributes[i].key, row.cells[1 + i], attributes[i].rules);
  add_missing(line, row);
  return {};
}

// A mapping of few attributes gets those of the envelope.
void LeefEncoder::add_missing(Line& line, const Row& row) {
  const std::array<std::pair<std::string_view, std::string_view>, attributes_min> envelope{
      {{"capstanId", row.record.id},
       {"capstanFeed", row.record.feed},
       {"capstanSource", row.source},
       {"capstanTenant", row.tenant.empty() ? std::string_view("-") : row.tenant}}};
  for (const auto& [key, text] : envelope)
    if (line.attributes() < attributes_min) line.attribute(key, text);
}

// Of a record that cannot be read nothing is known but its envelope.
void LeefEncoder::write_quarantined(const Row& row, std::string& out) const {
  const std::string reason = quarantine_reason(row.record.raw);
  std::string scratch;
  out += beginning_;
  out += "QUARANTINED_RECORD|";
  out += before_attributes_;
  Line line(delimiter_, out);
  line.attribute("devTime", kql::Datum::of_long(epoch_ms(row.record.event_time)), rules_of_attribute("devTime"));
  line.attribute("cat", "quarantined");
  line.attribute("externalId", row.record.id);
  line.attribute("reason", reason);
  line.attribute("record", cef::as_utf8(row.record.raw.substr(0, value_max), scratch));
  add_missing(line, row);
}

}  // namespace capstan::leef
