#include "file_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/log.h"

namespace capstan::sinks {
namespace {

constexpr std::size_t compare_chunk = 128U << 10;

// A full disk passes by itself; everything else on an output file waits for a person, and nothing is lost meanwhile.
Error as_output_error(const Error& error) {
  if (error.code() == ErrorCode::disk_full || error.code() == ErrorCode::interrupted) return error;
  return {ErrorCode::file_not_writable, error.sentence()};
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(size), b.begin()).first - a.begin());
}

void append_line(std::string_view message, std::string& out) {
  const std::size_t begin = out.size();
  out += message;
  // One message, one line: a line feed inside would make two of it.
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '\n', ' ');
  out += '\n';
}

template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

std::string to_string(const FileReceipt& receipt) {
  return fmt::format("1 {} {} {} {} {}", receipt.position.rotation, receipt.position.size, epoch_ms(receipt.begun),
                     receipt.is_ours ? 1 : 0, receipt.path);
}

std::optional<FileReceipt> parse_file_receipt(std::string_view text) {
  const auto version = take_number<unsigned>(text);
  const auto rotation = take_number<std::uint64_t>(text);
  const auto size = take_number<std::uint64_t>(text);
  const auto begun = take_number<std::int64_t>(text);
  const auto is_ours = take_number<unsigned>(text);
  if (version != 1U || !rotation || *rotation == 0 || !size || !begun || !is_ours || text.empty()) return std::nullopt;
  return FileReceipt{{*rotation, *size}, from_epoch_ms(*begun), *is_ours != 0, std::string(text)};
}

FileSink::FileSink(FileOptions options, const Clock& clock, FileSystem& files, std::shared_ptr<Claims> claims)
    : options_(std::move(options)), clock_(clock), files_(files), claims_(std::move(claims)) {
  const std::filesystem::path path = std::filesystem::path(options_.path).lexically_normal();
  options_.path = path.string();
  base_name_ = path.filename().string();
  directory_ = path.has_parent_path() ? path.parent_path().string() : ".";
}

FileSink::~FileSink() { close(); }

void FileSink::close() {
  if (has_claim_) claims_->give_back(options_.path);
  has_claim_ = false;
  reader_.reset();
}

Result<> FileSink::resume(std::string_view receipt) {
  if (!has_claim_ && !claims_->take(options_.path))
    return Error(ErrorCode::file_not_writable,
                 fmt::format("writing {}: another route writes this file already; give each route a file of its own",
                             options_.path));
  has_claim_ = true;
  if (auto found = find_position(receipt); !found) return as_output_error(found.error());
  return {};
}

// Which file is the current one follows from the names alone: a file that was rotated away carries its number, so the
// one that is written now has the next. This holds after a crash at any step of a rotation.
Result<> FileSink::find_position(std::string_view receipt_text) {
  TRY(files_.make_directories(directory_));
  for (const auto& name : TRY(files_.list(directory_)))
    if (name.ends_with(unfinished_suffix) &&
        parse_rotated_name(base_name_, std::string_view(name).substr(0, name.size() - unfinished_suffix.size())))
      TRY(files_.remove(path_of(name)));

  auto receipt = parse_file_receipt(receipt_text);
  if (receipt && receipt->path != options_.path)
    receipt.reset();  // the option was changed: another file, which begins anew
  const auto rotated = TRY(list_rotated(files_, directory_, base_name_));
  const std::uint64_t next = rotated.empty() ? 1 : rotated.back().number + 1;
  rotation_ = std::max(next, receipt ? receipt->position.rotation : 1);
  acknowledged_ = receipt ? receipt->position : FilePosition{rotated.empty() ? rotation_ : rotated.front().number, 0};
  is_ours_ = receipt && receipt->is_ours;
  begun_ = receipt && receipt->position.rotation == rotation_ ? receipt->begun : clock_.now();
  directory_is_synced_ = false;
  reader_.reset();
  ahead_.clear();
  for (const auto& file : rotated)
    if (file.number >= acknowledged_.rotation && (ahead_.empty() || ahead_.back().number != file.number))
      ahead_.push_back(file);
  return {};
}

