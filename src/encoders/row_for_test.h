// A record as the runtime hands it to an encoder. Only for tests, fuzzers and benchmarks.
#pragma once

#include <string>
#include <string_view>

#include "component/encoder.h"

namespace capstan {

struct TestRecord {
  std::string feed = "activities";
  std::string id = "id-1";
  std::string json = "{}";
  Timestamp event_time = from_epoch_ms(1'595'096'313'045);
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;

  RecordView view(std::string& padded) const {
    padded = json;
    padded.append(raw_padding, '\0');
    RecordView record;
    record.feed = feed;
    record.id = id;
    record.raw = std::string_view(padded).substr(0, json.size());
    record.event_time = event_time;
    record.saved_time = event_time;
    record.kind = kind;
    record.is_quarantined = is_quarantined;
    return record;
  }
};

inline Result<std::string> encoded(const Encoder& encoder, const TestRecord& test) {
  std::string padded;
  const RecordView record = test.view(padded);
  FieldWalker walker;
  std::span<const Value> values;
  if (const FieldPlan* plan = encoder.plan(record.feed); plan != nullptr && !record.is_quarantined)
    values = TRY(walker.walk(*plan, record.raw));
  std::string out;
  TRY(encoder.encode({record, values, "contoso", "contoso_mdca", from_epoch_ms(1'595'096'400'000)}, out));
  return out;
}

}  // namespace capstan
