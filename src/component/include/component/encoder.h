// An encoder turns a record into the bytes of one message. Pure: no state, any number of threads.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "event/field_plan.h"
#include "event/record.h"

namespace capstan {

// What an encoder sees of one event: the record, and the values of its field plan.
struct Row {
  const RecordView& record;
  std::span<const Value> values;  // one a slot of plan(feed); empty for a quarantined record
  std::string_view tenant;
  std::string_view source;
  Timestamp ingest_time{};
};

class Encoder {
public:
  virtual ~Encoder() = default;
  // The paths it wants of records of this feed; nullptr: none (the record's bytes are enough). Lives as long as the
  // encoder.
  virtual const FieldPlan* plan(std::string_view feed) const = 0;
  // Appends one message without a line end. On an error `out` is as it was. A quarantined record is encoded too (reason
  // and raw bytes, made valid UTF-8). Errors: not_encodable.
  virtual Result<> encode(const Row& row, std::string& out) const = 0;
};

}  // namespace capstan