Result<Delivery> FileSink::deliver(const Payload& payload, const Call& call) {
  lines_.clear();
  lines_.reserve(payload.bytes.size() + payload.messages.size());
  for (std::size_t i = 0; i < payload.messages.size(); ++i) append_line(payload.message(i), lines_);

  auto written = write(lines_).during(fmt::format("writing {}", options_.path));
  if (!written) return as_output_error(written.error());
  acknowledged_ = *written;
  tidy(call);
  Delivery delivery;
  delivery.accepted = payload.messages.size();
  delivery.receipt = to_string(FileReceipt{acknowledged_, begun_, is_ours_, options_.path});
  return delivery;
}

Result<FilePosition> FileSink::write(std::string_view lines) {
  FilePosition at = acknowledged_;
  lines = TRY(skip_rotated(lines, at));
  if (lines.empty()) return at;  // all of it was synced before its file was rotated away
  if (at.rotation != rotation_) at = {rotation_, 0};
  TRY(write_current(lines, at));
  return at;
}

// Compares what comes again with the rotated files that hold it already; gives what is left for the current file.
Result<std::string_view> FileSink::skip_rotated(std::string_view lines, FilePosition& at) {
  for (const RotatedFile& file : ahead_) {
    if (lines.empty()) break;
    if (file.number < at.rotation) continue;
    if (file.number > at.rotation) at = {file.number, 0};
    const std::size_t skipped = TRY(skip_within(file, lines, at));
    lines.remove_prefix(skipped);
    if (lines.empty()) break;
    at = {file.number + 1, 0};
  }
  return lines;
}

Result<std::size_t> FileSink::skip_within(const RotatedFile& file, std::string_view lines, FilePosition& at) {
  std::string chunk(compare_chunk, '\0');
  if (!reader_ || reader_at_ != at) {
    reader_ = TRY(open_unpacked(files_, path_of(file.name), file.compression));
    for (reader_at_ = {at.rotation, 0}; reader_at_.size < at.size;) {
      const auto wanted = std::min<std::uint64_t>(compare_chunk, at.size - reader_at_.size);
      const std::size_t size = TRY(reader_->read(std::span(chunk).first(wanted)));
      if (size == 0) break;
      reader_at_.size += size;
    }
  }
  std::size_t skipped = 0;
  while (skipped < lines.size()) {
    const std::string_view rest = lines.substr(skipped);
    const std::size_t size = TRY(reader_->read(std::span(chunk).first(std::min(compare_chunk, rest.size()))));
    if (size == 0) break;
    if (common_prefix(rest, std::string_view(chunk).substr(0, size)) != size) {
      log::warning("a rotated file differs from what is delivered again; events may stand twice",
                   {{"file", file.name}});
      reader_.reset();
      return skipped;
    }
    skipped += size;
    at.size += size;
    reader_at_.size += size;
  }
  return skipped;
}

Result<> FileSink::write_current(std::string_view lines, FilePosition& at) {
  auto file = TRY(files_.open(options_.path, FileSystem::OpenMode::create_or_open));
  std::uint64_t size = TRY(file->size());
  if (size == at.size && rotation_is_due(size)) {
    file.reset();
    TRY(rotate());
    at = {rotation_, 0};
    file = TRY(files_.open(options_.path, FileSystem::OpenMode::create_or_open));
    size = TRY(file->size());
  }
  if (size < at.size) {
    log::warning("the output file is shorter than what was written; somebody moved or emptied it",
                 {{"file", options_.path}});
    at.size = size;
    acknowledged_ = at;  // a failure from here on must not look for the old size again
    directory_is_synced_ = false;
  }
  TRY(settle_tail(*file, size, lines, at));
  // Bytes that are there already are written again: a sync that failed earlier may have left them in memory only.
  TRY(file->write_at(at.size, lines));
  TRY(file->sync());
  if (!directory_is_synced_) TRY(files_.sync_directory(directory_));
  directory_is_synced_ = true;
  at.size += lines.size();
  return {};
}

