// Which records have been journaled: identity (feed, id) → content hash, exact, on disk, bounded memory. Derived from
// the journal: it says up to which position it is complete, and is caught up from there when the journal is opened; a
// damaged one is built anew. Used by the journal's writer thread only.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "component/source.h"
#include "store/journal.h"

namespace capstan::store {

class IdIndex {
public:
  enum class Seen { never, same, changed };

  // Opens directory/ids, or makes it; then reads the journal from where it is complete to the durable end.
  static Result<std::unique_ptr<IdIndex>> open(FileSystem& files, std::string directory, std::vector<FeedTraits> feeds,
                                               const Journal& journal);
  virtual ~IdIndex() = default;

  virtual Result<Seen> look_up(std::string_view feed, std::string_view id, std::uint64_t content_hash) = 0;
  // Remembers; the newest content hash wins. May be lost in a crash: it comes back from the journal.
  virtual Result<> remember(const RecordView& record) = 0;
  // Called after the journal's sync with its durable end: makes the index durable up to there now and then (every 64
  // MiB of journal or when asked), and drops what is older than its feed has to remember.
  virtual Result<> advance(Position complete_to, bool now) = 0;
  virtual std::uint64_t size() const = 0;
};

}  // namespace capstan::store
