// A disk in memory that can lose power. What was written and not synced lives in a cache; crash() gives a disk as it
// may legally be found afterwards:
//   * each 512-byte sector of an unsynced write is there or not, truncates and sizes too;
//   * creations, renames and removals that no sync_directory covered are there up to some point in their order.
// Operations that change something are counted, and any of them can be made to fail or to be the last one.
// Any thread may call.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace capstan::equipment {

// What of the unsynced survives a crash.
struct Survival {
  enum class Kind {
    nothing,       // all lost
    everything,    // all kept
    first_writes,  // the first `count` unsynced writes of each file, and directory operations
    torn,          // of each file's last unsynced write the first `count` sectors, everything before
    random,        // every sector by itself, by `seed`
  };
  Kind kind = Kind::nothing;
  std::uint64_t count = 0;
  std::uint64_t seed = 0;
};

class SimulatedDisk final : public FileSystem {
public:
  SimulatedDisk();
  ~SimulatedDisk() override;

  // The power goes at the n-th changing operation from now (0: the next one). A write is then in the cache, a sync or
  // a directory operation has not happened; everything fails from there on.
  void lose_power_at(std::uint64_t operation);
  // The n-th changing operation from now fails with this code, once.
  void fail_at(std::uint64_t operation, ErrorCode code);
  void set_free_bytes(std::uint64_t bytes);
  std::uint64_t operations() const;  // changing ones so far
  // The disk that is found after a crash now. This one is left as it is.
  std::unique_ptr<SimulatedDisk> crash(const Survival& survival) const;
  // Of what would survive if the power went and nothing in the cache were kept: names and bytes.
  std::uint64_t image_hash() const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<bool> exists(const std::string& path) const override;
  Result<std::optional<FileStatus>> status(const std::string& path) const override;
  Result<std::string> real_path(const std::string& path) const override;
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_to_new(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& directory) override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;

private:
  friend class SimulatedFile;
  struct Inode;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct NameChange {
    std::string directory;
    std::string removed;  // a path, or empty
    std::string added;
    std::shared_ptr<Inode> inode;
  };
  static void apply(const NameChange& change, Names& names);
  Result<> count_operation(std::string_view doing, const std::string& path);

  mutable std::mutex mutex_;
  Names live_;
  Names durable_;
  std::vector<NameChange> unsynced_;
  std::map<std::string, bool> directories_;
  std::uint64_t operations_ = 0;
  std::optional<std::uint64_t> power_until_;
  std::optional<std::pair<std::uint64_t, ErrorCode>> failure_;
  bool has_power_ = true;
  std::uint64_t free_bytes_ = std::uint64_t{1} << 40;
};

}  // namespace capstan::equipment
