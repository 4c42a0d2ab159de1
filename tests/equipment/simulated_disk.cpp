#include "simulated_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "base/digest.h"

namespace capstan::equipment {

namespace {

constexpr std::uint64_t sector = 512;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void put(std::string& bytes, std::uint64_t offset, std::string_view piece) {
  if (bytes.size() < offset + piece.size()) bytes.resize(offset + piece.size());
  std::memcpy(bytes.data() + offset, piece.data(), piece.size());
}

}  // namespace

struct SimulatedDisk::Inode {
  // A write of bytes, or (is_truncate) a new size.
  struct Change {
    bool is_truncate = false;
    std::uint64_t offset = 0;
    std::string bytes;
  };
  std::string durable;
  std::string cached;
  std::vector<Change> unsynced;
  const void* locked_by = nullptr;

  FileStatus status() const {
    return {.identity = {0, reinterpret_cast<std::uintptr_t>(this), 0}, .size = cached.size()};
  }

  std::string survive(const Survival& survival, std::mt19937_64& random) const {
    if (survival.kind == Survival::Kind::everything) return cached;
    std::string bytes = durable;
    if (survival.kind == Survival::Kind::nothing) return bytes;
    for (std::size_t i = 0; i < unsynced.size(); ++i) {
      const bool is_last = i + 1 == unsynced.size();
      if (survival.kind == Survival::Kind::first_writes && i >= survival.count) break;
      const bool is_torn = survival.kind == Survival::Kind::torn && is_last;
      if (survival.kind == Survival::Kind::random || is_torn)
        apply_in_part(unsynced[i], survival, random, bytes);
      else
        apply(unsynced[i], bytes);
    }
    // The size may be there without the bytes: they read as zero then.
    if (survival.kind == Survival::Kind::random && random() % 4 == 0 && bytes.size() < cached.size())
      bytes.resize(cached.size());
    return bytes;
  }

  static void apply(const Change& change, std::string& bytes) {
    if (change.is_truncate)
      bytes.resize(change.offset);
    else
      put(bytes, change.offset, change.bytes);
  }

  static void apply_in_part(const Change& change, const Survival& survival, std::mt19937_64& random,
                            std::string& bytes) {
    const bool is_random = survival.kind == Survival::Kind::random;
    if (change.is_truncate) {
      if (!is_random || random() % 2 == 0) bytes.resize(change.offset);
      return;
    }
    std::uint64_t kept = 0;
    for (std::uint64_t at = 0; at < change.bytes.size();) {
      const std::uint64_t end =
          std::min<std::uint64_t>(change.bytes.size(), ((change.offset + at) / sector + 1) * sector - change.offset);
      if (is_random ? random() % 2 == 0 : kept < survival.count)
        put(bytes, change.offset + at, std::string_view(change.bytes).substr(at, end - at));
      ++kept;
      at = end;
    }
  }
};

class SimulatedFile final : public File {
public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::Inode> inode, std::string path, bool is_writable)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), is_writable_(is_writable) {}
  ~SimulatedFile() override {
    const std::scoped_lock lock(disk_.mutex_);
    if (inode_->locked_by == this) inode_->locked_by = nullptr;
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    const std::scoped_lock lock(disk_.mutex_);
    if (!disk_.has_power_) return Error(ErrorCode::disk_failed, "reading " + path_ + ": the power is off");
    if (offset >= inode_->cached.size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(into.size(), inode_->cached.size() - offset);
    std::memcpy(into.data(), inode_->cached.data() + offset, n);
    return n;
  }

  Result<> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    const std::scoped_lock lock(disk_.mutex_);
    const bool had_power = disk_.has_power_;
    auto counted = count_write();
    std::string bytes;
    for (const std::string_view piece : pieces) bytes += piece;
    // The power goes, or the disk is full, in the middle of a write: a part of it may be there.
    if (!counted) bytes.resize(disk_.has_power_ ? bytes.size() / 2 : bytes.size());
    if (had_power && is_writable_ && !bytes.empty()) {
      put(inode_->cached, offset, bytes);
      inode_->unsynced.push_back({false, offset, std::move(bytes)});
    }
    return counted;
  }

  Result<Appended> append(std::string_view bytes) override {
    const std::uint64_t end = TRY(size());
    TRY(File::write_at(end, bytes));
    return Appended{end, bytes.size()};
  }

  Result<> truncate(std::uint64_t size) override {
    const std::scoped_lock lock(disk_.mutex_);
    TRY(count_write());
    if (inode_->cached.size() == size) return {};
    inode_->cached.resize(size);
    inode_->unsynced.push_back({true, size, {}});
    return {};
  }

  Result<std::uint64_t> size() const override {
    const std::scoped_lock lock(disk_.mutex_);
    return inode_->cached.size();
  }

  Result<FileStatus> status() const override {
    const std::scoped_lock lock(disk_.mutex_);
    return inode_->status();
  }

  Result<Lock> lock() override {
    const std::scoped_lock lock(disk_.mutex_);
    if (inode_->locked_by != nullptr && inode_->locked_by != this) return Lock::is_held;
    inode_->locked_by = this;
    return Lock::taken;
  }

  Result<> sync() override {
    const std::scoped_lock lock(disk_.mutex_);
    TRY(count_write());
    inode_->durable = inode_->cached;
    inode_->unsynced.clear();
    return {};
  }

  Result<> reserve(std::uint64_t) override { return {}; }
  void forget(std::uint64_t, std::uint64_t) const override {}

