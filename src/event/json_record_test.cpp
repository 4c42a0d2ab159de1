#include "event/json_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <vector>

#include "allocation_count.h"

namespace capstan {
namespace {

using testing::HasSubstr;

std::uint64_t hash_of(std::string_view text) {
  JsonReader reader;
  const auto opened = reader.open(text);
  if (!opened) ADD_FAILURE() << text << ": " << opened.error().text();
  return reader.content_hash();
}

std::string refusal(std::string_view text) {
  JsonReader reader;
  const auto opened = reader.open(text);
  if (opened) return "no refusal of " + std::string(text);
  EXPECT_EQ(opened.error().code(), ErrorCode::broken_record);
  return opened.error().sentence();
}

TEST(JsonRecord, ReadsMembersOfTheOutermostObject) {
  JsonReader reader;
  ASSERT_TRUE(
      reader.open(R"( {"_id":"a\"\u00e9\ud83d\ude00","n":9007199254740993,"o": {"n" : 1} ,"f":1607952165309.8032,)"
                  R"("e":1.5e3,"big":18446744073709551616,"null":null,"yes":true,"neg":-7} )"));
  EXPECT_EQ(reader.text("_id"), "a\"é😀");
  EXPECT_EQ(reader.integer("n"), 9007199254740993);
  EXPECT_EQ(reader.text("n"), "9007199254740993");
  EXPECT_EQ(reader.raw("o"), R"({"n" : 1})");
  EXPECT_EQ(reader.integer("f"), 1607952165309);
  EXPECT_EQ(reader.integer("e"), 1500);
  EXPECT_EQ(reader.integer("neg"), -7);
  EXPECT_EQ(reader.integer("big"), std::nullopt);
  EXPECT_EQ(reader.raw("big"), "18446744073709551616");
  EXPECT_EQ(reader.text("null"), std::nullopt);
  EXPECT_EQ(reader.text("o"), std::nullopt);
  EXPECT_EQ(reader.text("yes"), "true");
  EXPECT_EQ(reader.text("absent"), std::nullopt);
  EXPECT_EQ(reader.integer("_id"), std::nullopt);
}

TEST(JsonRecord, TheFirstOfTwoMembersCountsAndCaseMatters) {
  JsonReader reader;
  ASSERT_TRUE(reader.open(R"({"Level":1,"level":2,"level":3,"l\u0065vel2":4})"));
  EXPECT_EQ(reader.integer("level"), 2);
  EXPECT_EQ(reader.integer("Level"), 1);
  EXPECT_EQ(reader.integer("level2"), 4);
}

TEST(JsonRecord, NeedsNoPaddingAndKeepsItsOwnCopy) {
  JsonReader reader;
  {
    const std::vector<char> exact = {'{', '"', 'a', '"', ':', '1', '}'};
    ASSERT_TRUE(reader.open({exact.data(), exact.size()}));
  }
  EXPECT_EQ(reader.integer("a"), 1);
}

TEST(JsonRecord, HalfASurrogatePairCostsItselfAndNotItsText) {
  JsonReader reader;
  for (const auto& [half, text] : {std::pair{R"(\ud800)", "\uFFFD"},
                                   {R"(\udc00)", "\uFFFD"},
                                   {R"(\ud800\u0041)", "\uFFFDA"},
                                   {R"(x\ud83d)", "x\uFFFD"},
                                   {R"(\ud800\ud800)", "\uFFFD\uFFFD"},
                                   {R"(\udc00\ud800y)", "\uFFFD\uFFFDy"}}) {
    ASSERT_TRUE(reader.open(std::string(R"({"bad":")") + half + R"(","_id":"x",")" + half + R"(":7})")) << half;
    EXPECT_EQ(reader.text("bad"), text);
    EXPECT_FALSE(reader.is_exact("bad"));
    EXPECT_FALSE(reader.is_wtf8());
    EXPECT_EQ(reader.text("_id"), "x");
    EXPECT_TRUE(reader.is_exact("_id"));
    EXPECT_EQ(reader.integer(text), 7);
    EXPECT_EQ(reader.raw("bad"), std::string("\"") + half + "\"");
  }
  EXPECT_NE(hash_of(R"({"a":"\ud800"})"), hash_of(R"({"a":"\ud801"})"));
  EXPECT_NE(hash_of(R"({"a":"\ud800"})"), hash_of(R"({"a":"\ufffd"})"));
}

TEST(JsonRecord, HalvesOfSurrogatePairsMayBeBytes) {
  JsonReader reader;
  ASSERT_TRUE(reader.open("{\"a\":\"x\xED\xA0\x80y\",\"b\":\"\xED\xA0\xBD\xED\xB8\x80\",\"_id\":\"1\"}"));
  EXPECT_TRUE(reader.is_wtf8());
  EXPECT_EQ(reader.text("a"), "x\uFFFDy");
  EXPECT_FALSE(reader.is_exact("a"));
  EXPECT_EQ(reader.text("b"), "\U0001F600");
  EXPECT_TRUE(reader.is_exact("_id"));
  EXPECT_NE(hash_of("{\"a\":\"\xED\xA0\x80\"}"), hash_of("{\"a\":\"\xED\xA0\x81\"}"));
  ASSERT_TRUE(reader.open("{\"a\":1}"));
  EXPECT_FALSE(reader.is_wtf8());
}

TEST(JsonRecord, RefusesBytesThatAreNotUtf8AndSaysWhere) {
  EXPECT_THAT(refusal("{\"a\":\"é\xFF\"}"), HasSubstr("at byte 8: expected UTF-8"));
  EXPECT_THAT(refusal("{\"a\":\"\xED\xA0\x80\xED\xA0\"}"), HasSubstr("at byte 9: expected UTF-8"));
  EXPECT_THAT(refusal("{\"a\":\"\xC3"), HasSubstr("at byte 6"));
}

TEST(JsonRecord, SaysWhyARecordIsQuarantined) {
  EXPECT_THAT(quarantine_reason("null"), HasSubstr("at byte 0: expected an object, got \"null\""));
  EXPECT_EQ(quarantine_reason(" { } "), "it has no members");
  EXPECT_EQ(quarantine_reason(R"({"a":1})"), "it was marked when it was collected");
}

TEST(JsonRecord, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "[1]",
                           "1",
                           "\"x\"",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":1]",
                           "{\"a\":[1}",
                           "{\"a\":[1,]}",
                           "{\"a\":01}",
                           "{\"a\":+1}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":1e}",
                           "{\"a\":-}",
                           "{\"a\":tru}",
                           "{\"a\":nulL}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"x}",
                           "{a:1}",
                           "{\"a\":1}{",
                           "{\"a\":1} x",
                           "{\"a\":1e5x}",
                           "{\"a\\q\":1}",
                           "{\"a\":\"\\",
                           "{\"a\":NaN}",
                           "{\"a\":'x'}"})
    EXPECT_THAT(refusal(text), HasSubstr("reading a record: at byte ")) << text;
  EXPECT_THAT(refusal(std::string("{\"a\":\"\0\"}", 9)), HasSubstr("expected a well-formed string"));
  EXPECT_THAT(refusal("{\"a\":1,}"), HasSubstr("at byte 7: expected a string, got \"}\""));
}

