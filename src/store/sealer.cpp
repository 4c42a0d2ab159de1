#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "frame.h"
#include "seal_file.h"
#include "store/seal.h"

namespace capstan::store {

namespace {

constexpr std::uint64_t step_bytes = 4U << 20;
constexpr std::size_t scan_chunk = 1U << 20;

std::string segment_path(const std::string& directory, std::uint64_t base) {
  return fmt::format("{}/{:020}.segment", directory, base);
}

SealedFrame describe(const FrameReader::Step& step, Sha256Hasher& hasher) {
  hasher.add(bytes_of(step.head));
  hasher.add(step.payload);
  return {.offset = step.offset,
          .end = step.next,
          .records = step.head.records,
          .ingest_time = from_epoch_ms(step.head.ingest_ms),
          .hash = hasher.finish()};
}

// A segment on its way into a seal.
class Sealing {
public:
  static Result<std::unique_ptr<Sealing>> begin(FileSystem& files, const std::string& directory, std::uint64_t base,
                                                std::uint64_t end) {
    auto segment = TRY(files.open(segment_path(directory, base), FileSystem::OpenMode::read));
    auto writer = TRY(SealWriter::make(files, directory, base, end));
    return std::make_unique<Sealing>(std::move(segment), std::move(writer), base, end);
  }

  Sealing(std::unique_ptr<File> segment, std::unique_ptr<SealWriter> writer, std::uint64_t base, std::uint64_t end)
      : base_(base),
        end_(end),
        segment_(std::move(segment)),
        writer_(std::move(writer)),
        reader_(*segment_, base, base, end, scan_chunk, FrameReader::Buffers::reused) {}

  std::uint64_t base() const { return base_; }
  std::uint64_t end() const { return end_; }

  // True when the whole segment was read.
  Result<bool> read_some() {
    for (std::uint64_t read = 0; read < step_bytes;) {
      const FrameReader::Step step = TRY(reader_.next());
      if (step.kind == FrameReader::Step::Kind::end) return true;
      read += step.next - step.offset;
      if (step.kind == FrameReader::Step::Kind::damage) {
        writer_->add_gap({step.offset, step.next});
      } else if (step.head.type == FrameType::records) {
        TRY(take(step));
      }
    }
    return false;
  }

  Result<SealHead> finish(const Sha256& previous) { return writer_->finish(previous); }

private:
  Result<> take(const FrameReader::Step& step) {
    TRY(writer_->begin_frame(describe(step, hasher_)));
    for (std::size_t offset = 0; offset < step.payload.size();) {
      const auto stored = read_stored(step.payload, offset);
      if (!stored) {
        writer_->add_gap({step.offset, step.next});
        break;
      }
      writer_->add(stored->record);
      offset = stored->end;
    }
    return writer_->end_frame();
  }

  std::uint64_t base_;
  std::uint64_t end_;
  std::unique_ptr<File> segment_;
  std::unique_ptr<SealWriter> writer_;
  FrameReader reader_;
  Sha256Hasher hasher_;
};

}  // namespace

struct Sealer::Work {
  struct Seal {
    std::uint64_t end = 0;
    std::uint64_t size = 0;  // of the file
    std::optional<Timestamp> newest;
    Sha256 chain{};
  };
  bool is_loaded = false;
  std::map<std::uint64_t, Seal> seals;  // by base
  std::unique_ptr<Sealing> sealing;

  Result<> load(FileSystem& files, const std::string& directory) {
    if (is_loaded) return {};
    seals.clear();
    for (const std::string& name : TRY(files.list(directory))) {
      // Left behind by a crash while a seal was written.
      if (name.ends_with(".seal.new")) TRY(files.remove(directory + "/" + name));
      const auto base = parse_base(name, seal_suffix);
      if (!base) continue;
      const auto reader = SealReader::open(files, directory, *base);
      if (reader)
        note(reader->head(), reader->file_size());
      else if (reader.error().code() == ErrorCode::journal_corrupt)
        log::repeating(directory + name, reader.error());
      else if (reader.error().code() != ErrorCode::not_found)
        return Error(reader.error());
    }
    is_loaded = true;
    return {};
  }

  void note(const SealHead& head, std::uint64_t size) {
    seals[head.base] = {head.end, size, head.last_ingest, head.chain};
  }

  bool has(std::uint64_t base, std::uint64_t end) const {
    const auto found = seals.find(base);
    return found != seals.end() && found->second.end == end;
  }

