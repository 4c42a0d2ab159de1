#include "runtime/subnet_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "event/json_split.h"
#include "kql/subnets.h"

namespace capstan::runtime {

namespace {

// The file: {"format":1,"offset":…,"index":…}, then {"id":"…","record":{…}}, one a line.
constexpr std::int64_t format_number = 1;
constexpr Bytes slice_max = 1_MiB;
// So much of the journal may have to be read again after a crash.
constexpr std::uint64_t unsaved_max = (64_MiB).count;

Error broken(std::size_t line) {
  return {ErrorCode::broken_record, fmt::format("line {} is not what Capstan writes", line)};
}

// Line ends in JSON stand between its parts only, where a blank does as well.
std::string on_one_line(std::string_view json) {
  std::string line(json);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\r', ' ');
  return line;
}

}  // namespace

SubnetLog::SubnetLog(FileSystem& files, std::string path, std::string source, std::string tenant)
    : files_(files), path_(std::move(path)), source_(std::move(source)), tenant_(std::move(tenant)) {
  load();
}

void SubnetLog::load() {
  const auto exists = files_.exists(path_);
  if (exists.has_value() && !*exists) return;
  const Result<> read = [&]() -> Result<> {
    // Ids and names of members come on top of the records.
    return parse(TRY(read_file(files_, path_, 2 * bytes_max.count)));
  }();
  was_kept_ = read.has_value();
  if (read) return;
  log::warning(Result<>(read.error()).during("reading " + path_).error().text());
  records_.clear();
  bytes_ = 0;
  position_ = saved_ = {};
}

Result<> SubnetLog::parse(std::string_view text) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto members = split_object(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    boost::system::error_code failure;
    if (!members || members->size() < 2) return broken(number);
    if (number == 1) {
      const auto value = [&](std::size_t i) -> std::int64_t {
        const auto parsed =
            i < members->size() ? boost::json::parse((*members)[i].value, failure) : boost::json::value();
        return parsed.is_int64() ? parsed.as_int64() : -1;
      };
      if (value(0) != format_number || value(1) < 0 || value(2) < 0) return broken(number);
      position_ = saved_ = {static_cast<std::uint64_t>(value(1)), static_cast<std::uint32_t>(value(2))};
      continue;
    }
    const auto id = boost::json::parse((*members)[0].value, failure);
    if (failure || !id.is_string()) return broken(number);
    const std::string_view record = (*members)[1].value;
    bytes_ += id.as_string().size() + record.size();
    records_.insert_or_assign(std::string(id.as_string()), std::string(record));
  }
  return {};
}

Result<> SubnetLog::take(const RecordView& record) {
  if (record.feed != kql::subnets_feed || record.is_quarantined) return {};
  std::string line = on_one_line(record.raw);
  const auto known = records_.find(record.id);
  if (known != records_.end() && known->second == line) return {};
  const std::uint64_t before = known == records_.end() ? 0 : record.id.size() + known->second.size();
  const std::uint64_t after = record.id.size() + line.size();
  if (bytes_ - before + after > bytes_max.count)
    return Error(ErrorCode::table_refused,
                 fmt::format("keeping the ranges of {}: expected at most {}", source_, to_string(bytes_max)));
  bytes_ = bytes_ - before + after;
  records_.insert_or_assign(std::string(record.id), std::move(line));
  ++version_;
  return {};
}

Result<> SubnetLog::read(const store::Journal& journal, Bytes bytes) {
  Result<> outcome;
  const store::JournalReport report = journal.report();
  // Another journal than the one it was read from.
  if (position_ > report.durable) position_ = saved_ = {};
  position_ = std::max(position_, report.first);
  const std::uint64_t begin = journal.behind(position_).bytes;
  std::uint64_t left = begin;
  while (position_ < report.durable && begin - left < bytes.count) {
    const store::Slice slice = TRY(journal.read(position_, slice_max).during("reading the ranges of " + source_));
    for (const store::Slice::Item& item : slice.items)
      if (Result<> taken = take(item.record); !taken) outcome = std::move(taken);
    if (slice.end <= position_)
      return Error(ErrorCode::internal, "reading the ranges of " + source_ + ": the journal does not go on");
    position_ = slice.end;
    left = std::min(left, journal.behind(position_).bytes);
  }
  unsaved_ += begin - left;
  return outcome;
}

std::string SubnetLog::rows() const {
  std::string rows;
  for (const auto& [id, raw] : records_) {
    RecordView record;
    record.feed = kql::subnets_feed;
    record.id = id;
    record.raw = raw;
    rows += kql::subnet_rows(record, tenant_, source_);
  }
  return rows;
}

Result<> SubnetLog::save(When when) {
  const bool is_changed = version_ != saved_version_;
  if (position_ == saved_ && !is_changed) return {};
  if (when == When::worth_it && !is_changed && unsaved_ < unsaved_max) return {};
  std::string text =
      fmt::format("{{\"format\":{},\"offset\":{},\"index\":{}}}\n", format_number, position_.offset, position_.index);
  for (const auto& [id, raw] : records_) text += fmt::format("{{\"id\":{},\"record\":{}}}\n", json_quote(id), raw);
  TRY(replace_file(files_, path_, text).during("writing " + path_));
  saved_ = position_;
  unsaved_ = 0;
  saved_version_ = version_;
  return {};
}

}  // namespace capstan::runtime
