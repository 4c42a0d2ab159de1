// A journal in a directory of its own, filled with numbered records, and what can be done to its files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "store/journal.h"

namespace capstan::store {

class HandClock final : public Clock {
public:
  Timestamp wall = from_epoch_ms(1'700'000'000'000);
  Timestamp now() const override { return wall; }
  MonotonicTime monotonic() const override { return {}; }
};

class JournalFixture : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_journal_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    options_.reserve = 0_B;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string directory() const { return root_ + "/journal"; }

  std::unique_ptr<Journal> open() {
    auto journal = Journal::open(files_, clock_, directory(), options_);
    if (!journal) ADD_FAILURE() << journal.error().text();
    return journal ? std::move(*journal) : nullptr;
  }

  static Batch numbered(std::uint64_t first, std::uint64_t count, std::size_t size = 100) {
    Batch batch;
    for (std::uint64_t n = first; n < first + count; ++n) {
      const std::string id = std::to_string(n);
      const std::string raw(size, static_cast<char>('a' + n % 26));
      const auto saved = from_epoch_ms(static_cast<std::int64_t>(n));
      EXPECT_TRUE(batch.add({.feed = "activities", .id = id, .raw = raw, .event_time = saved, .saved_time = saved}));
    }
    return batch;
  }

  static void append(Journal& journal, std::uint64_t first, std::uint64_t count, std::size_t size = 100) {
    auto appended = journal.append(numbered(first, count, size), {std::to_string(first + count - 1)});
    ASSERT_TRUE(appended) << appended.error().text();
    ASSERT_TRUE(journal.sync());
  }

  static std::vector<std::uint64_t> ids(const Journal& journal, Position from, Bytes step = 1_KiB) {
    std::vector<std::uint64_t> result;
    while (from < journal.report().durable) {
      auto slice = journal.read(from, step);
      if (!slice) {
        ADD_FAILURE() << slice.error().text();
        break;
      }
      for (const auto& item : slice->items) result.push_back(std::stoull(std::string(item.record.id)));
      if (slice->end <= from) break;
      from = slice->end;
    }
    return result;
  }

  static std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> result;
    for (std::uint64_t n = first; n <= last; ++n) result.push_back(n);
    return result;
  }

  std::vector<std::string> segments() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory()))
      if (entry.path().extension() == ".segment") paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
  }

  static void damage(const std::string& path, std::uint64_t at, std::size_t size = 8) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(size, '\xEE');
  }

  PosixFileSystem files_;
  HandClock clock_;
  JournalOptions options_;
  std::string root_;
};

}  // namespace capstan::store
