// What one route did with records that are shown to it in the order of their positions: its receipts, looked up without
// searching. Memory is the receipts of the range at hand. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/receipts.h"

namespace capstan::runtime {

class ReceiptTrack {
public:
  ReceiptTrack(const store::Receipts& receipts, std::string route) : receipts_(receipts), route_(std::move(route)) {}

  // Takes the receipts of [from, to); positions are asked for within, in ascending order.
  Result<> load(store::Position from, store::Position to);

  // One delivery of the record, or what else became of it.
  struct Step {
    const store::Receipt* receipt = nullptr;
    std::optional<store::Outcome> outcome;  // nothing: not known
  };
  // In the order of acknowledgement; valid until the next call.
  const std::vector<Step>& steps_at(store::Position position);

private:
  struct Entry {
    store::Receipt receipt;
    std::size_t number = 0;  // in the order of acknowledgement
  };

  const store::Receipts& receipts_;
  std::string route_;
  std::vector<Entry> entries_;  // by `from`
  std::size_t next_ = 0;
  std::vector<const Entry*> active_;  // begun before the position, by number
  std::vector<Step> steps_;
};

}  // namespace capstan::runtime
