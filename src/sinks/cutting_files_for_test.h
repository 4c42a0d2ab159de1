// The real disk, cut off at any operation: what the tests of the file sink break things with.
#pragma once

#include <limits>
#include <memory>
#include <utility>

#include "base/file_system.h"

namespace capstan::sinks {

// Passes on to the real disk and counts what changes it; from the operation `fails_from` on everything fails, as when
// the process ends there. A write that is refused has written its first half.
class CuttingFiles final : public FileSystem {
public:
  explicit CuttingFiles(std::uint64_t fails_from = std::numeric_limits<std::uint64_t>::max())
      : fails_from_(fails_from) {}

  std::uint64_t operations() const { return operations_; }
  bool has_cut() const { return operations_ > fails_from_; }
  void cut_at(std::uint64_t operation) { fails_from_ = operation; }
  void heal() { fails_from_ = std::numeric_limits<std::uint64_t>::max(); }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode != OpenMode::read) TRY(step());
    return std::unique_ptr<File>(std::make_unique<CuttingFile>(*this, TRY(real_.open(path, mode))));
  }
  Result<std::vector<std::string>> list(const std::string& directory) const override { return real_.list(directory); }
  Result<bool> exists(const std::string& path) const override { return real_.exists(path); }
  Result<> make_directories(const std::string& path) override { return real_.make_directories(path); }
  Result<std::optional<FileStatus>> status(const std::string& path) const override { return real_.status(path); }
  Result<std::string> real_path(const std::string& path) const override { return real_.real_path(path); }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(step());
    return real_.rename(from, to);
  }
  Result<> rename_to_new(const std::string& from, const std::string& to) override {
    TRY(step());
    return real_.rename_to_new(from, to);
  }
  Result<> remove(const std::string& path) override {
    TRY(step());
    return real_.remove(path);
  }
  // Syncs are only counted: what a process that was killed had written outlives it, synced or not.
  Result<> sync_directory(const std::string&) override { return step(); }
  Result<std::uint64_t> free_bytes(const std::string& path) const override { return real_.free_bytes(path); }

private:
  Result<> step() {
    if (operations_++ < fails_from_) return {};
    return Error(ErrorCode::disk_full, "cutting: no more");
  }

  class CuttingFile final : public File {
  public:
    CuttingFile(CuttingFiles& owner, std::unique_ptr<File> real) : owner_(owner), real_(std::move(real)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
      return real_->read_at(offset, into);
    }
    Result<> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
      if (auto allowed = owner_.step(); !allowed) {
        TRY(real_->write_at(offset, pieces[0].substr(0, pieces[0].size() / 2)));
        return allowed;
      }
      return real_->write_at(offset, pieces);
    }
    // Half of it is taken, as when the disk becomes full; then comes the error.
    Result<Appended> append(std::string_view bytes) override {
      if (std::exchange(is_torn_, false)) return Error(ErrorCode::disk_full, "cutting: no more");
      if (auto allowed = owner_.step(); !allowed) {
        is_torn_ = true;
        return real_->append(bytes.substr(0, bytes.size() / 2));
      }
      return real_->append(bytes);
    }
    Result<> truncate(std::uint64_t size) override {
      TRY(owner_.step());
      return real_->truncate(size);
    }
    Result<std::uint64_t> size() const override { return real_->size(); }
    Result<FileStatus> status() const override { return real_->status(); }
    Result<Lock> lock() override { return real_->lock(); }
    Result<> sync() override { return owner_.step(); }
    Result<> reserve(std::uint64_t size) override { return real_->reserve(size); }
    void forget(std::uint64_t, std::uint64_t) const override {}

  private:
    CuttingFiles& owner_;
    std::unique_ptr<File> real_;
    bool is_torn_ = false;
  };

  PosixFileSystem real_;
  std::uint64_t fails_from_;
  std::uint64_t operations_ = 0;
};

}  // namespace capstan::sinks
