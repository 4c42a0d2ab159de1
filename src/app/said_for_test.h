// The program as a person uses it: words in, an exit code and two texts out; and files of a test's own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "app/program.h"

namespace capstan::app {

struct SaidForTest {
  int exit = 0;
  std::string out;
  std::string err;
};

inline SaidForTest say_for_test(const std::vector<std::string>& words, const std::string& typed = {},
                                bool err_is_terminal = false) {
  std::istringstream in(typed);
  std::ostringstream out;
  std::ostringstream err;
  Streams streams{.in = in, .out = out, .err = err, .err_is_terminal = err_is_terminal};
  const int code = app::main(words, streams);
  return {code, out.str(), err.str()};
}

// Removed with all that is in it.
class DirectoryForTest {
public:
  DirectoryForTest() {
    std::string name = testing::TempDir() + "capstan_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~DirectoryForTest() { std::filesystem::remove_all(path_); }
  DirectoryForTest(const DirectoryForTest&) = delete;
  DirectoryForTest& operator=(const DirectoryForTest&) = delete;

  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path_ + "/" + name).rdbuf();
    return text.str();
  }

private:
  std::string path_;
};

}  // namespace capstan::app
