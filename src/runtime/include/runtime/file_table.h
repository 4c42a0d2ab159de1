// A lookup table that a person keeps as a file: read when the configuration is, and again when its content changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "kql/table.h"
#include "kql/table_text.h"
#include "runtime/status.h"

namespace capstan::runtime {

struct FileTableOptions {
  enum class Format : std::uint8_t { by_extension, csv, json, ndjson };
  std::string file;
  Format format = Format::by_extension;
  std::string schema;  // "range:string, floor:long"; empty: every column of the file
  Duration reload = std::chrono::minutes(1);
};

class FileTable {
public:
  // Fails with unreadable_file, table_refused, or wrong_value (of an option). `files` outlives it.
  static Result<std::unique_ptr<FileTable>> open(FileSystem& files, std::string name, FileTableOptions options,
                                                 Timestamp now);

  const FileTableOptions& options() const { return options_; }
  const std::shared_ptr<kql::LiveTable>& live() const { return live_; }

  // Reads the file again. True when rules see another table from now on. After an error they go on with the table they
  // have, and status() says why; the same broken content is an error once and then nothing new.
  Result<bool> reload(Timestamp now);
  // What the last attempt said is kept until a file is good again. Used by the thread that reloads.
  const TableStatus& status() const { return status_; }

private:
  FileTable(FileSystem& files, FileTableOptions options, kql::TableFormat format);
  Result<bool> read_again(Timestamp now);
  void describe(const kql::Table& table, Timestamp now);

  FileSystem& files_;
  FileTableOptions options_;
  kql::TableFormat format_;
  std::shared_ptr<kql::LiveTable> live_;
  std::uint64_t content_ = 0;  // hash of what was read last, good or not
  TableStatus status_;
};

}  // namespace capstan::runtime
