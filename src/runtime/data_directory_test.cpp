#include "data_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

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

}  // namespace
}  // namespace capstan::runtime