TEST(JsonRecord, AfterARefusalNothingOfTheRecordBeforeIsLeft) {
  JsonReader reader;
  ASSERT_TRUE(reader.open(R"({"a":1})"));
  ASSERT_FALSE(reader.open(R"({"a":2,})"));
  EXPECT_EQ(reader.integer("a"), std::nullopt);
  ASSERT_TRUE(reader.open(R"({"b":1})"));
  EXPECT_EQ(reader.integer("a"), std::nullopt);
}

TEST(JsonRecord, NestingHasALimit) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  JsonReader reader;
  EXPECT_TRUE(reader.open(nested(1024)));
  EXPECT_THAT(refusal(nested(1025)), HasSubstr("deeper than 1024 levels"));
  EXPECT_THAT(refusal("{\"a\":" + std::string(1'000'000, '[')), HasSubstr("deeper than 1024 levels"));
}

TEST(JsonRecord, TheHashDoesNotCareForMemberOrderAndBlanks) {
  EXPECT_EQ(hash_of(R"({"a":1,"b":{"x":[1,2],"y":null}})"),
            hash_of(" { \"b\" : {\"y\":null,\"x\":[1 , 2]},\n\"a\":1 } "));
  EXPECT_EQ(hash_of(R"({"a":"é/"})"), hash_of(R"({"\u0061":"\u00e9\/"})"));
}

