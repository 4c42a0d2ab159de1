#include "store/receipts.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>

#include "receipt_block.h"

namespace capstan::store {
namespace {

class ReceiptsTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_receipts_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Position somewhere(std::uint64_t near) {
    return {near + random_() % 5000, static_cast<std::uint32_t>(random_() % 40)};
  }

  // Mostly the next range of a quiet road, now and then everything that can differ.
  Receipt any(const Receipt& before) {
    Receipt receipt;
    receipt.from = goes_back_ && random_() % 12 == 0 ? somewhere(before.to.offset / 2) : before.to;
    receipt.to = {receipt.from.offset + 1 + random_() % 1'000'000, static_cast<std::uint32_t>(random_() % 3)};
    if (random_() % 15 == 0) receipt.to = {receipt.from.offset, receipt.from.index + 1};
    receipt.acknowledged = before.acknowledged + std::chrono::milliseconds(random_() % 2000);
    if (random_() % 30 == 0) receipt.acknowledged -= std::chrono::hours(5);
    receipt.last_attempt = receipt.acknowledged - std::chrono::milliseconds(random_() % 300);
    receipt.first_attempt = receipt.last_attempt;
    if (random_() % 9 == 0) {
      receipt.attempts = static_cast<std::uint32_t>(2 + random_() % 200);
      receipt.first_attempt -= std::chrono::milliseconds(random_() % 9'000'000);
    }
    if (random_() % 40 == 0) receipt.attempts = 0;
    receipt.destination = random_() % 10 == 0 ? "tcp://other.example.com:6514" : "tcp://siem.example.com:6514";
    receipt.proof =
        random_() % 10 == 0 ? Sink::Proof::acknowledged_by_application : Sink::Proof::acknowledged_by_kernel;
    receipt.rule = random_() % 20 == 0 ? "" : "2f1d";
    receipt.delivered = random_() % 400;
    if (random_() % 5 == 0) receipt.dropped = random_() % 1000;
    if (random_() % 9 == 0) receipt.rejected = 1;
    if (random_() % 9 == 0) receipt.resent = random_() % 30;
    Position at = receipt.from;
    receipt.outcomes.push_back({at, static_cast<Outcome>(random_() % 5)});
    if (random_() % 3 == 0) {
      for (std::size_t i = random_() % 40; i > 0; --i) {
        at = random_() % 2 == 0 ? Position{at.offset, at.index + 1 + static_cast<std::uint32_t>(random_() % 3)}
                                : Position{at.offset + 50 + random_() % 200'000, 0};
        if (at >= receipt.to) break;
        receipt.outcomes.push_back({at, static_cast<Outcome>(random_() % 4)});
      }
    }
    if (random_() % 25 == 0) receipt.outcomes.clear();
    return receipt;
  }

  std::unique_ptr<Receipts> open() { return Receipts::open(files_, root_).value(); }
  std::vector<Receipt> all(std::string_view route) {
    std::vector<Receipt> result;
    const auto damaged = open()->for_each(route, {}, {UINT64_MAX, 0}, [&](const Receipt& r) { result.push_back(r); });
    EXPECT_TRUE(damaged);
    EXPECT_EQ(damaged.value_or(1), 0U);
    return result;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(root_ + "/receipts")) result.push_back(entry.path());
    std::ranges::sort(result);
    return result;
  }

