// Every item of a page becomes a record with an id of its own, whatever it is.
#include "mdca_records.h"

#include <gtest/gtest.h>

#include <map>

#include "event/json_split.h"
#include "nasty_records.h"

namespace capstan::mdca {
namespace {

Envelope read(std::string_view raw) { return RecordReader().read("activities", raw); }

TEST(RecordReader, WhatIsNoObjectWithMembersIsARecordTooAndMarked) {
  for (const char* raw : {"{}", "{ }", "null", "3", "\"x\"", "[]", "true", "{\"a\":NaN}", "-"}) {
    const Envelope envelope = read(raw);
    EXPECT_TRUE(envelope.is_quarantined) << raw;
    EXPECT_TRUE(envelope.id.starts_with("sha:")) << raw;
    EXPECT_EQ(envelope.id, read(raw).id) << raw;
  }
  EXPECT_NE(read("null").id, read("{}").id);
}

TEST(RecordReader, IdsThatDifferInHalfASurrogatePairAreTwoIds) {
  const Envelope first = read(R"({"_id":"a\ud800"})");
  const Envelope second = read(R"({"_id":"a\ud801"})");
  EXPECT_NE(first.id, second.id);
  EXPECT_TRUE(first.has_no_id);
  EXPECT_FALSE(first.is_quarantined);
  // Another member that names the record is as good.
  EXPECT_EQ(read(R"({"_id":"a\ud800","uid":"u1"})").id, "u1");
  EXPECT_EQ(read(R"({"_id":"a\ud83d\ude00"})").id, "a\U0001F600");
}

TEST(RecordReader, SurrogateBytesMarkARecordAndDoNotBreakIt) {
  const Envelope envelope = read("{\"_id\":\"1\",\"x\":\"\xED\xA0\x80\"}");
  EXPECT_TRUE(envelope.is_wtf8);
  EXPECT_FALSE(envelope.is_quarantined);
  EXPECT_EQ(envelope.id, "1");
  EXPECT_FALSE(read(R"({"_id":"1"})").is_wtf8);
}

TEST(RecordReader, NastyRecordsAreTakenApartAndKeptOneByOne) {
  using equipment::NastyKind;
  RecordReader reader;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    equipment::NastyRecords nasty(seed);
    std::vector<equipment::NastyRecord> made;
    std::string page = "[";
    for (std::uint64_t i = nasty.below(6); i > 0; --i) {
      made.push_back(nasty.record());
      page += (made.size() > 1 ? "," : "") + made.back().raw;
    }
    page += "]";
    const auto items = split_array(page);
    ASSERT_TRUE(items) << seed;
    ASSERT_EQ(items->size(), made.size()) << seed;
    for (std::size_t i = 0; i < made.size(); ++i) {
      ASSERT_EQ(items->at(i), made[i].raw) << seed;
      const Envelope envelope = reader.read("activities", items->at(i));
      ASSERT_EQ(envelope.is_quarantined, made[i].kind != NastyKind::good) << seed << ": " << made[i].raw.substr(0, 500);
      ASSERT_FALSE(envelope.id.empty()) << seed;
      ASSERT_LE(envelope.id.size(), 1024U) << seed;
    }
  }
}

}  // namespace
}  // namespace capstan::mdca
