#include "resend_window.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace capstan::sinks {
namespace {

MonotonicTime at_second(int s) { return MonotonicTime(std::chrono::seconds(s)); }

ResendWindow::Entry entry_of(const std::vector<std::string>& messages, int second) {
  ResendWindow::Entry entry;
  for (const auto& message : messages) {
    entry.frames.bytes += message;
    entry.frames.ends.push_back(entry.frames.bytes.size());
  }
  entry.at = at_second(second);
  return entry;
}

std::string text(const ResendWindow& window, ResendWindow::Range range, std::size_t bytes_max = 1000) {
  std::string all;
  for (const auto& slice : window.slices(range, bytes_max)) all += slice.bytes();
  return all;
}

std::string all_of(const ResendWindow& window) {
  std::string all;
  for (const auto& entry : window.entries()) all += entry.frames.between(entry.first, entry.frames.size());
  return all;
}

TEST(ResendWindow, keeps_the_newest_within_its_size_and_age) {
  ResendWindow window(10_B, std::chrono::seconds(60));
  window.add_unread(entry_of({"aaaa"}, 0));
  window.add_unread(entry_of({"bbbb"}, 10));
  EXPECT_EQ(all_of(window), "aaaabbbb");
  window.add_unread(entry_of({"cccc"}, 20));
  EXPECT_EQ(all_of(window), "bbbbcccc");
  window.add_unread(entry_of({std::string(100, 'd')}, 21));
  EXPECT_EQ(all_of(window), std::string(100, 'd'));  // always the newest
  window.add_unread(entry_of({"e"}, 82));
  EXPECT_EQ(all_of(window), "e");
  EXPECT_GE(window.take_spare().bytes.capacity(), 100U);  // the room of what left is used again
  window.age(at_second(142));
  EXPECT_FALSE(window.is_empty());
  window.age(at_second(143));
  EXPECT_TRUE(window.is_empty());
  ResendWindow none(0_B, std::chrono::seconds(60));
  none.add_unread(entry_of({"a"}, 0));
  none.add_read(entry_of({"b"}, 0));
  EXPECT_TRUE(none.is_empty());
  EXPECT_TRUE(none.unread().is_empty());
}

TEST(ResendWindow, slices_are_cut_between_messages_and_hold_one_at_least) {
  ResendWindow window(1_MiB, std::chrono::seconds(60));
  window.add_unread(entry_of({"aaa", "bbb"}, 0));
  auto later = entry_of({"not mine", "ccc", "ddd"}, 0);
  later.first = 1;
  window.add_unread(std::move(later));
  EXPECT_EQ(text(window, window.unread()), "aaabbbcccddd");
  EXPECT_EQ(text(window, {1, 3}), "bbbccc");
  EXPECT_EQ(text(window, {1, 4}, 8), "bbbccc");
  EXPECT_EQ(text(window, {1, 4}, 5), "bbb");
  EXPECT_EQ(text(window, {3, 4}, 1), "ddd");
  EXPECT_EQ(text(window, {2, 2}), "");
}

TEST(ResendWindow, what_was_read_is_owed_after_a_break_until_it_was_repeated) {
  ResendWindow window(1_MiB, std::chrono::seconds(60));
  window.add_unread(entry_of({"a", "b"}, 0));
  window.note_read(1, at_second(1));
  EXPECT_EQ(text(window, window.unread()), "b");
  EXPECT_TRUE(window.owed().is_empty());
  window.doubt();
  EXPECT_EQ(text(window, window.owed()), "a");
  window.note_read(1, at_second(1));
  window.add_read(entry_of({"c"}, 1));
  EXPECT_EQ(text(window, window.owed()), "a");  // no break since b and c were read
  window.note_repeated(1, at_second(1));
  EXPECT_TRUE(window.owed().is_empty());
  window.doubt();
  EXPECT_EQ(text(window, window.owed()), "abc");
  window.note_repeated(2, at_second(1));
  window.doubt();
  EXPECT_EQ(text(window, window.owed()), "abc");  // all of it once more
  window.note_all_repeated({});
  EXPECT_TRUE(window.owed().is_empty());
  EXPECT_TRUE(window.unread().is_empty());
}

TEST(ResendWindow, what_is_owed_does_not_age_and_is_young_when_it_was_repeated) {
  ResendWindow window(1_MiB, std::chrono::seconds(60));
  window.add_read(entry_of({"a"}, 0));
  window.doubt();
  window.age(at_second(1000));
  EXPECT_EQ(text(window, window.owed()), "a");
  window.note_repeated(1, at_second(1000));
  window.age(at_second(1060));
  EXPECT_FALSE(window.is_empty());
  window.age(at_second(1061));
  EXPECT_TRUE(window.is_empty());
}

TEST(ResendWindow, an_outage_makes_nothing_older) {
  ResendWindow window(1_MiB, std::chrono::seconds(60));
  window.add_unread(entry_of({"a"}, 0));
  window.doubt();
  window.note_all_repeated(std::chrono::seconds(1000));
  window.add_unread(entry_of({"b"}, 1060));
  EXPECT_EQ(all_of(window), "ab");
  window.add_unread(entry_of({"c"}, 1061));
  EXPECT_EQ(all_of(window), "bc");
}

TEST(ResendWindow, what_was_read_is_repeated_a_few_times_at_most_and_the_rest_without_end) {
  ResendWindow window(1_MiB, std::chrono::seconds(60));
  window.add_read(entry_of({"a"}, 0));
  window.add_unread(entry_of({"b"}, 0));
  for (std::uint32_t i = 0; i < ResendWindow::repeats_max; ++i) {
    for (int tries = 0; tries < 10; ++tries) {
      window.note_all_repeated({});  // and not read
      window.doubt();
    }
    ASSERT_EQ(text(window, window.owed()), "a") << i;
    window.note_repeated(1, at_second(0));
  }
  window.doubt();
  EXPECT_TRUE(window.owed().is_empty());
  EXPECT_EQ(text(window, window.unread()), "b");
}

}  // namespace
}  // namespace capstan::sinks
