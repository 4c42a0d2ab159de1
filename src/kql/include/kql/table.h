// Tables that rules look up in (`lookup`, `evaluate ipv4_lookup`): rows of typed values, and the names that rules call
// them by. A table is immutable; a live table shows one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kql/datum.h"
#include "kql/types.h"

namespace capstan::kql {

// One table is held in memory as a whole, with an index for every set of keys that a rule asks by.
constexpr std::size_t table_rows_max = 1'000'000;
constexpr std::uint64_t table_bytes_max = 256U << 20;
constexpr std::size_t table_columns_max = 256;

class Table {
public:
  ~Table();
  const std::vector<Column>& columns() const;
  std::size_t size() const;  // rows
  std::uint64_t bytes() const;
  // Its views live as long as the table.
  std::span<const Datum> row(std::size_t number) const;

  struct Impl;
  explicit Table(std::unique_ptr<Impl> impl);

private:
  std::unique_ptr<Impl> impl_;
};
using TablePtr = std::shared_ptr<const Table>;

class TableBuilder {
public:
  explicit TableBuilder(std::vector<Column> columns);
  ~TableBuilder();
  TableBuilder(TableBuilder&&) noexcept;
  TableBuilder& operator=(TableBuilder&&) noexcept;
  // A value for every column, in its type; copied. table_refused past the limits above.
  Result<> add(std::span<const Datum> row);
  TablePtr finish();

private:
  std::unique_ptr<Table::Impl> impl_;
};

// What a name in a rule stands for: always the newest table. Any thread may replace it while rules run; a rule sees one
// table for a whole record.
class LiveTable {
public:
  LiveTable(std::string name, TablePtr first);
  ~LiveTable();

  const std::string& name() const;
  // The same for ever: rules are compiled against them.
  const std::vector<Column>& columns() const;
  TablePtr now() const;
  // Its columns are those of the first table: table_refused otherwise, and nothing has changed. Builds the indexes that
  // rules asked for before anybody sees it.
  Result<> replace(TablePtr next);

  struct Impl;
  Impl& impl() const { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

// The tables that a rule may name.
class Tables {
public:
  // A table of that name that is there already gives way.
  void add(std::shared_ptr<LiveTable> table);
  std::shared_ptr<LiveTable> find(std::string_view name) const;  // nothing: there is none
  const std::vector<std::shared_ptr<LiveTable>>& all() const { return all_; }

private:
  std::vector<std::shared_ptr<LiveTable>> all_;
};

}  // namespace capstan::kql