private:
  Result<> count_write() {
    if (!is_writable_) return Error(ErrorCode::disk_failed, "writing " + path_ + ": it was opened for reading");
    return disk_.count_operation("writing", path_);
  }

  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Inode> inode_;
  std::string path_;
  bool is_writable_;
};

SimulatedDisk::SimulatedDisk() = default;
SimulatedDisk::~SimulatedDisk() = default;

void SimulatedDisk::lose_power_at(std::uint64_t operation) {
  const std::scoped_lock lock(mutex_);
  power_until_ = operations_ + operation;
}

void SimulatedDisk::fail_at(std::uint64_t operation, ErrorCode code) {
  const std::scoped_lock lock(mutex_);
  failure_ = {operations_ + operation, code};
}

void SimulatedDisk::set_free_bytes(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  free_bytes_ = bytes;
}

std::uint64_t SimulatedDisk::operations() const {
  const std::scoped_lock lock(mutex_);
  return operations_;
}

Result<> SimulatedDisk::count_operation(std::string_view doing, const std::string& path) {
  const std::uint64_t number = operations_++;
  if (power_until_ && number >= *power_until_) has_power_ = false;
  if (!has_power_) return Error(ErrorCode::disk_failed, fmt::format("{} {}: the power is off", doing, path));
  if (failure_ && number == failure_->first)
    return Error(failure_->second, fmt::format("{} {}: made to fail", doing, path));
  return {};
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::crash(const Survival& survival) const {
  const std::scoped_lock lock(mutex_);
  std::mt19937_64 random(survival.seed);
  auto found = std::make_unique<SimulatedDisk>();
  found->directories_ = directories_;
  found->free_bytes_ = free_bytes_;
  std::size_t kept = 0;
  switch (survival.kind) {
    case Survival::Kind::nothing:
      break;
    case Survival::Kind::everything:
    case Survival::Kind::torn:
      kept = unsynced_.size();
      break;
    case Survival::Kind::first_writes:
      kept = std::min<std::size_t>(survival.count, unsynced_.size());
      break;
    case Survival::Kind::random:
      kept = random() % (unsynced_.size() + 1);
      break;
  }
  Names names = durable_;
  for (std::size_t i = 0; i < kept; ++i) apply(unsynced_[i], names);
  for (const auto& [path, inode] : names) {
    auto fresh = std::make_shared<Inode>();
    fresh->durable = fresh->cached = inode->survive(survival, random);
    found->live_[path] = found->durable_[path] = fresh;
  }
  return found;
}

std::uint64_t SimulatedDisk::image_hash() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t hash = 0;
  for (const auto& [path, inode] : durable_) hash = hash64(inode->durable, hash64(path, hash));
  return hash;
}