  PosixFileSystem files_;
  std::string root_;
  bool goes_back_ = true;  // ranges are delivered again now and then
  std::mt19937_64 random_{11};
};

TEST_F(ReceiptsTest, WhatComesBackIsWhatWentIn) {
  std::map<std::string, std::vector<Receipt>> naive;
  auto writer = std::make_unique<ReceiptWriter>(files_, root_);
  const std::array routes{"siem", "archive.1", "odd / name"};
  for (int i = 0; i < 6000; ++i) {
    auto& list = naive[routes[random_() % routes.size()]];
    const auto route = std::ranges::find_if(naive, [&](auto& entry) { return &entry.second == &list; })->first;
    Receipt receipt = any(list.empty() ? Receipt{} : list.back());
    list.push_back(receipt);
    writer->add(route, std::move(receipt));
    if (random_() % 7 == 0) {
      ASSERT_TRUE(writer->flush());
    }
    if (random_() % 200 == 0) {  // the process ends, and another goes on
      ASSERT_TRUE(writer->flush());
      writer = std::make_unique<ReceiptWriter>(files_, root_);
    }
  }
  ASSERT_TRUE(writer->flush());
  auto reader = open();
  EXPECT_EQ(reader->routes(), (std::vector<std::string>{"archive.1", "odd / name", "siem"}));
  for (const auto& [route, list] : naive) {
    ASSERT_TRUE(all(route) == list) << route;
    for (int i = 0; i < 60; ++i) {
      const Receipt& one = list[random_() % list.size()];
      const Position position = random_() % 2 == 0 ? one.from : somewhere(one.from.offset);
      std::vector<Receipt> expected;
      for (const Receipt& receipt : list)
        if (receipt.from <= position && position < receipt.to) expected.push_back(receipt);
      ASSERT_TRUE(reader->find(route, position).value() == expected) << to_string(position);
    }
  }
  EXPECT_TRUE(all("nobody").empty());
}

TEST_F(ReceiptsTest, OutcomeOfEachRecord) {
  Receipt receipt;
  receipt.from = {100, 2};
  receipt.to = {300, 0};
  receipt.outcomes = {{{100, 2}, Outcome::delivered}, {{100, 5}, Outcome::dropped}, {{200, 0}, Outcome::rejected}};
  EXPECT_FALSE(receipt.outcome({100, 1}));
  EXPECT_EQ(receipt.outcome({100, 4}), Outcome::delivered);
  EXPECT_EQ(receipt.outcome({100, 5}), Outcome::dropped);
  EXPECT_EQ(receipt.outcome({100, 900}), Outcome::dropped);
  EXPECT_EQ(receipt.outcome({200, 3}), Outcome::rejected);
  EXPECT_FALSE(receipt.outcome({300, 0}));
  receipt.outcomes.clear();
  EXPECT_FALSE(receipt.outcome({100, 2}));
}

// The files' bytes are damaged or cut anywhere: receipts are missing then, and none is wrong, except that a destination
// or a rule may be unknown.
TEST_F(ReceiptsTest, DamageMakesReceiptsMissingAndNeverWrong) {
  ReceiptWriter writer(files_, root_);
  std::vector<Receipt> naive;
  for (int i = 0; i < 120; ++i) {
    naive.push_back(any(naive.empty() ? Receipt{} : naive.back()));
    writer.add("siem", naive.back());
    if (random_() % 4 == 0) {
      ASSERT_TRUE(writer.flush());
    }
  }
  ASSERT_TRUE(writer.flush());
  std::ifstream file(paths()[0], std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const auto check = [&](const std::string& bytes, std::size_t lost_max) {
    std::size_t next = 0;
    std::size_t lost = 0;
    const ReceiptWalk walk = read_receipts(bytes, [&](Receipt&& receipt) {
      const auto is_it = [&](const Receipt& known) {
        Receipt named = known;
        if (receipt.destination.empty()) {
          named.destination.clear();
          named.proof = Sink::Proof::not_provable;
        }
        if (receipt.rule.empty()) named.rule.clear();
        return named == receipt;
      };
      const auto found = std::find_if(naive.begin() + static_cast<std::ptrdiff_t>(next), naive.end(), is_it);
      ASSERT_NE(found, naive.end());
      lost += static_cast<std::size_t>(found - naive.begin()) - next;
      next = static_cast<std::size_t>(found - naive.begin()) + 1;
    });
    lost += naive.size() - next;
    EXPECT_GT(walk.damaged, 0U);
    EXPECT_LE(lost, lost_max);
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] ^= static_cast<char>(1U << (at % 8));
    ASSERT_NO_FATAL_FAILURE(check(bytes, 30)) << at;
  }
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    std::size_t shown = 0;
    const ReceiptWalk walk = read_receipts(cut, [&](Receipt&& receipt) { EXPECT_EQ(receipt, naive[shown++]); });
    EXPECT_EQ(walk.damaged == 0, walk.end == size);
  }
}

// A crash tears the newest block: the next process cuts it off and goes on.
TEST_F(ReceiptsTest, ATornEndIsCutAndWritingGoesOn) {
  std::vector<Receipt> naive;
  for (int round = 0; round < 30; ++round) {
    ReceiptWriter writer(files_, root_);
    for (int i = 0; i < 5; ++i) {
      naive.push_back(any(naive.empty() ? Receipt{} : naive.back()));
      writer.add("siem", naive.back());
    }
    ASSERT_TRUE(writer.flush());
    const std::string path = paths()[0];
    if (round % 2 == 0) {
      std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1 - random_() % 20);
      naive.resize(naive.size() - 5);
    } else if (round % 3 == 0) {
      std::ofstream file(path, std::ios::binary | std::ios::app);
      file << std::string(100 + random_() % 400, round % 2 == 0 ? '\0' : 'C');
    }
  }
  ReceiptWriter writer(files_, root_);
  naive.push_back(any(naive.back()));
  writer.add("siem", naive.back());
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(all("siem") == naive);
}