// What lies behind the acknowledged size came from a delivery that was not acknowledged. As far as it is what comes now
// it stays (a reader that follows the file does not see it twice); from the first difference on it is cut, or, when it
// is not ours, written behind.
Result<> FileSink::settle_tail(File& file, std::uint64_t size, std::string_view lines, FilePosition& at) {
  std::string chunk(compare_chunk, '\0');
  std::uint64_t equal = 0;
  const std::uint64_t shared = std::min<std::uint64_t>(size - at.size, lines.size());
  while (equal < shared) {
    const auto wanted = std::min<std::uint64_t>(compare_chunk, shared - equal);
    const std::size_t read = TRY(file.read_at(at.size + equal, std::span(chunk).first(wanted)));
    const std::size_t same = common_prefix(lines.substr(equal), std::string_view(chunk).substr(0, read));
    equal += same;
    if (same < wanted) break;
  }
  if (equal == shared) {
    if (at.size + lines.size() >= size) is_ours_ = true;  // nothing of what was there before is left behind us
    return {};
  }
  if (is_ours_) return file.truncate(at.size + equal);
  char last = '\n';
  TRY(file.read_at(size - 1, std::span(&last, 1)));
  if (last != '\n') {
    TRY(file.write_at(size, "\n"));
    ++size;
  }
  at.size = size;
  acknowledged_ = at;  // what was there before us counts as settled, whatever becomes of this delivery
  is_ours_ = true;
  return {};
}

bool FileSink::rotation_is_due(std::uint64_t size) const {
  if (size == 0) return false;
  if (size >= options_.rotate_bytes.count) return true;
  return options_.rotate_every && clock_.now() - begun_ >= *options_.rotate_every;
}

Result<> FileSink::rotate() {
  TRY(files_.rename(options_.path, path_of(rotated_name(base_name_, clock_.now(), rotation_))));
  ++rotation_;
  begun_ = clock_.now();
  directory_is_synced_ = false;
  return files_.sync_directory(directory_);
}

// House-keeping never fails a delivery: what it could not do now it does after the next one.
void FileSink::tidy(const Call& call) {
  std::erase_if(ahead_, [this](const RotatedFile& file) { return file.number < acknowledged_.rotation; });
  if (auto packed = pack_one(call); !packed && packed.error().code() != ErrorCode::interrupted)
    log::repeating("pack " + options_.path, packed.error());
  if (auto removed = remove_surplus(); !removed) log::repeating("remove " + options_.path, removed.error());
}

// One a delivery, so that no delivery waits long. Plain bytes are removed only when the packed file and its name are on
// the disk.
Result<> FileSink::pack_one(const Call& call) {
  if (options_.compression == Compression::none || !ahead_.empty()) return {};
  const auto rotated = TRY(list_rotated(files_, directory_, base_name_));
  for (std::size_t i = 0; i < rotated.size(); ++i) {
    if (rotated[i].compression != Compression::none) continue;
    const std::string plain = path_of(rotated[i].name);
    const bool is_packed = i + 1 < rotated.size() && rotated[i + 1].number == rotated[i].number;
    if (!is_packed) {
      const std::string packed = plain + std::string(suffix(options_.compression));
      const std::string unfinished = packed + std::string(unfinished_suffix);
      TRY(pack(files_, plain, unfinished, options_.compression, call.stop));
      TRY(files_.rename(unfinished, packed));
      TRY(files_.sync_directory(directory_));
    }
    return files_.remove(plain);
  }
  return {};
}

Result<> FileSink::remove_surplus() {
  if (options_.keep == 0 || !ahead_.empty()) return {};
  auto rotated = TRY(list_rotated(files_, directory_, base_name_));
  const auto first_kept = rotation_ > options_.keep ? rotation_ - options_.keep : 1;
  for (const auto& file : rotated)
    if (file.number < first_kept) TRY(files_.remove(path_of(file.name)));
  return {};
}

Result<> FileSink::probe(const Call&) {
  const std::string probe_path = options_.path + ".probe";
  auto probed = [&]() -> Result<> {
    TRY(files_.make_directories(directory_));
    TRY(files_.open(probe_path, FileSystem::OpenMode::create_or_open));
    return files_.remove(probe_path);
  }();
  if (!probed) return as_output_error(probed.error());
  return {};
}

}  // namespace capstan::sinks