void SimulatedDisk::apply(const NameChange& change, Names& names) {
  if (!change.removed.empty()) names.erase(change.removed);
  if (!change.added.empty()) names[change.added] = change.inode;
}

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, OpenMode mode) {
  const std::scoped_lock lock(mutex_);
  if (!has_power_) return Error(ErrorCode::disk_failed, "opening " + path + ": the power is off");
  auto found = live_.find(path);
  const bool makes = mode != OpenMode::read && mode != OpenMode::write_existing;
  if (found == live_.end()) {
    if (!makes) return Error(ErrorCode::unreadable_file, "opening " + path + ": no such file");
    TRY(count_operation("making", path));
    NameChange change{directory_of(path), {}, path, std::make_shared<Inode>()};
    apply(change, live_);
    unsynced_.push_back(std::move(change));
    found = live_.find(path);
  } else if (mode == OpenMode::create_new) {
    return Error(ErrorCode::file_exists, "opening " + path + ": it exists");
  }
  return std::make_unique<SimulatedFile>(*this, found->second, path, mode != OpenMode::read);
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& directory) const {
  const std::scoped_lock lock(mutex_);
  if (!directories_.contains(directory)) return Error(ErrorCode::unreadable_file, "listing " + directory + ": none");
  std::vector<std::string> names;
  for (const auto& [path, inode] : live_)
    if (directory_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
  for (const auto& [path, made] : directories_)
    if (directory_of(path) == directory && path != directory) names.push_back(path.substr(directory.size() + 1));
  std::ranges::sort(names);
  return names;
}

Result<bool> SimulatedDisk::exists(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return live_.contains(path) || directories_.contains(path);
}

Result<std::optional<FileStatus>> SimulatedDisk::status(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const auto found = live_.find(path);
  if (found != live_.end()) return std::optional(found->second->status());
  const auto directory = directories_.find(path);
  if (directory == directories_.end()) return std::optional<FileStatus>();
  return std::optional(FileStatus{.identity = {1, hash64(path), 0}, .kind = FileStatus::Kind::directory});
}

// There are no links on this disk.
Result<std::string> SimulatedDisk::real_path(const std::string& path) const { return path; }

Result<> SimulatedDisk::make_directories(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (directories_.contains(path)) return {};
  TRY(count_operation("making", path));
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    directories_[path.substr(0, end)] = true;
    if (end == std::string::npos) return {};
  }
}

Result<> SimulatedDisk::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  TRY(count_operation("renaming", from));
  const auto found = live_.find(from);
  if (found == live_.end()) return Error(ErrorCode::unreadable_file, "renaming " + from + ": no such file");
  NameChange change{directory_of(to), from, to, found->second};
  apply(change, live_);
  unsynced_.push_back(std::move(change));
  return {};
}

Result<> SimulatedDisk::rename_to_new(const std::string& from, const std::string& to) {
  if (TRY(exists(to))) return Error(ErrorCode::file_exists, "renaming " + from + ": it exists");
  return rename(from, to);
}

Result<> SimulatedDisk::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  TRY(count_operation("removing", path));
  if (!live_.contains(path)) return Error(ErrorCode::unreadable_file, "removing " + path + ": no such file");
  NameChange change{directory_of(path), path, {}, {}};
  apply(change, live_);
  unsynced_.push_back(std::move(change));
  return {};
}

Result<> SimulatedDisk::sync_directory(const std::string& directory) {
  const std::scoped_lock lock(mutex_);
  TRY(count_operation("syncing", directory));
  std::erase_if(unsynced_, [&](const NameChange& change) {
    if (change.directory != directory) return false;
    apply(change, durable_);
    return true;
  });
  return {};
}

Result<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) const {
  const std::scoped_lock lock(mutex_);
  return free_bytes_;
}

}  // namespace capstan::equipment