  // Zeros where the seal before is missing: the chain begins anew, which everybody sees.
  Sha256 chain_before(std::uint64_t base) const {
    auto behind = seals.lower_bound(base);
    if (behind == seals.begin()) return {};
    const Seal& before = std::prev(behind)->second;
    return before.end == base ? before.chain : Sha256{};
  }
};

Sealer::Sealer(FileSystem& files, std::string directory, SealOptions options)
    : files_(files), directory_(std::move(directory)), options_(options), work_(std::make_unique<Work>()) {}

Sealer::~Sealer() = default;

Result<bool> Sealer::step(const std::vector<std::uint64_t>& bases) {
  const std::scoped_lock lock(mutex_);
  return step_locked(bases);
}

Result<bool> Sealer::step_locked(const std::vector<std::uint64_t>& bases) {
  TRY(work_->load(files_, directory_));
  for (std::size_t i = 0; i + 1 < bases.size(); ++i) {
    const std::uint64_t base = bases[i];
    const std::uint64_t end = bases[i + 1];
    if (work_->has(base, end)) continue;
    if (!work_->sealing || work_->sealing->base() != base || work_->sealing->end() != end) {
      auto begun = Sealing::begin(files_, directory_, base, end);
      if (!begun && !TRY(files_.exists(segment_path(directory_, base)))) continue;  // retention was faster
      work_->sealing = TRY(std::move(begun));
    }
    // A failed write leaves the sealing in a state that must not be gone on with.
    auto is_read = work_->sealing->read_some();
    if (is_read && !*is_read) return true;
    const std::unique_ptr<Sealing> sealing = std::move(work_->sealing);
    TRY(std::move(is_read));
    // Where the last sync fails the seal may be there all the same: then what is on disk is looked at again.
    work_->is_loaded = false;
    const SealHead head = TRY(sealing->finish(work_->chain_before(base)));
    work_->is_loaded = true;
    work_->note(head, TRY(SealReader::open(files_, directory_, base)).file_size());
    return i + 2 < bases.size();
  }
  return false;
}

Result<> Sealer::seal_up_to(std::uint64_t base, const std::vector<std::uint64_t>& bases) {
  std::vector<std::uint64_t> wanted;
  for (const std::uint64_t one : bases) {
    wanted.push_back(one);
    if (one > base) break;
  }
  const std::scoped_lock lock(mutex_);
  while (TRY(step_locked(wanted))) {
  }
  return {};
}

Result<> Sealer::forget_from(std::uint64_t base) {
  const std::scoped_lock lock(mutex_);
  bool has_removed = false;
  for (const std::string& name : TRY(files_.list(directory_))) {
    const auto sealed = parse_base(name, seal_suffix);
    if (!sealed || *sealed < base) continue;
    work_->seals.erase(*sealed);
    TRY(files_.remove(directory_ + "/" + name));
    has_removed = true;
  }
  return has_removed ? files_.sync_directory(directory_) : Result<>{};
}

Result<std::uint64_t> Sealer::retain(Timestamp now, const std::vector<std::uint64_t>& bases) {
  const std::scoped_lock lock(mutex_);
  TRY(work_->load(files_, directory_));
  auto& seals = work_->seals;
  std::uint64_t bytes = 0;
  for (const auto& [base, seal] : seals) bytes += seal.size;
  // The newest one stays whatever its size, because the chain goes on from it.
  bool has_removed = false;
  while (seals.size() > 1 && !std::ranges::binary_search(bases, seals.begin()->first)) {
    const auto& [base, seal] = *seals.begin();
    const bool is_old = !seal.newest || now - *seal.newest > options_.keep;
    if (!is_old && bytes <= options_.bytes_max.count) break;
    TRY(files_.remove(seal_path(directory_, base)));
    has_removed = true;
    bytes -= seal.size;
    seals.erase(seals.begin());
  }
  if (has_removed) TRY(files_.sync_directory(directory_));
  std::uint64_t first = bases.empty() ? 0 : bases.front();
  if (!seals.empty()) first = std::min(first, seals.begin()->first);
  return first;
}

Result<std::vector<std::uint64_t>> list_segments(const FileSystem& files, const std::string& directory) {
  std::vector<std::uint64_t> bases;
  for (const std::string& name : TRY(files.list(directory)))
    if (const auto base = parse_base(name, ".segment")) bases.push_back(*base);
  std::ranges::sort(bases);
  return bases;
}

Result<FrameBytes> read_frame(FileSystem& files, const std::string& directory, std::uint64_t base,
                              const SealedFrame& frame) {
  const std::string path = segment_path(directory, base);
  const auto segment = files.open(path, FileSystem::OpenMode::read);
  if (!segment) {
    if (TRY(files.exists(path))) return Error(segment.error());
    return Error(ErrorCode::not_found, fmt::format("reading {}: retention has removed it", path));
  }
  FrameBytes bytes;
  bytes.size = static_cast<std::size_t>(frame.end - frame.offset);
  bytes.padded.resize(bytes.size + raw_padding);
  const std::size_t got = TRY((*segment)->read_at(frame.offset - base, std::span(bytes.padded).first(bytes.size)));
  if (got < bytes.size || sha256(bytes.whole()) != frame.hash)
    return Error(ErrorCode::journal_corrupt,
                 fmt::format("reading {}: the frame at {} does not have its hash", path, frame.offset));
  return bytes;
}

Result<FrameScan> scan_frames(FileSystem& files, const std::string& directory, std::uint64_t base, std::uint64_t limit,
                              FunctionRef<void(const SealedFrame&)> see) {
  const auto segment = TRY(files.open(segment_path(directory, base), FileSystem::OpenMode::read));
  FrameReader reader(*segment, base, base, limit, scan_chunk, FrameReader::Buffers::reused);
  Sha256Hasher hasher;
  MerkleRoot root;
  FrameScan scan;
  for (;;) {
    const FrameReader::Step step = TRY(reader.next());
    if (step.kind == FrameReader::Step::Kind::end) break;
    if (step.kind == FrameReader::Step::Kind::damage) {
      scan.gaps.push_back({step.offset, step.next});
      continue;
    }
    if (step.head.type != FrameType::records) continue;
    const SealedFrame frame = describe(step, hasher);
    root.add(frame.hash);
    ++scan.frames;
    scan.records += frame.records;
    see(frame);
  }
  scan.root = root.root();
  return scan;
}

}  // namespace capstan::store
