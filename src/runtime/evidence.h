// What the files beside a source's journal tell: seals of what retention removed and of what damage took, and the
// routes' receipts. Each call reads the files as they are then. Any thread; an object is used by one at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "runtime/seal_view.h"
#include "runtime/verify.h"
#include "store/journal.h"
#include "store/proof_ledger.h"
#include "store/receipts.h"

namespace capstan::runtime {

// Where the records of damaged places stood: exactly where a seal knows it, else by the times of the neighbours.
struct DamagedRecords {
  std::map<std::uint64_t, store::Position> sealed;  // by sealed identity
  std::vector<store::Damage> unsealed;
  bool is_empty() const { return sealed.empty() && unsealed.empty(); }
  // Nothing: it stood in none of them.
  std::optional<store::Position> find(const RecordView& record) const;
};

class Evidence {
public:
  Evidence(FileSystem& files, std::string journal_directory, const store::Journal& journal)
      : files_(files), directory_(std::move(journal_directory)), journal_(journal) {}

  Result<std::unique_ptr<SealView>> seals() const;
  // VerifySource::removed and damaged. `ledger`: places that are damaged although nobody has read there lately.
  Result<bool> removed(const store::ProofLedger& ledger, std::string_view feed, Timestamp from, Timestamp to,
                       Duration clock_is_ahead, const std::function<void(const store::SealedRecord&)>& see) const;
  Result<> damaged(const std::function<void(const store::SealedRecord&)>& see) const;
  // VerifyRoute::became: looked up in ascending order it reads every receipt once.
  std::function<std::optional<store::Outcome>(store::Position)> became(std::string route) const;
  DamagedRecords damaged_records() const;
  // Of records that stood there, how many the destination of the route may have: its cursor is behind them, and no
  // receipt says that the route passed them over.
  std::uint64_t delivered_before(const store::Cursor& cursor, const std::vector<store::Position>& places) const;

private:
  FileSystem& files_;
  const std::string directory_;
  const store::Journal& journal_;
};

}  // namespace capstan::runtime
