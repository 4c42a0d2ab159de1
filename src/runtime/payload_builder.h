// From records of the journal to the bytes of one delivery: chooses by feed and lets the route's transform write the
// messages. One a route, used by its lane only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "component/sink.h"
#include "event/tally.h"
#include "runtime/transform.h"
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

  // The name and the feeds outlive the builder.
  PayloadBuilder(std::string_view route, const std::vector<std::string>& feeds,
                 std::shared_ptr<const Transform> transform)
      : route_(route), feeds_(feeds), transform_(std::move(transform)) {}

  // Builds from item `first` on until a limit or the end of the slice. `reuse` gives its buffer back. Internal, when
  // records would not be conserved.
  Result<Built> build(const store::Slice& slice, std::size_t first, std::string_view source, std::string_view tenant,
                      Limits limits, Payload reuse);

  bool wants(std::string_view feed) const;

private:
  std::string_view route_;
  const std::vector<std::string>& feeds_;
  TransformRun transform_;
};

}  // namespace capstan::runtime
