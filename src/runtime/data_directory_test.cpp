#include "data_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <utility>

#include "engine_equipment.h"
#include "store/journal.h"

namespace capstan::runtime {
namespace {

TEST(DataDirectory, is_waited_for_while_it_is_away) {
  std::string pattern = (std::filesystem::temp_directory_path() / "capstan-data-XXXXXX").string();
  const std::string root = ::mkdtemp(pattern.data());
  const std::string path = root + "/state";
  PosixFileSystem real;
  ASSERT_TRUE(real.make_directories(path + "/journal"));
  DataDirectory files(real, path, real.status(path)->value().identity);
  ASSERT_TRUE(replace_file(files, path + "/journal/file", "x"));
  const auto open = files.open(path + "/journal/file", FileSystem::OpenMode::write_existing).value();

  std::filesystem::rename(path, root + "/away");
  const auto expect_away = [&] {
    const std::string file = path + "/journal/file";
    const auto expect = [](const auto& result) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code(), ErrorCode::data_dir_away);
    };
    expect(files.open(file, FileSystem::OpenMode::read));
    expect(files.open(file, FileSystem::OpenMode::create_or_open));
    expect(files.list(path + "/journal"));
    expect(files.exists(file));
    expect(files.status(file));
    expect(files.make_directories(path + "/journal"));
    expect(files.rename(file, file + ".new"));
    expect(files.rename_to_new(file, file + ".new"));
    expect(files.remove(file));
    expect(files.sync_directory(path));
    expect(files.free_bytes(path));
  };
  expect_away();
  EXPECT_FALSE(std::filesystem::exists(path));
  // Another one in its place is not it.
  std::filesystem::create_directories(path + "/journal");
  expect_away();
  std::filesystem::remove_all(path);
  // What is open goes on, and paths outside are nobody's business.
  EXPECT_TRUE(open->write_at(1, "y"));
  EXPECT_TRUE(replace_file(files, root + "/state.other", "z"));

  std::filesystem::rename(root + "/away", path);
  EXPECT_EQ(read_file(files, path + "/journal/file").value(), "xy");
  std::filesystem::remove_all(root);
}

// Away between two steps of beginning a segment.
class MovingDisk final : public FileSystem {
public:
  std::function<void()> on_open = [] {};
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = real_.open(path, mode);
    if (mode == OpenMode::create_or_open) std::exchange(on_open, [] {})();
    return file;
  }
  Result<std::vector<std::string>> list(const std::string& directory) const override { return real_.list(directory); }
  Result<bool> exists(const std::string& path) const override { return real_.exists(path); }
  Result<std::optional<FileStatus>> status(const std::string& path) const override { return real_.status(path); }
  Result<std::string> real_path(const std::string& path) const override { return real_.real_path(path); }
  Result<> make_directories(const std::string& path) override { return real_.make_directories(path); }
  Result<> rename(const std::string& from, const std::string& to) override { return real_.rename(from, to); }
  Result<> rename_to_new(const std::string& from, const std::string& to) override {
    return real_.rename_to_new(from, to);
  }
  Result<> remove(const std::string& path) override { return real_.remove(path); }
  Result<> sync_directory(const std::string& directory) override { return real_.sync_directory(directory); }
  Result<std::uint64_t> free_bytes(const std::string& path) const override { return real_.free_bytes(path); }

private:
  PosixFileSystem real_;
};

TEST(DataDirectory, a_journal_goes_on_when_it_is_back) {
  std::string pattern = (std::filesystem::temp_directory_path() / "capstan-data-XXXXXX").string();
  const std::string root = ::mkdtemp(pattern.data());
  const std::string path = root + "/state";
  MovingDisk disk;
  ASSERT_TRUE(disk.make_directories(path));
  DataDirectory files(disk, path, disk.status(path)->value().identity);
  equipment::ManualClock clock;
  store::JournalOptions options;
  options.segment_size = 1_KiB;
  options.reserve = 0_B;
  auto journal = store::Journal::open(files, clock, path + "/journal", options).value();
  const auto append = [&](int number) {
    const std::string id = std::to_string(number);
    const std::string raw(700, 'a');
    Batch batch;
    EXPECT_TRUE(batch.add({.feed = "activities", .id = id, .raw = raw}));
    return journal->append(batch, {id});
  };
  ASSERT_TRUE(append(1));
  ASSERT_TRUE(append(2));
  disk.on_open = [&] { std::filesystem::rename(path, root + "/away"); };
  const auto refused = append(3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::data_dir_away);
  EXPECT_FALSE(append(3));
  std::filesystem::rename(root + "/away", path);
  const auto appended = append(3);
  ASSERT_TRUE(appended) << appended.error().text();
  ASSERT_TRUE(journal->sync());
  EXPECT_EQ(journal->report().records, 3U);
  journal.reset();
  EXPECT_EQ(store::Journal::open(files, clock, path + "/journal", options).value()->report().records, 3U);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace capstan::runtime
