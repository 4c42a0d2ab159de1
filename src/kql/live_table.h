// The inside of a live table: what a running rule holds of it, and how it gets a newer one.
#pragma once

#include <atomic>
#include <mutex>

#include "table_index.h"

namespace capstan::kql {

// A table with the indexes that rules asked for.
struct TableSnapshot {
  TablePtr table;
  std::vector<std::shared_ptr<const TableIndex>> indexes;  // grows at the end only
};

// One thread's hold on a live table: kept for a record, looked after before the next.
struct HeldTable {
  std::shared_ptr<const TableSnapshot> snapshot;
  std::uint64_t version = 0;
};

struct LiveTable::Impl {
  std::string name;
  std::vector<Column> columns;
  std::atomic<std::uint64_t> version{1};

  // The number of that index in every snapshot from now on. Costs a pass over the table when it is new.
  std::size_t want(const IndexKey& key);
  // One atomic load unless the table was replaced.
  void hold(HeldTable& held) const {
    if (held.version != version.load(std::memory_order_acquire)) refresh(held);
  }
  void refresh(HeldTable& held) const;
  TablePtr newest() const;
  void show(TablePtr table);

private:
  void publish(std::shared_ptr<const TableSnapshot> snapshot);

  std::mutex changing_;         // held while indexes are built; readers do not wait for it
  mutable std::mutex pointer_;  // held for the copy of a pointer
  std::vector<IndexKey> wanted_;
  std::shared_ptr<const TableSnapshot> current_;
};

}  // namespace capstan::kql