TEST_F(ReceiptsTest, OldFilesAreRemovedAlsoThoseOfForgottenRoutes) {
  goes_back_ = false;
  std::vector<Receipt> naive;
  {
    ReceiptWriter writer(files_, root_);
    for (int i = 0; i < 90'000; ++i) {
      naive.push_back(any(naive.empty() ? Receipt{} : naive.back()));
      writer.add("siem", naive.back());
      if (i < 100) writer.add("forgotten", naive.back());
      if (i % 10 == 0) {
        ASSERT_TRUE(writer.flush());
      }
    }
    ASSERT_TRUE(writer.flush());
  }
  const std::size_t before = paths().size();
  ASSERT_GT(before, 3U);
  ReceiptWriter writer(files_, root_);
  ASSERT_TRUE(writer.retain(0));
  EXPECT_EQ(paths().size(), before);
  const std::uint64_t first = naive[naive.size() / 2].from.offset;
  ASSERT_TRUE(writer.retain(first));
  EXPECT_LT(paths().size(), before);
  EXPECT_EQ(open()->routes(), std::vector<std::string>{"siem"});
  // Nothing that reaches behind `first` is gone.
  std::vector<Receipt> expected;
  for (const Receipt& receipt : naive)
    if (Position{first, 0} < receipt.to) expected.push_back(receipt);
  std::vector<Receipt> rest;
  ASSERT_TRUE(open()->for_each("siem", {first, 0}, {UINT64_MAX, 0}, [&](const Receipt& r) { rest.push_back(r); }));
  EXPECT_TRUE(rest == expected);
  // And writing goes on behind what was kept.
  naive.push_back(any(naive.back()));
  writer.add("siem", naive.back());
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(all("siem").back() == naive.back());
  EXPECT_GE(all("siem").size(), expected.size());
}

TEST_F(ReceiptsTest, AFailedWriteIsTriedAgainAndMemoryIsBounded) {
  ReceiptWriter writer(files_, root_);
  std::ofstream(root_ + "/receipts") << "a file where the directory should be";
  Receipt receipt;
  for (std::size_t i = 0; i < ReceiptWriter::pending_max + 10; ++i) {
    receipt.from = receipt.to;
    receipt.to.offset += 10;
    receipt.outcomes = {{receipt.from, Outcome::delivered}};
    writer.add("siem", receipt);
  }
  EXPECT_FALSE(writer.flush());
  std::filesystem::remove(root_ + "/receipts");
  ASSERT_TRUE(writer.flush());
  const auto kept = all("siem");
  EXPECT_LE(kept.size(), ReceiptWriter::pending_max);
  EXPECT_GE(kept.size(), ReceiptWriter::pending_max / 2);
  EXPECT_EQ(kept.back(), receipt);
}

// What a payload costs on a road where all goes well: flushed one by one (a quiet tenant) and by twenty.
TEST_F(ReceiptsTest, AReceiptIsAFewBytes) {
  for (const int together : {1, 20}) {
    std::filesystem::remove_all(root_ + "/receipts");
    ReceiptWriter writer(files_, root_);
    Receipt receipt;
    receipt.to = {9'876'543'210, 0};
    receipt.acknowledged = from_epoch_ms(1'700'000'000'000);
    constexpr int payloads = 1000;
    for (int i = 0; i < payloads; ++i) {
      receipt.from = receipt.to;
      receipt.to.offset += 1'040'000;
      receipt.acknowledged += std::chrono::milliseconds(37);
      receipt.first_attempt = receipt.last_attempt = receipt.acknowledged - std::chrono::milliseconds(31);
      receipt.delivered = 357;
      receipt.destination = "tcp://siem.example.com:6514";
      receipt.rule = std::string(64, 'a');
      receipt.outcomes = {{receipt.from, Outcome::delivered}};
      writer.add("siem", receipt);
      if (i % together == 0) {
        ASSERT_TRUE(writer.flush());
      }
    }
    ASSERT_TRUE(writer.flush());
    const double bytes = static_cast<double>(std::filesystem::file_size(paths()[0])) / payloads;
    std::cout << "bytes of receipts per payload, " << together << " in a flush: " << bytes << "\n";
    EXPECT_LT(bytes, together == 1 ? 45 : 20);
  }
}

}  // namespace
}  // namespace capstan::store
