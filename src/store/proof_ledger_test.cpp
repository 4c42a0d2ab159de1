#include "store/proof_ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace capstan::store {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;

Timestamp hour(std::int64_t n) { return from_epoch_ms(n * hour_ms); }

ProofWindow window(std::int64_t from, std::int64_t to, Proof outcome = Proof::proved, Position behind = {}) {
  ProofWindow w;
  w.from = hour(from);
  w.to = hour(to);
  w.outcome = outcome;
  w.behind = behind;
  w.checked_at = hour(to + 1);
  return w;
}

ProofFeed activities() {
  ProofFeed feed;
  feed.feed = "activities";
  feed.since = hour(10);
  feed.windows = {window(10, 11, Proof::proved, {100, 2}), window(11, 14, Proof::proved, {100, 7}),
                  window(14, 15, Proof::proved, {300, 0})};
  return feed;
}

TEST(ProofLedger, is_read_back_as_it_was_written) {
  ProofLedger ledger;
  ledger.feeds.push_back(activities());
  ledger.feeds[0].windows[1].outcome = Proof::not_comparable;
  ledger.feeds[0].windows[1].why = "no answer:\t50 % of\nit";
  ledger.feeds[0].windows[2].repaired = 7;
  ledger.feeds.push_back({.feed = "a feed\twith a tab", .is_inventory = true, .since = {}, .windows = {window(0, 0)}});
  ledger.damage.push_back({{5, 1}, {9, 0}, 60, 59, hour(3)});
  ledger.damage.push_back({{15, 1}, {19, 0}, std::nullopt, 0, std::nullopt});
  EXPECT_EQ(parse_proof_ledger(write_proof_ledger(ledger)), ledger);
  EXPECT_EQ(parse_proof_ledger(write_proof_ledger({})), ProofLedger{});
}

TEST(ProofLedger, every_damaged_byte_is_noticed) {
  ProofLedger ledger;
  ledger.feeds.push_back(activities());
  const std::string text = write_proof_ledger(ledger);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(parse_proof_ledger(damaged).has_value()) << i;
    EXPECT_FALSE(parse_proof_ledger(text.substr(0, i)).has_value()) << i;
  }
}

TEST(ProofLedger, proved_until_ends_at_the_first_hole) {
  ProofFeed feed = activities();
  EXPECT_EQ(feed.proved_until(), hour(15));
  feed.windows[1].outcome = Proof::missing;
  EXPECT_EQ(feed.proved_until(), hour(11));
  feed.windows.erase(feed.windows.begin() + 1);
  EXPECT_EQ(feed.proved_until(), hour(11));
  feed.windows.erase(feed.windows.begin());
  EXPECT_EQ(feed.proved_until(), std::nullopt);
  EXPECT_EQ(ProofFeed{}.proved_until(), std::nullopt);
}

TEST(ProofLedger, a_route_has_what_its_cursor_has_passed) {
  const ProofFeed feed = activities();
  EXPECT_EQ(feed.delivered_until({100, 1}), std::nullopt);
  EXPECT_EQ(feed.delivered_until({100, 2}), hour(11));
  EXPECT_EQ(feed.delivered_until({299, 9}), hour(14));
  EXPECT_EQ(feed.delivered_until({300, 0}), hour(15));
}

TEST(ProofLedger, an_inventory_is_proved_as_it_was_when_it_was_compared) {
  ProofFeed feed{.feed = "entities", .is_inventory = true, .since = {}, .windows = {window(0, 0)}};
  feed.windows[0].checked_at = hour(40);
  feed.windows[0].behind = {10, 0};
  EXPECT_EQ(feed.proved_until(), hour(40));
  EXPECT_EQ(feed.delivered_until({9, 0}), std::nullopt);
  feed.windows[0].outcome = Proof::not_comparable;
  EXPECT_EQ(feed.proved_until(), std::nullopt);
}

TEST(ProofLedger, none_yet_is_empty_and_a_damaged_one_says_so) {
  PosixFileSystem files;
  const std::string directory = testing::TempDir() + "proof_ledger_" + std::to_string(::getpid());
  ASSERT_TRUE(files.make_directories(directory));
  const std::string path = directory + "/proof";
  EXPECT_EQ(read_proof_ledger(files, path).value(), ProofLedger{});
  ASSERT_TRUE(replace_file(files, path, "capstan proof 1 00000000\nrubbish\n"));
  const auto read = read_proof_ledger(files, path);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), ErrorCode::journal_corrupt);
  ASSERT_TRUE(files.remove(path));
  std::filesystem::remove(directory);
}

}  // namespace
}  // namespace capstan::store
