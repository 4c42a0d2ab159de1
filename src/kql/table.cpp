#include "kql/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "arena.h"
#include "live_table.h"
#include "node.h"

namespace capstan::kql {

namespace {

std::uint64_t size_of(const Dynamic& value) {
  std::uint64_t size = sizeof(Dynamic) + value.text.size();
  for (const Dynamic& item : value.items) size += size_of(item);
  for (const DynamicMember& member : value.members) size += member.name.size() + size_of(member.value);
  return size;
}

std::uint64_t size_of(const Datum& value) {
  const bool has_inside = value.type == Type::dynamic && !value.is_null;
  return sizeof(Datum) + value.text.size() + (has_inside ? size_of(*value.dynamic) : 0);
}

bool are_same(const std::vector<Column>& a, const std::vector<Column>& b) {
  return std::ranges::equal(a, b,
                            [](const Column& x, const Column& y) { return x.name == y.name && x.type == y.type; });
}

}  // namespace

struct Table::Impl {
  std::vector<Column> columns;
  std::vector<Datum> values;  // row by row
  std::size_t rows = 0;
  std::uint64_t bytes = 0;
  Arena arena;  // what the values show
};

Table::Table(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Table::~Table() = default;
const std::vector<Column>& Table::columns() const { return impl_->columns; }
std::size_t Table::size() const { return impl_->rows; }
std::uint64_t Table::bytes() const { return impl_->bytes; }
std::span<const Datum> Table::row(std::size_t number) const {
  return std::span(impl_->values).subspan(number * impl_->columns.size(), impl_->columns.size());
}

TableBuilder::TableBuilder(std::vector<Column> columns) : impl_(std::make_unique<Table::Impl>()) {
  impl_->columns = std::move(columns);
}
TableBuilder::~TableBuilder() = default;
TableBuilder::TableBuilder(TableBuilder&&) noexcept = default;
TableBuilder& TableBuilder::operator=(TableBuilder&&) noexcept = default;

Result<> TableBuilder::add(std::span<const Datum> row) {
  for (const Datum& value : row) impl_->bytes += size_of(value);
  if (impl_->rows == table_rows_max)
    return Error(ErrorCode::table_refused, fmt::format("expected at most {} rows", table_rows_max));
  if (impl_->bytes > table_bytes_max)
    return Error(ErrorCode::table_refused, fmt::format("expected at most {} bytes in memory", table_bytes_max));
  for (const Datum& value : row) impl_->values.push_back(copy_into(value, impl_->arena));
  ++impl_->rows;
  return {};
}

TablePtr TableBuilder::finish() { return std::make_shared<Table>(std::move(impl_)); }

LiveTable::LiveTable(std::string name, TablePtr first) : impl_(std::make_unique<Impl>()) {
  impl_->name = std::move(name);
  impl_->columns = first->columns();
  impl_->show(std::move(first));
}
LiveTable::~LiveTable() = default;
const std::string& LiveTable::name() const { return impl_->name; }
const std::vector<Column>& LiveTable::columns() const { return impl_->columns; }
TablePtr LiveTable::now() const { return impl_->newest(); }

Result<> LiveTable::replace(TablePtr next) {
  if (!are_same(next->columns(), impl_->columns))
    return Error(ErrorCode::table_refused,
                 fmt::format("replacing the table \"{}\": its columns are not those it had", impl_->name));
  impl_->show(std::move(next));
  return {};
}

std::size_t LiveTable::Impl::want(const IndexKey& key) {
  const std::lock_guard lock(changing_);
  const auto known = std::ranges::find(wanted_, key);
  const auto number = static_cast<std::size_t>(known - wanted_.begin());
  if (known != wanted_.end()) return number;
  auto next = std::make_shared<TableSnapshot>(*current_);
  next->indexes.push_back(std::make_shared<TableIndex>(next->table, key));
  wanted_.push_back(key);
  publish(std::move(next));
  return number;
}

void LiveTable::Impl::show(TablePtr table) {
  const std::lock_guard lock(changing_);
  auto next = std::make_shared<TableSnapshot>();
  next->table = std::move(table);
  for (const IndexKey& key : wanted_) next->indexes.push_back(std::make_shared<TableIndex>(next->table, key));
  publish(std::move(next));
}

void LiveTable::Impl::publish(std::shared_ptr<const TableSnapshot> snapshot) {
  const std::lock_guard lock(pointer_);
  current_.swap(snapshot);
  version.fetch_add(1, std::memory_order_release);
}

void LiveTable::Impl::refresh(HeldTable& held) const {
  const std::lock_guard lock(pointer_);
  held.snapshot = current_;
  held.version = version.load(std::memory_order_relaxed);
}

TablePtr LiveTable::Impl::newest() const {
  const std::lock_guard lock(pointer_);
  return current_->table;
}

void Tables::add(std::shared_ptr<LiveTable> table) {
  std::erase_if(all_, [&](const auto& known) { return known->name() == table->name(); });
  all_.push_back(std::move(table));
}

std::shared_ptr<LiveTable> Tables::find(std::string_view name) const {
  for (const auto& table : all_)
    if (table->name() == name) return table;
  return nullptr;
}

}  // namespace capstan::kql
