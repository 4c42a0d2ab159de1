#include "encoders/json.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "event/json_record.h"
#include "json_encoder.h"
#include "options.h"

namespace capstan::encoders {

namespace {

// In well-formed JSON a line break can only stand between tokens, where a blank means the same.
void append_one_line(std::string_view raw, std::string& out) {
  const std::size_t begin = out.size();
  out += raw;
  if (raw.find_first_of("\r\n") == std::string_view::npos) return;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

void append_quoted(std::string_view text, std::string& out) {
  const bool is_plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (is_plain)
    out.append("\"").append(text).append("\"");
  else
    out += json_quote(text);
}

void append_record(const RecordView& record, std::string& out) {
  if (!record.is_quarantined && record.is_wtf8) return append_one_line(as_utf8(record.raw), out);
  if (!record.is_quarantined) return append_one_line(record.raw, out);
  out += R"({"quarantined":true,"reason":)";
  append_quoted(quarantine_reason(record.raw), out);
  out += R"(,"raw":)";
  append_quoted(record.raw, out);
  out += '}';
}

config::Schema<JsonOptions> schema() {
  config::Schema<JsonOptions> s;
  s.option("envelope", &JsonOptions::envelope,
           "put the record into an object that also says tenant, source, feed, id, event time and ingest time");
  return s;
}

}  // namespace

Result<> JsonEncoder::encode(const Row& row, std::string& out) const {
  if (!options_.envelope) {
    append_record(row.record, out);
    return {};
  }
  const auto member = [&](std::string_view lead, std::string_view text) {
    out += lead;
    append_quoted(text, out);
  };
  member(R"({"tenant":)", row.tenant);
  member(R"(,"source":)", row.source);
  member(R"(,"feed":)", row.record.feed);
  member(R"(,"kind":)", row.record.kind == RecordKind::updated ? "updated" : "created");
  member(R"(,"id":)", row.record.id);
  member(R"(,"event_time":)", to_iso8601(row.record.event_time));
  member(R"(,"ingest_time":)", to_iso8601(row.ingest_time));
  out += R"(,"record":)";
  append_record(row.record, out);
  out += '}';
  return {};
}

Kind<Encoder> json_kind() {
  return {.name = "json",
          .summary = "The record as the service sent it, one line each, alone or in an envelope",
          .options = schema().options(),
          .example = "format: json\nenvelope: true\n",
          .make = [](const config::Node& node, const BuildContext&,
                     config::Findings& findings) -> std::unique_ptr<Encoder> {
            const auto options = read_options(schema(), node, "encoder json", findings);
            if (!options) return nullptr;
            return std::make_unique<JsonEncoder>(*options);
          }};
}

}  // namespace capstan::encoders
