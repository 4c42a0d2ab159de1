// The id and the time of a JSON record that comes without an envelope: its members `_id` and `timestamp`, as the feeds
// of Defender for Cloud Apps have them.
#pragma once

#include "event/field_plan.h"
#include "event/record.h"

namespace capstan::app {

// One thread's.
class RecordIdentity {
public:
  RecordIdentity();
  // Sets what the record has of them; valid until the next call. Fails with broken_record.
  Result<> name(RecordView& record);

private:
  FieldPlan plan_;
  FieldWalker walker_;
};

}  // namespace capstan::app
