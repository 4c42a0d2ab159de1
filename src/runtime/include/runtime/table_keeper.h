// Looks after the tables that rules look up in: files that people change, and ranges that the journal brings. Stepped
// by the housekeeping; rules see a newer table from their next record on.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runtime/plan.h"
#include "runtime/status.h"
#include "runtime/subnet_log.h"
#include "store/journal.h"

namespace capstan::runtime {

class TableKeeper {
public:
  // A source's journal, whose ranges may be asked for.
  struct JournalOfSource {
    std::string source;
    std::string tenant;
    std::shared_ptr<const store::Journal> journal;
  };
  // Whether what the journals say is written beside them: by the process that has the lock of data_dir.
  enum class Writes : std::uint8_t { yes, no };

  // Reads the ranges to the journals' durable ends and shows them to the rules. A source without a journal has no
  // ranges yet. `files` and `clock` outlive the keeper.
  static std::unique_ptr<TableKeeper> open(std::string data_dir, FileSystem& files, const Clock& clock,
                                           const TablesInUse& tables, const std::vector<JournalOfSource>& journals,
                                           Writes writes);

  // For rules that are only tried: what the journals say now is shown to the tables of these routes, and nothing is
  // looked after.
  static void fill_once(const std::vector<RoutePlan>& routes, std::string data_dir, FileSystem& files,
                        const Clock& clock, const std::vector<JournalOfSource>& journals);

  // One thread: looks at the files that are due, and at what has become durable since. What is in use now and was not
  // before is looked after from here on, what is not any more is let go.
  void step(const TablesInUse& tables, const std::vector<JournalOfSource>& journals);
  // The same thread, at the end.
  void close();

  // Ranges that nobody has asked the tenant for yet: a route whose rule looks up in them waits, or its first records
  // would go out without. The program says of each source how its feed stands, between two steps; twice read to its end
  // (or not to be had) is enough, for what was read last may still be on its way to the journal.
  bool waits_for(std::string_view source) const;
  void note_read(std::string_view source);
  // Any thread: whether what the route's rule looks up in is there, or was waited for long enough.
  bool is_ready(const RoutePlan& route) const;
  static constexpr Duration patience = std::chrono::minutes(2);

  // Any thread.
  std::vector<TableStatus> status() const;

private:
  struct File {
    std::shared_ptr<FileTable> table;
    MonotonicTime looked;  // at the file
  };
  struct Log {
    SubnetLog log;
    std::shared_ptr<const store::Journal> journal;
    std::optional<Error> error;
    std::uint64_t shown = 0;  // version that is in the tables
    int times_read = 0;       // that its feed was seen at its end
    bool is_caught_up = false;
  };
  struct SubnetsTable {
    SubnetsPlan plan;
    MonotonicTime since;
    std::vector<std::shared_ptr<Log>> logs;
    TableStatus status;
  };

  TableKeeper(std::string data_dir, FileSystem& files, const Clock& clock, Writes writes);
  void follow(const TablesInUse& tables, const std::vector<JournalOfSource>& journals);
  void add_subnets(const SubnetsPlan& subnets, const std::vector<JournalOfSource>& journals);
  static bool is_awaited(const std::shared_ptr<Log>& log);
  void read_files();
  void read_logs(Bytes bytes);
  void show(SubnetsTable& table);
  void save_logs(SubnetLog::When when);
  void publish();

  const std::string data_dir_;
  FileSystem& files_;
  const Clock& clock_;
  const Writes writes_;
  std::vector<File> tables_;
  std::vector<std::shared_ptr<Log>> logs_;
  std::vector<SubnetsTable> subnets_;

  mutable std::mutex mutex_;
  std::vector<TableStatus> status_;
  std::vector<std::shared_ptr<const kql::LiveTable>> ready_;
};

}  // namespace capstan::runtime
