#include "runtime/file_table.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/digest.h"
#include "kql/schemas.h"

namespace capstan::runtime {

namespace {

Result<kql::TableFormat> format_of(const FileTableOptions& options) {
  switch (options.format) {
    case FileTableOptions::Format::csv:
      return kql::TableFormat::csv;
    case FileTableOptions::Format::json:
      return kql::TableFormat::json;
    case FileTableOptions::Format::ndjson:
      return kql::TableFormat::ndjson;
    case FileTableOptions::Format::by_extension:
      break;
  }
  if (const auto told = kql::format_of_file(options.file)) return *told;
  return Error(
      ErrorCode::wrong_value,
      fmt::format("expected a file that ends with .csv, .json, .ndjson or .jsonl, or the option \"format\", got "
                  "\"{}\"",
                  options.file));
}

}  // namespace

FileTable::FileTable(FileSystem& files, FileTableOptions options, kql::TableFormat format)
    : files_(files), options_(std::move(options)), format_(format) {}

Result<std::unique_ptr<FileTable>> FileTable::open(FileSystem& files, std::string name, FileTableOptions options,
                                                   Timestamp now) {
  const kql::TableFormat format = TRY(format_of(options));
  std::optional<std::vector<kql::Column>> columns;
  if (!options.schema.empty()) columns = TRY(kql::parse_schema(options.schema)).columns;
  std::unique_ptr<FileTable> table(new FileTable(files, std::move(options), format));
  const std::string text = TRY(read_file(files, table->options_.file, kql::table_text_max));
  auto rows = TRY(kql::read_table({table->options_.file, text, format, std::move(columns)}));
  table->content_ = hash64(text);
  table->describe(*rows, now);
  table->status_.name = name;
  table->status_.from = table->options_.file;
  table->live_ = std::make_shared<kql::LiveTable>(std::move(name), std::move(rows));
  return table;
}

void FileTable::describe(const kql::Table& table, Timestamp now) {
  status_.rows = table.size();
  status_.bytes = table.bytes();
  status_.loaded = now;
  status_.code.reset();
  status_.error.clear();
}

Result<bool> FileTable::reload(Timestamp now) {
  Result<bool> done = read_again(now);
  if (done.has_value()) return done;
  Error error = std::move(done).during("reading the table " + status_.name + " again").error();
  const bool is_known = status_.error == error.text();
  status_.code = error.code();
  status_.error = error.text();
  if (is_known) return false;
  return error;
}

Result<bool> FileTable::read_again(Timestamp now) {
  const std::string text = TRY(read_file(files_, options_.file, kql::table_text_max));
  const std::uint64_t content = hash64(text);
  const bool was_unreadable = status_.code && *status_.code != ErrorCode::table_refused;
  if (content == std::exchange(content_, content) && !was_unreadable) return false;
  auto rows = TRY(kql::read_table({options_.file, text, format_, live_->columns()}));
  TRY(live_->replace(rows));
  describe(*rows, now);
  ++status_.reloads;
  return true;
}

}  // namespace capstan::runtime