TEST(JsonRecord, TheHashCaresForEverythingElse) {
  const std::array<std::string_view, 26> different = {"{}",
                                                      R"({"a":1})",
                                                      R"({"A":1})",
                                                      R"({"a":2})",
                                                      R"({"a":1.0})",
                                                      R"({"a":"1"})",
                                                      R"({"a":[1]})",
                                                      R"({"a":[]})",
                                                      R"({"a":{}})",
                                                      R"({"a":null})",
                                                      R"({"a":"null"})",
                                                      R"({"a":true})",
                                                      R"({"a":""})",
                                                      R"({"a":[1,2]})",
                                                      R"({"a":[2,1]})",
                                                      R"({"a":[[1],2]})",
                                                      R"({"a":[1,[2]]})",
                                                      R"({"a":1,"b":2})",
                                                      R"({"a":2,"b":1})",
                                                      R"({"a":{"b":1}})",
                                                      R"({"b":{"a":1}})",
                                                      R"({"a":1,"a":1})",
                                                      R"({"a":[{},{}]})",
                                                      R"({"a":[{}]})",
                                                      R"({"a":[[],[]]})",
                                                      R"({"a":[[[]]]})"};
  std::set<std::uint64_t> hashes;
  for (const auto text : different) hashes.insert(hash_of(text));
  EXPECT_EQ(hashes.size(), different.size());
}

TEST(JsonRecord, TheHashIsTheSameInEveryBuild) {
  // Hashes are stored in journals: a new one would make every record of an inventory look changed.
  EXPECT_EQ(hash_of(R"({"_id":"1","n":[1,2.5,true,null],"o":{"k":"v"}})"), 13079832422508117339U);
}

TEST(JsonRecord, AWarmReaderAllocatesNothing) {
  const std::string record =
      R"({"_id":"0123456789012345678901234567890","a":[1,2,{"b":"\u00e9\n"}],"t":1595096313000})";
  JsonReader reader;
  ASSERT_TRUE(reader.open(record));
  const AllocationCount count;
  for (int i = 0; i < 100; ++i) {
    if (!reader.open(record)) FAIL();
    if (reader.content_hash() == 0 || reader.integer("t") != 1595096313000) FAIL();
  }
  EXPECT_EQ(count.allocations(), 0U);
}

TEST(JsonRecord, AnySingleChangedByteIsSeenOrRefused) {
  const std::string record = R"({"_id":"ab","n":[1,-2.5e3,true,null],"o":{"k":"v\n"}})";
  const std::uint64_t original = hash_of(record);
  JsonReader reader;
  for (std::size_t i = 0; i < record.size(); ++i) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = record;
      changed[i] = static_cast<char>(c);
      if (changed == record || !reader.open(changed)) continue;
      // 1e3 and 1E3 are written differently, so even they differ; blanks between tokens are not a change.
      EXPECT_NE(reader.content_hash(), original) << changed;
    }
  }
}

}  // namespace
}  // namespace capstan
