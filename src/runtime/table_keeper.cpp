#include "runtime/table_keeper.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "kql/subnets.h"
#include "kql/table_text.h"

namespace capstan::runtime {

namespace {

// Of one journal in one step, so that the rest of the housekeeping is not kept waiting.
constexpr Bytes read_at_once = 16_MiB;
constexpr int read_often_enough = 2;
constexpr Bytes everything{std::numeric_limits<std::uint32_t>::max()};

std::string subnets_file(const std::string& data_dir, std::string_view source) {
  return fmt::format("{}/sources/{}/subnets", data_dir, source);
}

}  // namespace

TableKeeper::TableKeeper(std::string data_dir, FileSystem& files, const Clock& clock, Writes writes)
    : data_dir_(std::move(data_dir)), files_(files), clock_(clock), writes_(writes) {}

std::unique_ptr<TableKeeper> TableKeeper::open(std::string data_dir, FileSystem& files, const Clock& clock,
                                               const TablesInUse& tables, const std::vector<JournalOfSource>& journals,
                                               Writes writes) {
  std::unique_ptr<TableKeeper> keeper(new TableKeeper(std::move(data_dir), files, clock, writes));
  keeper->follow(tables, journals);
  const auto is_behind = [](const auto& log) { return !log->error && !log->is_caught_up; };
  do keeper->read_logs(everything);
  while (std::ranges::any_of(keeper->logs_, is_behind));
  keeper->publish();
  return keeper;
}

void TableKeeper::follow(const TablesInUse& tables, const std::vector<JournalOfSource>& journals) {
  std::erase_if(tables_,
                [&](const File& file) { return std::ranges::find(tables.files, file.table) == tables.files.end(); });
  for (const auto& file : tables.files)
    if (std::ranges::find(tables_, file, &File::table) == tables_.end()) tables_.push_back({file, clock_.monotonic()});
  std::erase_if(subnets_, [&](const SubnetsTable& table) {
    return std::ranges::find(tables.subnets, table.plan.live, &SubnetsPlan::live) == tables.subnets.end();
  });
  // A source that was made anew has its journal opened anew.
  for (const auto& log : logs_)
    for (const JournalOfSource& one : journals)
      if (one.source == log->log.source()) log->journal = one.journal;
  for (const SubnetsPlan& subnets : tables.subnets)
    if (std::ranges::none_of(subnets_, [&](const SubnetsTable& table) { return table.plan.live == subnets.live; }))
      add_subnets(subnets, journals);
  const auto is_of_log = [](const auto& log) {
    return [&log](const SubnetsTable& table) { return std::ranges::find(table.logs, log) != table.logs.end(); };
  };
  for (const auto& log : logs_)
    if (std::ranges::none_of(subnets_, is_of_log(log)) && writes_ == Writes::yes)
      if (const Result<> saved = log->log.save(SubnetLog::When::at_once); !saved)
        log::repeating("saving " + log->log.source(), saved.error());
  std::erase_if(logs_, [&](const auto& log) { return std::ranges::none_of(subnets_, is_of_log(log)); });
}

void TableKeeper::add_subnets(const SubnetsPlan& subnets, const std::vector<JournalOfSource>& journals) {
  SubnetsTable table;
  table.plan = subnets;
  table.since = clock_.monotonic();
  table.status.name = kql::subnets_feed;
  table.status.from = fmt::format("feed {} of {}", kql::subnets_feed, fmt::join(subnets.sources, ", "));
  for (const JournalOfSource& one : journals) {
    if (std::ranges::find(subnets.sources, one.source) == subnets.sources.end()) continue;
    auto known = std::ranges::find_if(logs_, [&](const auto& log) { return log->log.source() == one.source; });
    if (known == logs_.end()) {
      SubnetLog log(files_, subnets_file(data_dir_, one.source), one.source, one.tenant);
      known = logs_.insert(logs_.end(), std::make_shared<Log>(Log{std::move(log), one.journal, {}, 0, 0, false}));
    }
    (*known)->shown = 0;  // in this table it is not yet
    table.logs.push_back(*known);
  }
  subnets_.push_back(std::move(table));
}

void TableKeeper::step(const TablesInUse& tables, const std::vector<JournalOfSource>& journals) {
  follow(tables, journals);
  read_files();
  read_logs(read_at_once);
  save_logs(SubnetLog::When::worth_it);
  publish();
}

void TableKeeper::close() { save_logs(SubnetLog::When::at_once); }

void TableKeeper::read_files() {
  const MonotonicTime now = clock_.monotonic();
  for (File& file : tables_) {
    FileTable& table = *file.table;
    if (now - file.looked < table.options().reload) continue;
    file.looked = now;
    const Result<bool> reloaded = table.reload(clock_.now());
    if (!reloaded) {
      log::error(reloaded.error().text());
    } else if (*reloaded) {
      log::info("a lookup table has changed", {{"table", table.status().name}, {"rows", table.status().rows}});
    }
  }
}

void TableKeeper::read_logs(Bytes bytes) {
  for (const auto& log : logs_) {
    log->is_caught_up = log->log.is_at_end(*log->journal);
    if (log->is_caught_up) continue;
    const Result<> read = log->log.read(*log->journal, bytes);
    log->error = read ? std::nullopt : std::optional(read.error());
    log->is_caught_up = log->log.is_at_end(*log->journal);
    if (!read) log::repeating("subnets " + log->log.source(), read.error());
  }
  const auto is_newer = [](const auto& log) { return log->shown != log->log.version(); };
  for (SubnetsTable& table : subnets_)
    if (std::ranges::any_of(table.logs, is_newer)) show(table);
  for (const auto& log : logs_) log->shown = log->log.version();
}

void TableKeeper::show(SubnetsTable& table) {
  std::string text;
  for (const auto& log : table.logs) text += log->log.rows();
  TableStatus& status = table.status;
  const Result<> shown = [&]() -> Result<> {
    auto rows = TRY(kql::read_table({status.from, text, kql::TableFormat::ndjson, kql::subnet_columns()}));
    TRY(table.plan.live->replace(rows));
    status.rows = rows->size();
    status.bytes = rows->bytes();
    return {};
  }();
  status.code = shown ? std::nullopt : std::optional(shown.error().code());
  status.error = shown ? std::string{} : shown.error().text();
  if (!shown) return log::repeating("table " + status.from, shown.error());
  status.reloads += status.loaded ? 1 : 0;
  status.loaded = clock_.now();
}

void TableKeeper::save_logs(SubnetLog::When when) {
  if (writes_ == Writes::no) return;
  for (const auto& log : logs_)
    if (const Result<> saved = log->log.save(when); !saved)
      log::repeating("saving " + log->log.source(), saved.error());
}

bool TableKeeper::waits_for(std::string_view source) const {
  return std::ranges::any_of(logs_, [&](const auto& log) { return log->log.source() == source && is_awaited(log); });
}

bool TableKeeper::is_awaited(const std::shared_ptr<Log>& log) {
  return !log->is_caught_up || (!log->log.was_kept() && log->times_read < read_often_enough);
}

void TableKeeper::note_read(std::string_view source) {
  for (const auto& log : logs_)
    if (log->log.source() == source) ++log->times_read;
}

bool TableKeeper::is_ready(const RoutePlan& route) const {
  if (route.tables.subnets.empty()) return true;
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(route.tables.subnets, [&](const SubnetsPlan& subnets) {
    return std::ranges::find(ready_, subnets.live) != ready_.end();
  });
}

void TableKeeper::publish() {
  std::vector<TableStatus> all;
  // Routes that a reload kept and routes that it made may hold the same file twice: it is shown once.
  const auto add = [&](const TableStatus& status) {
    const auto is_same = [&](const TableStatus& one) { return one.name == status.name && one.from == status.from; };
    if (std::ranges::none_of(all, is_same)) all.push_back(status);
  };
  for (const File& file : tables_) add(file.table->status());
  std::vector<std::shared_ptr<const kql::LiveTable>> ready;
  for (const SubnetsTable& table : subnets_) {
    TableStatus status = table.status;
    for (const auto& log : table.logs)
      if (log->error && !status.code) {
        status.code = log->error->code();
        status.error = log->error->text();
      }
    add(status);
    if (std::ranges::none_of(table.logs, is_awaited) || clock_.monotonic() - table.since > patience)
      ready.push_back(table.plan.live);
  }
  const std::lock_guard lock(mutex_);
  ready_ = std::move(ready);
  status_ = std::move(all);
}

std::vector<TableStatus> TableKeeper::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void TableKeeper::fill_once(const std::vector<RoutePlan>& routes, std::string data_dir, FileSystem& files,
                            const Clock& clock, const std::vector<JournalOfSource>& journals) {
  TablesInUse tables;
  for (const RoutePlan& route : routes) tables.add(route.tables);
  if (!tables.subnets.empty()) open(std::move(data_dir), files, clock, tables, journals, Writes::no);
}

}  // namespace capstan::runtime
