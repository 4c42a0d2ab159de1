// What the tenant shows of one window of a feed against the identities that were journaled: the heart of verify and of
// the prover. Knows neither tenants nor journals. Bounded by what is put in: 48 bytes a journaled record, 24 a record
// that is shown and not journaled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "component/source.h"
#include "store/seal.h"

namespace capstan::runtime {

// Lists that are read whole and not by time (MDCA: entities, subnets, files).
bool is_inventory(const FeedTraits& traits);

// One id that was journaled.
struct Journaled {
  Hash128 identity;
  std::uint64_t content_hash = 0;  // of the newest version
  Timestamp saved_time{};          // of the newest version
  store::Position behind;          // the newest version
  std::uint32_t created = 0;       // records of kind created
  bool is_removed = false;         // only a seal knows it: `identity.high` is not known
  bool is_shown = false;
};

// The journaled identities of a window. First all are added, in the journal's order, then they are looked up.
class Identities {
public:
  void add(const RecordView& record, store::Position behind);
  // Of a segment that retention removed.
  void add(const store::SealedRecord& record);
  void sort();  // once, after the last add
  Journaled* find(const Hash128& identity);
  // By the part that a seal keeps.
  bool holds(std::uint64_t sealed_identity) const;
  std::vector<Journaled>& all() { return all_; }
  const std::vector<Journaled>& all() const { return all_; }
  std::size_t size() const { return all_.size(); }

private:
  std::vector<Journaled> all_;
};

class Comparison {
public:
  enum class Seen : std::uint8_t {
    outside,   // of another feed or window
    known,     // journaled; or was shown before
    outdated,  // journaled, with other content
    unknown,   // not journaled
  };

  explicit Comparison(FeedTraits traits) : traits_(std::move(traits)), is_inventory_(is_inventory(traits_)) {}

  Identities& journaled() { return journaled_; }
  const Identities& journaled() const { return journaled_; }
  // Says the same of an id only once: what is shown again is `known`.
  Seen see(const Window& window, const RecordView& record);
  // It was journaled since the identities were read.
  void was_journaled_meanwhile(const Hash128& identity) { unknown_.erase(identity); }
  // Shown and not journaled: identity and saved time.
  const std::map<Hash128, Timestamp>& unknown() const { return unknown_; }

private:
  const FeedTraits traits_;
  const bool is_inventory_;
  Identities journaled_;
  std::map<Hash128, Timestamp> unknown_;
};

}  // namespace capstan::runtime
