// Where records go that a route cannot deliver: kept with their evidence, counted, and able to be replayed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/record.h"
#include "store/journal.h"

namespace capstan::runtime {

struct UndeliverableRecord {
  std::string_view route;
  std::string_view source;
  store::Position position;
  const RecordView& record;
  const Error& error;
};

class DeadLetterBox {
public:
  virtual ~DeadLetterBox() = default;
  // Durable when it returns. The same route, source and position again is the same letter (a crash before the cursor
  // was written repeats it). Any thread.
  virtual Result<> add(const UndeliverableRecord& letter) = 0;
};

}  // namespace capstan::runtime
