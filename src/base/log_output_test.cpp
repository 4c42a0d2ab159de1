#include "base/log_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace capstan::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A pair of descriptors; what is written into one end can be read from the other.
struct Ends {
  int read_end = -1;
  int write_end = -1;

  static Ends of_a_pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
    return {ends[0], ends[1]};
  }
  static Ends of_a_socket() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {ends[0], ends[1]};
  }
  void close_reader() {
    ::close(read_end);
    read_end = -1;
  }
  std::string read_all() const {
    ::fcntl(read_end, F_SETFL, O_NONBLOCK);
    std::string all;
    char bytes[4096];
    for (ssize_t size = 0; (size = ::read(read_end, bytes, sizeof bytes)) > 0;)
      all.append(bytes, static_cast<std::size_t>(size));
    return all;
  }
  ~Ends() {
    if (read_end >= 0) ::close(read_end);
    ::close(write_end);
  }
};

class LogOutput : public testing::TestWithParam<bool> {
protected:
  LogOutput() { ::signal(SIGPIPE, SIG_IGN); }
  Ends ends = GetParam() ? Ends::of_a_socket() : Ends::of_a_pipe();
};

TEST_P(LogOutput, does_not_wait_for_a_reader_that_never_reads) {
  Output output(ends.write_end, 10'000);
  const auto begun = std::chrono::steady_clock::now();
  const std::string line(99, 'x');
  for (int i = 0; i < 20'000; ++i) output.write(line + "\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_FALSE(output.flush());
  EXPECT_EQ(output.take_dropped(), 0U);  // nobody could read the answer
}

TEST_P(LogOutput, says_how_many_lines_were_dropped_when_it_is_read_again) {
  Output output(ends.write_end, 10'000);
  constexpr std::uint64_t lines = 20'000;
  for (std::uint64_t i = 0; i < lines; ++i)
    output.write("line " + std::to_string(i) + " " + std::string(80, 'x') + "\n");
  std::string read = ends.read_all();
  while (!output.flush()) read += ends.read_all();
  read += ends.read_all();
  const auto arrived = static_cast<std::uint64_t>(std::count(read.begin(), read.end(), '\n'));
  EXPECT_GT(arrived, 0U);
  EXPECT_EQ(arrived + output.take_dropped(), lines);
  EXPECT_EQ(output.take_dropped(), 0U);
  EXPECT_THAT(read, StartsWith("line 0 "));
  EXPECT_THAT(read, EndsWith("x\n"));
}

TEST_P(LogOutput, outlives_its_reader) {
  Output output(ends.write_end);
  output.write("one\n");
  ends.close_reader();
  for (int i = 0; i < 1000; ++i) output.write("two\n");
  EXPECT_TRUE(output.flush());
  EXPECT_EQ(output.take_dropped(), 0U);
}

TEST_P(LogOutput, leaves_the_mode_of_the_descriptor_alone) {
  Output output(ends.write_end);
  output.write("one\n");
  EXPECT_EQ(::fcntl(ends.write_end, F_GETFL) & O_NONBLOCK, 0);
}

INSTANTIATE_TEST_SUITE_P(pipe, LogOutput, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(socket, LogOutput, testing::Values(true));

TEST(LogOutputFile, goes_on_when_there_is_room_again) {
  ::signal(SIGXFSZ, SIG_IGN);
  const std::string path = testing::TempDir() + "capstan_log_output_" + std::to_string(::getpid());
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  ASSERT_GE(descriptor, 0);
  Output output(descriptor);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  output.write("sixteen letters\n");
  output.write("lost\n");
  ::setrlimit(RLIMIT_FSIZE, &before);
  output.write("seen\n");
  EXPECT_EQ(output.take_dropped(), 2U);
  ::close(descriptor);
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "sixteen le\nseen\n");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace capstan::log
