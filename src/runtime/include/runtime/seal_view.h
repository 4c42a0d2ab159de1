// What the seals of a journal say (store/seal.h), behind a socket so that a test can say it without files.
// A snapshot: seals that are made later are not seen.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "store/journal.h"
#include "store/seal.h"

namespace capstan::runtime {

class SealView {
public:
  virtual ~SealView() = default;
  // Shows every record of the feed that was saved in [from, to), of all segments that have a seal, in journal order.
  // What could not be read is in the answer.
  virtual Result<store::SealsNotRead> for_each(std::string_view feed, Timestamp from, Timestamp to,
                                               FunctionRef<void(const store::SealedRecord&)> see) const = 0;
  // The parts of [from, to) that no seal describes.
  virtual std::vector<store::OffsetSpan> not_covered(std::uint64_t from, std::uint64_t to) const = 0;
  // How many records the seals know of segments that end at or before that offset.
  virtual std::uint64_t records_before(std::uint64_t offset) const = 0;
  // What the place held, as far as a seal knows. False: not all of it.
  virtual Result<bool> held_by(store::Position from, store::Position to,
                               FunctionRef<void(const store::SealedRecord&)> see) const = 0;
};

// Nothing is sealed.
std::unique_ptr<SealView> no_seals();

}  // namespace capstan::runtime
