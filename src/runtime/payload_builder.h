// From records of the journal to the bytes of one delivery: chooses by feed, walks each record once for the paths its
// encoder wants, encodes. One a route, used by its lane only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "component/encoder.h"
#include "component/sink.h"
#include "event/field_plan.h"
#include "event/tally.h"
#include "kql/record_run.h"
#include "runtime/plan.h"
#include "store/journal.h"

namespace capstan::runtime {

// What became of the items [first, end) of a slice.
struct Built {
  Payload payload;  // Message::record is the item's number in the slice
  std::size_t first = 0;
  std::size_t end = 0;
  Tally tally;  // of records: received = kept + dropped (by rule, other feeds) + rejected
  struct Rejected {
    std::size_t item = 0;
    Error error;
  };
  std::vector<Rejected> rejected;
};

class PayloadBuilder {
public:
  struct Limits {
    Bytes max_bytes;
    std::size_t max_messages = 0;  // at least 1
  };

  // All outlive the builder.
  PayloadBuilder(std::string_view route, const Encoder& encoder, const std::vector<std::string>& feeds,
                 const std::shared_ptr<const kql::Program>& rule)
      : route_(route), encoder_(encoder), feeds_(feeds) {
    if (rule) rule_.emplace(rule);
  }

  // Builds from item `first` on until a limit or the end of the slice. `reuse` gives its buffer back. Internal, when
  // records would not be conserved.
  Result<Built> build(const store::Slice& slice, std::size_t first, std::string_view source, std::string_view tenant,
                      Limits limits, Payload reuse);

private:
  bool wants(std::string_view feed) const;
  // Appends the messages that come of one record: one, none where the rule drops it, several where it makes rows of it.
  Result<> append(const store::Slice& slice, std::size_t item, std::string_view source, std::string_view tenant,
                  Payload& payload);
  Result<> encode(const RecordView& record, const store::Slice::Item& item, std::string_view source,
                  std::string_view tenant, std::string& out);

  std::string_view route_;
  const Encoder& encoder_;
  const std::vector<std::string>& feeds_;
  std::optional<kql::RecordRun> rule_;
  std::string made_;  // a row of the rule, with the room that a walker reads beyond it
  FieldWalker walker_;
};

}  // namespace capstan::runtime
