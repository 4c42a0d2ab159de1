// Events are conserved: received = kept + dropped by rule + rejected. Added up at every stage and asserted there.
#pragma once

#include <cstdint>

namespace capstan {

struct Tally {
  std::uint64_t received = 0;
  std::uint64_t kept = 0;      // went on
  std::uint64_t dropped = 0;   // by the user's rule
  std::uint64_t rejected = 0;  // dead-lettered, with evidence
  bool is_conserved() const { return received == kept + dropped + rejected; }
  Tally& operator+=(const Tally& other) {
    received += other.received;
    kept += other.kept;
    dropped += other.dropped;
    rejected += other.rejected;
    return *this;
  }
};

}  // namespace capstan
