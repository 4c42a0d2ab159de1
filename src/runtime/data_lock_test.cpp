#include "data_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

namespace capstan::runtime {
namespace {

class DataLockTest : public testing::Test {
protected:
  DataLockTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "capstan-lock-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    data_dir = root + "/state";
    std::filesystem::create_directory(data_dir);
    std::filesystem::create_directory_symlink("state", root + "/alias");
  }
  ~DataLockTest() override { std::filesystem::remove_all(root); }

  void expect_refused() const {
    for (const auto& path : {data_dir, root + "/alias", root + "/state/../alias/."}) {
      const auto second = DataLock::take(path);
      ASSERT_FALSE(second) << path;
      EXPECT_EQ(second.error().code(), ErrorCode::already_running);
      EXPECT_THAT(second.error().text(), testing::HasSubstr("another part of this process has it"));
    }
  }

  std::string root;
  std::string data_dir;
};

TEST_F(DataLockTest, there_is_one_whatever_the_directory_is_called) {
  std::optional<DataLock> first;
  first.emplace(DataLock::take(data_dir).value());
  expect_refused();
  first.reset();
  EXPECT_TRUE(DataLock::take(root + "/alias"));
}

TEST_F(DataLockTest, removing_or_replacing_the_file_gives_nobody_a_second_one) {
  const DataLock first = DataLock::take(data_dir).value();
  std::filesystem::remove(data_dir + "/lock");
  expect_refused();
  std::filesystem::remove_all(data_dir + "/lock");
  std::filesystem::rename(data_dir, root + "/moved");
  std::filesystem::rename(root + "/moved", data_dir);
  expect_refused();
}

TEST_F(DataLockTest, another_directory_in_its_place_has_its_own) {
  const DataLock first = DataLock::take(data_dir).value();
  std::filesystem::rename(data_dir, root + "/moved");
  std::filesystem::create_directory(data_dir);
  EXPECT_TRUE(DataLock::take(data_dir));
  EXPECT_FALSE(DataLock::take(root + "/moved"));
}

TEST_F(DataLockTest, where_there_is_no_directory_there_is_no_lock) {
  const auto none = DataLock::take(root + "/none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::directory_not_writable);
}

}  // namespace
}  // namespace capstan::runtime
