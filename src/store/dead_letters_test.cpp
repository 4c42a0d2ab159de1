#include "store/dead_letters.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "base/digest.h"

namespace capstan::store {
namespace {

class DeadLettersTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_dead_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::unique_ptr<DeadLetters> open() { return DeadLetters::open(root_ + "/state.db").value(); }

  static DeadLetter letter(std::string route, std::uint64_t offset) {
    DeadLetter made;
    made.route = std::move(route);
    made.source = "contoso";
    made.position = {offset, 3};
    made.feed = "alerts";
    made.id = "a1";
    made.code = ErrorCode::not_encodable;
    made.sentence = "encoding: no";
    made.raw = std::string("{\0}", 3);
    made.time = from_epoch_ms(77);
    return made;
  }

  std::string root_;
};

TEST_F(DeadLettersTest, KeepsTheEvidenceOverAReopen) {
  const std::int64_t number = open()->add(letter("siem", 5)).value();
  auto letters = open();
  const auto found = letters->list("siem", 10).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].number, number);
  EXPECT_EQ(found[0].position, (Position{5, 3}));
  EXPECT_EQ(found[0].code, ErrorCode::not_encodable);
  EXPECT_EQ(found[0].raw, std::string("{\0}", 3));
  EXPECT_EQ(found[0].raw_sha256, sha256_hex(found[0].raw));
  EXPECT_EQ(found[0].time, from_epoch_ms(77));
}

TEST_F(DeadLettersTest, KeepsARecordOnceAndCountsByRoute) {
  auto letters = open();
  const auto first = letters->add(letter("siem", 5)).value();
  EXPECT_EQ(letters->add(letter("siem", 5)).value(), first);
  ASSERT_TRUE(letters->add(letter("lake", 6)));
  EXPECT_EQ(letters->count("siem").value(), 1U);
  EXPECT_EQ(letters->count("").value(), 2U);
  ASSERT_TRUE(letters->remove(first));
  ASSERT_TRUE(letters->remove(first));
  EXPECT_EQ(letters->count("").value(), 1U);
}

TEST_F(DeadLettersTest, CutsALargeRecordAndSaysHowLargeItWas) {
  auto letters = open();
  DeadLetter large = letter("siem", 1);
  large.raw.assign(100'000, 'z');
  ASSERT_TRUE(letters->add(large));
  const auto found = letters->list("", 1).value().at(0);
  EXPECT_EQ(found.raw.size(), DeadLetters::raw_size_max);
  EXPECT_EQ(found.raw_size, 100'000U);
  EXPECT_EQ(found.raw_sha256, sha256_hex(large.raw));
}

TEST_F(DeadLettersTest, RemembersRuns) {
  auto letters = open();
  const auto killed = letters->run_started(from_epoch_ms(1), "0.1.0").value();
  const auto stopped = letters->run_started(from_epoch_ms(2), "0.1.0").value();
  ASSERT_TRUE(letters->run_stopped(stopped, from_epoch_ms(9), "SIGTERM"));
  const auto runs = letters->runs(10).value();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].reason, "SIGTERM");
  EXPECT_EQ(runs[0].stop, from_epoch_ms(9));
  EXPECT_EQ(runs[1].number, killed);
  EXPECT_FALSE(runs[1].stop);
}

TEST_F(DeadLettersTest, SaysWhatIsWrongWithAFileThatIsNoDatabase) {
  const auto opened = DeadLetters::open(root_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::database_failed);
}

// A limit on file sizes stands for a full disk: both are told by the system's word for them alone.
TEST_F(DeadLettersTest, AFullDiskIsAnErrorThatPasses) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto limit = [&](rlim_t size) {
    const rlimit limited{size, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  };
  for (const rlim_t size : {rlim_t{0}, rlim_t{1000}, rlim_t{5000}, rlim_t{20'000}}) {
    const std::string path = root_ + "/" + std::to_string(size) + ".db";
    limit(size);
    const auto full = DeadLetters::open(path);
    limit(before.rlim_cur);
    ASSERT_FALSE(full) << size;
    EXPECT_EQ(full.error().code(), ErrorCode::disk_full) << full.error().text();
    EXPECT_TRUE(DeadLetters::open(path)) << size;
  }
  const auto letters = open();
  DeadLetter large = letter("siem", 1);
  large.raw = std::string(100'000, 'x');
  limit(40'000);
  const auto full = letters->add(large);
  limit(before.rlim_cur);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::disk_full) << full.error().text();
  EXPECT_TRUE(letters->add(large));
  EXPECT_EQ(letters->count("siem").value(), 1U);
}

}  // namespace
}  // namespace capstan::store
