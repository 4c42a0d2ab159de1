// Blocks of a file of receipts (docs/formats/receipts.md): receipts to bytes and back.
//
//   u32 "CNSR" │ u32 CRC-32C of the rest │ u32 size of the payload │ payload: names and receipts
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "store/receipts.h"

namespace capstan::store {

// Destinations and rules are written once and then meant by number. A number is never given twice in one file, so a
// damaged block can make a name unknown, not wrong.
class NameTable {
public:
  // Numbers below were given before.
  void begin_at(std::uint64_t next) { next_ = next; }
  std::uint64_t next() const { return next_; }
  // From now on every name is written again, with a new number.
  void forget() { numbers_.clear(); }
  // The number, and whether it is new and has to be written.
  std::pair<std::uint64_t, bool> number(const std::string& name);

private:
  std::uint64_t next_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> numbers_;
};

// One block with all of them.
std::string write_receipts(std::span<const Receipt> receipts, NameTable& names);

// What a walk over the bytes of one file found.
struct ReceiptWalk {
  std::uint64_t end = 0;      // behind the last whole block
  std::uint64_t damaged = 0;  // places passed over; a torn end is one
  std::uint64_t next_name = 0;
};
// Shows the receipts of all whole blocks; a damaged block is passed over up to the next whole one.
ReceiptWalk read_receipts(std::string_view bytes, FunctionRef<void(Receipt&&)> see);

}  // namespace capstan::store
