#include "file_sink.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"

namespace capstan::sinks {
namespace {

// Somebody who writes into our file at just the moment when we do tears one line; each time again is a bad joke.
constexpr int torn_again_max = 8;
// Names of rotated files that somebody else has made meanwhile.
constexpr int taken_names_max = 100;

// A full disk passes by itself; everything else on an output file waits for a person, and nothing is lost meanwhile.
Error as_output_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::disk_full:
    case ErrorCode::interrupted:
    case ErrorCode::file_in_use:
    case ErrorCode::output_taken_away:
      return error;
    default:
      return {ErrorCode::file_not_writable, error.sentence()};
  }
}

void append_line(std::string_view message, std::string& out) {
  const std::size_t begin = out.size();
  out += message;
  // One message, one line: a line feed inside would make two of it.
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '\n', ' ');
  out += '\n';
}

// The line of which the byte at `offset` is a part.
std::string_view line_at(std::string_view lines, std::size_t offset) {
  const std::size_t before = offset == 0 ? std::string_view::npos : lines.rfind('\n', offset - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return lines.substr(begin, lines.find('\n', offset) + 1 - begin);
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
  const FileIdentity identity = receipt.identity.value_or(FileIdentity{});
  return fmt::format("2 {} {} {} {} {} {} {}", receipt.position.rotation, receipt.position.size,
                     epoch_ms(receipt.begun), identity.device, identity.inode, identity.born_ns, receipt.path);
}

std::optional<FileReceipt> parse_file_receipt(std::string_view text) {
  const auto version = take_number<unsigned>(text);
  const auto rotation = take_number<std::uint64_t>(text);
  const auto size = take_number<std::uint64_t>(text);
  const auto begun = take_number<std::int64_t>(text);
  if (!version || *version == 0 || *version > 2 || !rotation || *rotation == 0 || !size || !begun) return std::nullopt;
  FileReceipt receipt{{*rotation, *size}, from_epoch_ms(*begun), {}, {}};
  if (version == 1U) {
    if (!take_number<unsigned>(text)) return std::nullopt;
  } else {
    const auto device = take_number<std::uint64_t>(text);
    const auto inode = take_number<std::uint64_t>(text);
    const auto born = take_number<std::int64_t>(text);
    if (!device || !inode || !born) return std::nullopt;
    if (*inode != 0) receipt.identity = FileIdentity{*device, *inode, *born};
  }
  if (text.empty()) return std::nullopt;
  receipt.path = text;
  return receipt;
}

FileSink::FileSink(FileOptions options, const Clock& clock, FileSystem& files)
    : options_(std::move(options)), clock_(clock), files_(files) {}

FileSink::~FileSink() { close(); }

void FileSink::close() {
  file_.reset();
  search_.reset();
}

Result<> FileSink::resume(std::string_view receipt) {
  if (auto found = find_position(receipt); !found) return as_output_error(found.error());
  return {};
}

// Which number the current file has follows from the names alone: a file that was rotated away carries its number, so
// the one that is written now has the next. This holds after a crash at any step of a rotation, and for every writer.
Result<> FileSink::find_position(std::string_view receipt_text) {
  TRY(take());
  identity_ = file_->identity();
  const auto rotated_files = TRY(rotated());
  rotation_ = rotated_files.empty() ? 1 : rotated_files.back().number + 1;
  acknowledged_ = {rotated_files.empty() ? rotation_ : rotated_files.front().number, 0};
  acknowledged_in_.reset();
  begun_ = clock_.now();
  is_settled_ = false;
  search_.reset();
  const auto receipt = parse_file_receipt(receipt_text);
  has_receipt_ = receipt && (receipt->path == path() || TRY(find_file(receipt->identity, rotated_files)));
  if (!has_receipt_) return {};
  // The names of rotated files may have been removed.
  if (!receipt->identity || receipt->identity == identity_) rotation_ = std::max(rotation_, receipt->position.rotation);
  acknowledged_ = receipt->position;
  acknowledged_in_ = receipt->identity;
  const bool is_there = TRY(find_acknowledged(rotated_files));
  if (is_there && acknowledged_.rotation == rotation_) begun_ = receipt->begun;
  return {};
}

// The number of the file with this identity; nothing: it is packed, or somebody moved it away.
Result<std::optional<std::uint64_t>> FileSink::find_file(const std::optional<FileIdentity>& identity,
                                                         const std::vector<RotatedFile>& rotated_files) const {
  std::optional<std::uint64_t> number;
  if (!identity) return number;
  if (identity == identity_) number = rotation_;
  for (const RotatedFile& file : rotated_files) {
    if (number || file.compression != Compression::none) continue;
    const auto there = TRY(files_.status(path_of(file.name)));
    if (there && there->identity == identity) number = file.number;
  }
  return number;
}

// Corrects the number in acknowledged_, which another writer may have given differently. False: the file is not there
// any more under a name that tells, so that all of the one that may have its content is looked through.
Result<bool> FileSink::find_acknowledged(const std::vector<RotatedFile>& rotated_files) {
  if (!acknowledged_in_) return true;
  const auto number = TRY(find_file(acknowledged_in_, rotated_files));
  if (number) {
    acknowledged_.rotation = *number;
    return true;
  }
  acknowledged_ = {std::min(acknowledged_.rotation, rotation_), 0};
  acknowledged_in_.reset();
  return false;
}

// The file is ours, and the path leads to it.
Result<> FileSink::own() {
  if (file_) {
    if (TRY(file_->look()) == OwnedFile::Path::here) return {};
    log::warning("the output file was moved, removed or replaced; a new one is begun", {{"file", path()}});
    file_.reset();
  }
  TRY(take());
  // The same again, after an error; unless it has only the number of one that was rotated away meanwhile.
  const auto rotated_files = TRY(rotated());
  const bool is_behind = !rotated_files.empty() && rotated_files.back().number >= rotation_;
  if (file_->identity() == identity_ && !is_behind) return {};
  return begin_file();
}

Result<> FileSink::take() {
  file_.reset();
  OwnedFile taken = TRY(OwnedFile::take(files_, path()));
  directory_ = directory_of(taken.real_path());
  base_name_ = taken.real_path().substr(taken.real_path().rfind('/') + 1);
  directory_is_synced_ = false;
  // Only who has the file may tidy behind it.
  for (const auto& name : TRY(files_.list(directory_)))
    if (name.ends_with(unfinished_suffix) &&
        parse_rotated_name(base_name_, std::string_view(name).substr(0, name.size() - unfinished_suffix.size())))
      TRY(files_.remove(path_of(name)));
  file_.emplace(std::move(taken));
  return {};
}

// A file that we did not have before: its lines are somebody else's. What was written and not acknowledged may lie in
// one that was rotated away, by us or by another writer, and is compared there.
Result<> FileSink::begin_file() {
  const auto rotated_files = TRY(rotated());
  identity_ = file_->identity();
  if (!rotated_files.empty()) rotation_ = std::max(rotation_, rotated_files.back().number + 1);
  if (is_settled_) {
    acknowledged_ = {rotation_, 0};
    acknowledged_in_ = identity_;
  } else {
    TRY(find_acknowledged(rotated_files));
  }
  search_.reset();
  begun_ = clock_.now();
  return {};
}

Result<Delivery> FileSink::deliver(const Payload& payload, const Call& call) {
  lines_.clear();
  lines_.reserve(payload.bytes.size() + payload.messages.size());
  for (std::size_t i = 0; i < payload.messages.size(); ++i) append_line(payload.message(i), lines_);

  auto written = write(lines_, call).during(fmt::format("writing {}", path()));
  if (!written) {
    search_.reset();
    if (written.error().code() == ErrorCode::disk_failed) file_.reset();
    return as_output_error(written.error());
  }
  acknowledged_ = *written;
  acknowledged_in_ = acknowledged_.rotation == rotation_ ? identity_ : std::nullopt;
  has_receipt_ = true;
  tidy(call);
  Delivery delivery;
  delivery.accepted = payload.messages.size();
  delivery.receipt = to_string(FileReceipt{acknowledged_, begun_, acknowledged_in_, path()});
  return delivery;
}

Result<FilePosition> FileSink::write(std::string_view lines, const Call& call) {
  TRY(own());
  if (lines.empty()) return acknowledged_;
  TRY(notice_emptied());
  WrittenLines::Found found;
  found.end = acknowledged_;
  if (!is_settled_) {
    if (!search_) search_.emplace(TRY(search(lines)));
    found = TRY(search_->find(lines, file_->file(), call.stop));
    if (found.has_others && has_receipt_) tell_of_others();
    TRY(write_again(lines, found.spans));
    if (found.size == lines.size()) return found.end;
  }
  // A line that was broken off is made whole first.
  const bool is_whole = found.own_tail == 0 && found.empty_tail == 0;
  if (is_whole && rotation_is_due(TRY(file_->file().size()))) {
    TRY(rotate());
    found.end = {rotation_, 0};
    found.has_foreign_tail = false;
  }
  is_settled_ = false;  // until all of it is there
  search_.reset();
  const std::uint64_t end = TRY(append_behind(lines, found));
  TRY(sync());
  is_settled_ = true;
  return FilePosition{rotation_, end};
}

Result<> FileSink::notice_emptied() {
  if (search_ || acknowledged_.rotation != rotation_) return {};
  if (TRY(file_->file().size()) >= acknowledged_.size) return {};
  log::warning("the output file is shorter than what was written; somebody emptied it", {{"file", path()}});
  acknowledged_ = {rotation_, 0};
  return {};
}

// What was written before the first receipt was stored may have been rotated away too; but not every file that lies
// there is worth reading: ours begins with what comes first.
Result<WrittenLines> FileSink::search(std::string_view lines) const {
  auto files = TRY(rotated());
  FilePosition from = acknowledged_;
  if (!has_receipt_) {
    const std::string_view first = line_at(lines, 0);
    std::string begin(first.size(), '\0');
    while (!files.empty()) {
      const auto reader = TRY(open_unpacked(files_, path_of(files.front().name), files.front().compression));
      std::size_t size = 0;
      while (size < begin.size()) {
        const std::size_t read = TRY(reader->read(std::span(begin).subspan(size)));
        if (read == 0) break;
        size += read;
      }
      if (begin == first && size == first.size()) break;
      files.erase(files.begin());
    }
    from = {files.empty() ? rotation_ : files.front().number, 0};
  }
  return WrittenLines(files_, directory_, std::move(files), rotation_, from);
}

// Found lines are written once more in their place: a sync that failed earlier may have left them in memory only.
Result<> FileSink::write_again(std::string_view lines, const std::vector<WrittenLines::Found::Span>& spans) {
  if (spans.empty()) return {};
  const auto file = TRY(files_.open(file_->real_path(), FileSystem::OpenMode::write_existing));
  if (TRY(file->status()).identity != file_->identity())
    return Error(ErrorCode::file_in_use, fmt::format("opening {}: it was replaced just now", path()));
  for (const auto& span : spans) TRY(file->write_at(span.offset, lines.substr(span.begin, span.size)));
  return file->sync();
}

// Behind the last line that stands there, whoever's it is. Gives where ours end.
Result<std::uint64_t> FileSink::append_behind(std::string_view lines, const WrittenLines::Found& found) {
  File& file = file_->file();
  std::uint64_t size = TRY(file.size());
  lines.remove_prefix(found.size);
  if (size == found.end.size && found.empty_tail > 0) {
    log::warning("a power cut left empty bytes at the end of the output file; they are cut off",
                 {{"file", path()}, {"bytes", found.empty_tail}});
    size -= found.empty_tail;
    TRY(file.truncate(size));
    return append(lines, found.own_tail, size);
  }
  if (size == found.end.size && !found.has_foreign_tail) return append(lines, found.own_tail, size);
  tell_of_others();
  if (TRY(last_byte(size)) != '\n') size = TRY(append("\n", 0, size));
  return append(lines, 0, size);
}

Result<char> FileSink::last_byte(std::uint64_t size) const {
  char last = '\n';
  if (size > 0) TRY(file_->file().read_at(size - 1, std::span(&last, 1)));
  return last;
}

// `done`: bytes of the first line that stand at the end of the file already. Gives where the lines end.
Result<std::uint64_t> FileSink::append(std::string_view lines, std::size_t done, std::uint64_t expected) {
  File& file = file_->file();
  std::string torn;  // lines that somebody has written into: they are written once more
  for (int again = 0;; ++again) {
    while (done < lines.size()) {
      const File::Appended appended = TRY(file.append(lines.substr(done)));
      if (appended.offset != expected && lines != "\n") {
        tell_of_others();
        const bool is_within_line = done > 0 && lines[done - 1] != '\n';
        if (is_within_line || TRY(last_byte(appended.offset)) != '\n') torn += line_at(lines, done);
      }
      done += appended.size;
      expected = appended.offset + appended.size;
    }
    if (torn.empty()) return expected;
    if (again == torn_again_max)
      return Error(ErrorCode::file_in_use, "somebody else writes into the file again and again");
    lines_ = std::exchange(torn, {});
    lines = lines_;
    done = 0;
  }
}

// After a failure nothing of it may be believed: the file is opened anew and written again.
Result<> FileSink::sync() {
  if (auto synced = file_->file().sync(); !synced) {
    file_.reset();
    return synced;
  }
  if (!directory_is_synced_) TRY(files_.sync_directory(directory_));
  directory_is_synced_ = true;
  return {};
}

void FileSink::tell_of_others() {
  if (std::exchange(others_are_told_, true)) return;
  log::warning("somebody else writes to the output file; their lines are kept", {{"file", path()}});
}

bool FileSink::rotation_is_due(std::uint64_t size) const {
  if (size == 0) return false;
  if (size >= options_.rotate_bytes.count) return true;
  return options_.rotate_every && clock_.now() - begun_ >= *options_.rotate_every;
}

// In the directory where the file really lies: a symbolic link to it stays and leads to the next one. Between the two
// names another process may take the file, which then has it, whole.
Result<> FileSink::rotate() {
  for (int attempt = 0;; ++attempt) {
    auto renamed = files_.rename_to_new(file_->real_path(), path_of(rotated_name(base_name_, clock_.now(), rotation_)));
    ++rotation_;
    if (renamed) break;
    if (renamed.error().code() != ErrorCode::file_exists || attempt == taken_names_max) {
      --rotation_;
      return renamed;
    }
  }
  identity_.reset();
  TRY(take());
  TRY(begin_file());
  return files_.sync_directory(directory_);
}

// House-keeping never fails a delivery: what it could not do now it does after the next one.
void FileSink::tidy(const Call& call) {
  if (acknowledged_.rotation != rotation_) return;  // what is older is still compared
  if (auto packed = pack_one(call); !packed && packed.error().code() != ErrorCode::interrupted)
    log::repeating("pack " + path(), packed.error());
  if (auto removed = remove_surplus(); !removed) log::repeating("remove " + path(), removed.error());
}

// One a delivery, so that no delivery waits long. Plain bytes are removed only when the packed file and its name are on
// the disk.
Result<> FileSink::pack_one(const Call& call) {
  if (options_.compression == Compression::none) return {};
  const auto rotated_files = TRY(rotated());
  for (std::size_t i = 0; i < rotated_files.size(); ++i) {
    if (rotated_files[i].compression != Compression::none) continue;
    const std::string plain = path_of(rotated_files[i].name);
    std::unique_ptr<File> lock;
    if (is_written_by_another(rotated_files[i].name, lock)) continue;
    const bool is_packed = i + 1 < rotated_files.size() && rotated_files[i + 1].number == rotated_files[i].number;
    if (!is_packed) {
      const std::string packed = plain + std::string(suffix(options_.compression));
      const std::string unfinished = packed + std::string(unfinished_suffix);
      const std::uint64_t size = TRY(pack(files_, plain, unfinished, options_.compression, call.stop));
      // Somebody who had it open when it was renamed goes on writing to it: packed once more, later.
      if (const auto now = TRY(files_.status(plain)); !now || now->size != size) return {};
      TRY(files_.rename(unfinished, packed));
      TRY(files_.sync_directory(directory_));
    }
    return files_.remove(plain);
  }
  return {};
}

Result<> FileSink::remove_surplus() {
  if (options_.keep == 0) return {};
  const auto first_kept = rotation_ > options_.keep ? rotation_ - options_.keep : 1;
  for (const auto& file : TRY(rotated())) {
    std::unique_ptr<File> lock;
    if (file.number < first_kept && !is_written_by_another(file.name, lock)) TRY(files_.remove(path_of(file.name)));
  }
  return {};
}

// A file may have the name of a rotated one and be somebody's output all the same. One that cannot be locked is
// nobody's whom a lock could tell.
bool FileSink::is_written_by_another(const std::string& name, std::unique_ptr<File>& lock) const {
  auto file = files_.open(path_of(name), FileSystem::OpenMode::write_existing);
  if (!file) return false;
  lock = std::move(*file);
  const auto locked = lock->lock();
  return locked && *locked == File::Lock::is_held;
}

Result<> FileSink::probe(const Call&) {
  auto probed = [&]() -> Result<> {
    const auto there = TRY(files_.status(path()));
    if (there && there->kind != FileStatus::Kind::regular)
      return Error(ErrorCode::file_not_writable,
                   fmt::format("opening {}: expected a file, got {}", path(), not_a_file(there->kind)));
    if (there) TRY(files_.open(path(), FileSystem::OpenMode::write_existing));
    const std::string real = TRY(files_.real_path(path()));
    TRY(files_.make_directories(directory_of(real)));
    const std::string probe_path = fmt::format("{}.probe.{}", real, ::getpid());
    TRY(files_.open(probe_path, FileSystem::OpenMode::create_new));
    return files_.remove(probe_path);
  }();
  if (!probed) return as_output_error(probed.error());
  return {};
}

}  // namespace capstan::sinks
