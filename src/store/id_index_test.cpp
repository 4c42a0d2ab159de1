#include "store/id_index.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace capstan::store {
namespace {

class IdIndexTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_ids_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    JournalOptions options;
    options.reserve = 0_B;
    journal_ = Journal::open(files_, clock_, root_, options).value();
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<IdIndex> open() {
    auto index = IdIndex::open(files_, root_, feeds_, *journal_);
    if (!index) ADD_FAILURE() << index.error().text();
    return index ? std::move(*index) : nullptr;
  }

  // Journals records n = first … of a feed, saved at n ms, with content n·10+version; remembers them when told where.
  void put(IdIndex* index, std::string_view feed, std::uint64_t first, std::uint64_t count, std::uint64_t version = 0) {
    Batch batch;
    for (std::uint64_t n = first; n < first + count; ++n) {
      const std::string id = std::to_string(n);
      ASSERT_TRUE(batch.add({.feed = feed,
                             .id = id,
                             .raw = "{}",
                             .saved_time = from_epoch_ms(static_cast<std::int64_t>(n)),
                             .content_hash = n * 10 + version}));
    }
    ASSERT_TRUE(journal_->append(batch, {"x"}));
    ASSERT_TRUE(journal_->sync());
    if (index == nullptr) return;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ASSERT_TRUE(index->remember(batch[i]));
    }
    ASSERT_TRUE(index->advance(journal_->report().durable, false));
  }

  IdIndex::Seen seen(IdIndex& index, std::string_view feed, std::uint64_t n, std::uint64_t version = 0) {
    auto result = index.look_up(feed, std::to_string(n), n * 10 + version);
    if (!result) ADD_FAILURE() << result.error().text();
    return result ? *result : IdIndex::Seen::never;
  }

  PosixFileSystem files_;
  SystemClock clock_;
  std::vector<FeedTraits> feeds_{{"activities", Repetition::by_id, Duration(100'000)},
                                 {"alerts", Repetition::by_content, {}}};
  std::string root_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(IdIndexTest, TellsNeverSameAndChangedByFeed) {
  auto index = open();
  put(index.get(), "alerts", 1, 10);
  EXPECT_EQ(seen(*index, "alerts", 5), IdIndex::Seen::same);
  EXPECT_EQ(seen(*index, "alerts", 5, 1), IdIndex::Seen::changed);
  EXPECT_EQ(seen(*index, "alerts", 11), IdIndex::Seen::never);
  EXPECT_EQ(seen(*index, "activities", 5), IdIndex::Seen::never);
  put(index.get(), "alerts", 5, 1, 1);
  ASSERT_TRUE(index->advance(journal_->report().durable, true));
  EXPECT_EQ(seen(*index, "alerts", 5, 1), IdIndex::Seen::same);
}

TEST_F(IdIndexTest, IsExactOverManyRunsAndForgetsWhatIsOld) {
  auto index = open();
  constexpr std::uint64_t total = 300'000;
  for (std::uint64_t n = 1; n <= total; n += 5000) put(index.get(), "activities", n, 5000);
  ASSERT_TRUE(index->advance(journal_->report().durable, true));
  for (std::uint64_t n = total - 100'000; n <= total; n += 997)
    ASSERT_EQ(seen(*index, "activities", n), IdIndex::Seen::same);
  for (std::uint64_t n = total + 1; n < total + 1000; n += 7)
    ASSERT_EQ(seen(*index, "activities", n), IdIndex::Seen::never);
  EXPECT_LT(index->size(), total);
  EXPECT_LT(std::distance(std::filesystem::directory_iterator(root_ + "/ids"), {}), 12);
}

TEST_F(IdIndexTest, CatchesUpFromTheJournal) {
  open().reset();
  put(nullptr, "alerts", 1, 1000);
  auto index = open();
  EXPECT_EQ(seen(*index, "alerts", 1000), IdIndex::Seen::same);
  EXPECT_EQ(index->size(), 1000U);
}

TEST_F(IdIndexTest, IsBuiltAnewWhenAFileIsDamagedOrMissing) {
  for (const std::string what : {"manifest", "run", "missing", "shorter"}) {
    auto index = open();
    put(index.get(), "alerts", 1, 500);
    ASSERT_TRUE(index->advance(journal_->report().durable, true));
    index.reset();
    std::string run;
    for (const auto& entry : std::filesystem::directory_iterator(root_ + "/ids"))
      if (entry.path().extension() == ".run") run = entry.path();
    ASSERT_NE(run, "");
    const std::string path = what == "manifest" ? root_ + "/ids/manifest" : run;
    if (what == "missing") {
      std::filesystem::remove(path);
    } else if (what == "shorter") {
      std::filesystem::resize_file(path, 100);
    } else {
      std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(20) << "###";
    }
    index = open();
    EXPECT_EQ(seen(*index, "alerts", 250), IdIndex::Seen::same) << what;
    EXPECT_EQ(seen(*index, "alerts", 501), IdIndex::Seen::never) << what;
  }
}

TEST_F(IdIndexTest, HealsWhenABlockIsDamagedWhileItIsOpen) {
  auto index = open();
  put(index.get(), "alerts", 1, 500);
  ASSERT_TRUE(index->advance(journal_->report().durable, true));
  for (const auto& entry : std::filesystem::directory_iterator(root_ + "/ids"))
    if (entry.path().extension() == ".run")
      for (int block = 0; block < 5; ++block)
        std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(block * 4096 + 20) << "###";
  for (std::uint64_t n = 1; n <= 500; ++n) ASSERT_EQ(seen(*index, "alerts", n), IdIndex::Seen::same);
}

}  // namespace
}  // namespace capstan::store
