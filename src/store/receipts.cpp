#include "store/receipts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "receipt_block.h"

namespace capstan::store {

namespace {

// A file is removed as a whole, and read as a whole: large enough that there are few, small enough that reading one
// costs little. About 40,000 payloads.
constexpr std::uint64_t file_size_max = 1U << 20;
// After so much of a file the names are written again: the loss of a block costs the names of few others.
constexpr std::uint64_t names_again_after = 64U << 10;
// A file grows past its size by at most one flush.
constexpr std::uint64_t read_size_max = 256U << 20;
constexpr std::string_view suffix = ".receipts";
constexpr std::size_t number_digits = 10;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::string escape(std::string_view route) {
  std::string name;
  for (const char c : route)
    name += is_plain(c) ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return name;
}

std::string unescape(std::string_view name) {
  std::string route;
  for (std::size_t i = 0; i < name.size(); ++i) {
    unsigned value = 0;
    if (name[i] == '%' && i + 2 < name.size() &&
        std::from_chars(name.data() + i + 1, name.data() + i + 3, value, 16).ec == std::errc{}) {
      route += static_cast<char>(value);
      i += 2;
    } else {
      route += name[i];
    }
  }
  return route;
}

// "siem.0000000003.receipts"
struct FileName {
  std::string route;
  std::uint64_t number = 0;
};

std::string to_string(const FileName& name) {
  return fmt::format("{}.{:0{}}{}", escape(name.route), name.number, number_digits, suffix);
}

std::optional<FileName> parse(std::string_view name) {
  if (!name.ends_with(suffix)) return {};
  name.remove_suffix(suffix.size());
  if (name.size() < number_digits + 1 || name[name.size() - number_digits - 1] != '.') return {};
  FileName parsed;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(end - number_digits, end, parsed.number);
  if (error != std::errc{} || stop != end) return {};
  name.remove_suffix(number_digits + 1);
  parsed.route = unescape(name);
  return parsed;
}

// In the order of their numbers; there may be no directory yet.
Result<std::vector<FileName>> list_files(FileSystem& files, const std::string& directory) {
  std::vector<FileName> found;
  if (!TRY(files.exists(directory))) return found;
  for (const std::string& name : TRY(files.list(directory)))
    if (auto parsed = parse(name)) found.push_back(std::move(*parsed));
  std::ranges::sort(found, {}, [](const FileName& file) { return std::tie(file.route, file.number); });
  return found;
}

}  // namespace

// The files of one route.
struct ReceiptWriter::Series {
  std::vector<Receipt> pending;
  bool is_taken_up = false;  // the files of earlier processes are known
  std::uint64_t number = 0;  // of the newest file; 0: none yet
  std::unique_ptr<File> file;
  std::uint64_t size = 0;
  std::uint64_t names_written_at = 0;
  NameTable names;
  std::map<std::uint64_t, Position> ends;  // of each file that is known: behind the farthest range it tells of
};

ReceiptWriter::ReceiptWriter(FileSystem& files, std::string journal_directory)
    : files_(files), directory_(std::move(journal_directory) + "/receipts") {}

ReceiptWriter::~ReceiptWriter() = default;

void ReceiptWriter::add(std::string_view route, Receipt receipt) {
  auto found = series_.find(route);
  if (found == series_.end()) found = series_.emplace(std::string(route), std::make_unique<Series>()).first;
  std::vector<Receipt>& pending = found->second->pending;
  if (pending.size() >= pending_max) pending.erase(pending.begin(), pending.begin() + pending_max / 2);
  pending.push_back(std::move(receipt));
}

Result<> ReceiptWriter::flush() {
  for (const auto& [route, series] : series_)
    if (!series->pending.empty()) TRY(flush_series(route, *series).during("writing the receipts of route " + route));
  return {};
}

Result<> ReceiptWriter::flush_series(const std::string& route, Series& series) {
  if (!series.is_taken_up) TRY(take_up(route, series));
  if (series.file && series.size >= file_size_max) {
    TRY(series.file->sync());
    series.file.reset();
  }
  if (!series.file) TRY(begin_file(route, series));
  if (series.size - series.names_written_at >= names_again_after) {
    series.names.forget();
    series.names_written_at = series.size;
  }
  const std::string block = write_receipts(series.pending, series.names);
  if (auto written = series.file->write_at(series.size, block); !written) {
    // A part of it may be there; the next flush begins a file of its own.
    series.file.reset();
    return written;
  }
  series.size += block.size();
  Position& end = series.ends[series.number];
  for (const Receipt& receipt : series.pending) end = std::max(end, receipt.to);
  series.pending.clear();
  return {};
}

// Goes on in the newest file that an earlier process left. What is torn at its end is cut off.
Result<> ReceiptWriter::take_up(const std::string& route, Series& series) {
  for (const FileName& name : TRY(list_files(files_, directory_)))
    if (name.route == route) series.number = std::max(series.number, name.number);
  if (series.number == 0) {
    series.is_taken_up = true;
    return {};
  }
  const std::string path = directory_ + "/" + to_string(FileName{route, series.number});
  const std::string bytes = TRY(read_file(files_, path, read_size_max));
  const ReceiptWalk walk = read_receipts(
      bytes, [&](Receipt&& receipt) { series.ends[series.number] = std::max(series.ends[series.number], receipt.to); });
  series.is_taken_up = true;
  if (walk.end >= file_size_max) return {};
  auto file = TRY(files_.open(path, FileSystem::OpenMode::write_existing));
  if (walk.end < bytes.size()) TRY(file->truncate(walk.end));
  series.file = std::move(file);
  series.size = walk.end;
  series.names = {};
  series.names.begin_at(walk.next_name);
  series.names_written_at = walk.end;
  return {};
}

Result<> ReceiptWriter::begin_file(const std::string& route, Series& series) {
  TRY(files_.make_directories(directory_));
  const std::uint64_t number = series.number + 1;
  const std::string path = directory_ + "/" + to_string(FileName{route, number});
  auto file = TRY(files_.open(path, FileSystem::OpenMode::create_or_open));
  TRY(file->truncate(0));
  TRY(files_.sync_directory(directory_));
  series.file = std::move(file);
  series.number = number;
  series.size = 0;
  series.names = {};
  series.names_written_at = 0;
  return {};
}

Result<> ReceiptWriter::retain(std::uint64_t first) {
  bool has_removed = false;
  for (const FileName& name : TRY(list_files(files_, directory_))) {
    auto found = series_.find(name.route);
    if (found == series_.end()) found = series_.emplace(name.route, std::make_unique<Series>()).first;
    Series& series = *found->second;
    const std::string path = directory_ + "/" + to_string(name);
    if (!series.ends.contains(name.number)) {
      Position& end = series.ends[name.number];
      read_receipts(TRY(read_file(files_, path, read_size_max)),
                    [&](Receipt&& receipt) { end = std::max(end, receipt.to); });
    }
    const bool is_written = series.file && name.number == series.number;
    if (is_written || series.ends[name.number].offset > first) continue;
    TRY(files_.remove(path));
    series.ends.erase(name.number);
    has_removed = true;
  }
  return has_removed ? files_.sync_directory(directory_) : Result<>{};
}

Result<std::unique_ptr<Receipts>> Receipts::open(FileSystem& files, std::string journal_directory) {
  std::unique_ptr<Receipts> receipts(new Receipts(files, std::move(journal_directory) + "/receipts"));
  for (const FileName& name : TRY(list_files(files, receipts->directory_)))
    if (receipts->routes_.empty() || receipts->routes_.back() != name.route) receipts->routes_.push_back(name.route);
  return receipts;
}

Result<std::uint64_t> Receipts::for_each(std::string_view route, Position from, Position to,
                                         FunctionRef<void(const Receipt&)> see) const {
  std::uint64_t damaged = 0;
  for (const FileName& name : TRY(list_files(files_, directory_))) {
    if (name.route != route) continue;
    const std::string path = directory_ + "/" + to_string(name);
    const auto bytes = read_file(files_, path, read_size_max);
    if (!bytes) {
      if (!TRY(files_.exists(path))) continue;  // retention was faster
      return Error(bytes.error());
    }
    const ReceiptWalk walk = read_receipts(*bytes, [&](Receipt&& receipt) {
      if (receipt.from < to && from < receipt.to) see(receipt);
    });
    damaged += walk.damaged;
  }
  return damaged;
}

Result<std::vector<Receipt>> Receipts::find(std::string_view route, Position position) const {
  std::vector<Receipt> found;
  TRY(for_each(route, position, Position{position.offset, position.index + 1},
               [&](const Receipt& receipt) { found.push_back(receipt); }));
  return found;
}

}  // namespace capstan::store
