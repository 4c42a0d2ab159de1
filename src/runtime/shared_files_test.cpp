#include "shared_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace capstan::runtime {
namespace {

class SharedFilesTest : public testing::Test {
protected:
  SharedFilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "capstan-shared-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    std::ofstream(root + "/file") << "x";
    std::filesystem::create_directory(root + "/deep");
    std::filesystem::create_directory_symlink(root, root + "/deep/up");
    std::filesystem::create_symlink("../file", root + "/deep/link");
    std::filesystem::create_hard_link(root + "/file", root + "/hard");
    std::filesystem::create_symlink("none", root + "/to_none");
  }
  ~SharedFilesTest() override { std::filesystem::remove_all(root); }

  // Whether the second is refused.
  bool clash(const std::string& one, const std::string& other) {
    SharedFiles shared(files);
    EXPECT_FALSE(shared.add({"first", root + one}));
    const auto owner = shared.add({"second", root + other});
    if (owner) {
      EXPECT_EQ(owner->route, "first");
      EXPECT_EQ(owner->path, root + one);
    }
    return owner.has_value();
  }

  std::string root;
  PosixFileSystem files;
};

TEST_F(SharedFilesTest, one_file_has_many_names) {
  for (const auto* name : {"/file", "/deep/link", "/hard", "/deep/up/file", "/deep/../file", "/./deep/.././file"})
    EXPECT_TRUE(clash("/file", name)) << name;
}

TEST_F(SharedFilesTest, so_has_one_that_is_not_there_yet) {
  for (const auto* name : {"/none", "/to_none", "/deep/up/none", "/deep/up/to_none", "/deep/../none"})
    EXPECT_TRUE(clash("/none", name)) << name;
  EXPECT_TRUE(clash("/new/place/file", "/deep/up/new/place/file"));
  EXPECT_TRUE(clash("/new/place/file", "/new/other/../place/file"));
}

TEST_F(SharedFilesTest, different_files_are_different) {
  EXPECT_FALSE(clash("/file", "/none"));
  EXPECT_FALSE(clash("/none", "/deep/none"));
  EXPECT_FALSE(clash("/new/file", "/file"));
  EXPECT_FALSE(clash("/new/file", "/newfile"));
}

}  // namespace
}  // namespace capstan::runtime
