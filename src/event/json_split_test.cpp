#include "event/json_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace capstan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

MATCHER_P2(Member, name, value, "") { return arg.name == name && arg.value == value; }

std::vector<std::string_view> items(std::string_view text) {
  auto result = split_array(text);
  if (!result) {
    ADD_FAILURE() << result.error().text();
    return {};
  }
  return *result;
}

TEST(JsonSplit, GivesTheMembersOfAnObjectAsWritten) {
  const auto members = split_object(R"( { "data" : [ {"a":1} , 2 ] , "hasNext":true,"na\"me":"x,}]" } )");
  ASSERT_TRUE(members) << members.error().text();
  EXPECT_THAT(*members, ElementsAre(Member("data", R"([ {"a":1} , 2 ])"), Member("hasNext", "true"),
                                    Member(R"(na\"me)", R"("x,}]")")));
}

TEST(JsonSplit, KeepsDuplicatesAndTheirOrder) {
  const auto members = split_object(R"({"a":1,"A":2,"a":3})");
  ASSERT_TRUE(members);
  EXPECT_THAT(*members, ElementsAre(Member("a", "1"), Member("A", "2"), Member("a", "3")));
}

TEST(JsonSplit, GivesTheItemsOfAnArrayAsWritten) {
  EXPECT_THAT(items("[ {\"a\": [1,2] } ,\n \"x]\\\"\" , null,[] ]"),
              ElementsAre("{\"a\": [1,2] }", "\"x]\\\"\"", "null", "[]"));
  EXPECT_THAT(items("[]"), ElementsAre());
  EXPECT_THAT(items(" [ \n ] "), ElementsAre());
  EXPECT_THAT(items("\xEF\xBB\xBF[1]"), ElementsAre("1"));
}

TEST(JsonSplit, FollowsBackslashesToTheEndOfAString) {
  EXPECT_THAT(items(R"(["\\","\\\"","a\\\\"])"), ElementsAre(R"("\\")", R"("\\\"")", R"("a\\\\")"));
}

TEST(JsonSplit, LetsBytesThatAreNotUtf8Through) {
  EXPECT_THAT(items("[\"\xFF\xC0\",{\"x\":\"\xED\xA0\x80\"}]"),
              ElementsAre("\"\xFF\xC0\"", "{\"x\":\"\xED\xA0\x80\"}"));
}

TEST(JsonSplit, ABrokenRecordDoesNotCostTheOnesBehindIt) {
  EXPECT_THAT(items(R"([{"a":[1,2},{"b":2}])"), ElementsAre(R"({"a":[1,2})", R"({"b":2})"));
  EXPECT_THAT(items(R"([{"a":1]},{"b":2}])").back(), R"({"b":2})");
  EXPECT_THAT(items(R"([{"a":nope!},tru,{"b":2}])"), ElementsAre(R"({"a":nope!})", "tru", R"({"b":2})"));
  EXPECT_THAT(items(R"([1},{"b":2}])"), ElementsAre("1}", R"({"b":2})"));
}

TEST(JsonSplit, SaysWhatItGotInstead) {
  const auto html = split_object("<!DOCTYPE html><html>" + std::string(500, 'x'));
  ASSERT_FALSE(html);
  EXPECT_EQ(html.error().code(), ErrorCode::unexpected_answer);
  EXPECT_THAT(html.error().sentence(), HasSubstr("expected one object {…}, got \"<!DOCTYPE html>"));
  EXPECT_LT(html.error().sentence().size(), 200U);
  EXPECT_THAT(split_object("").error().sentence(), HasSubstr("got \"\""));
  EXPECT_THAT(split_object("[1]").error().sentence(), HasSubstr("got \"[1]\""));
  EXPECT_THAT(split_array("{}").error().sentence(), HasSubstr("expected one array"));
}

TEST(JsonSplit, CutsItsExcerptAt80CharactersNotBytes) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "é";
  const std::string sentence = split_array(text).error().sentence();
  std::string expected;
  for (int i = 0; i < 80; ++i) expected += "é";
  EXPECT_THAT(sentence, HasSubstr("\"" + expected + "\""));
}

TEST(JsonSplit, RefusesWhatIsCutShort) {
  for (const char* text : {"[1,2", "[", "{\"a\":1", "{\"a\":\"x", "[\"x\\\"]", "{\"a\":{\"b\":1}"}) {
    EXPECT_FALSE(split_array(text).has_value()) << text;
    EXPECT_FALSE(split_object(text).has_value()) << text;
  }
}

TEST(JsonSplit, RefusesWhatFollowsAndWhatIsNoMember) {
  EXPECT_THAT(split_array("[1] [2]").error().sentence(), HasSubstr("expected nothing behind the array, got \"[2]\""));
  EXPECT_THAT(split_object("{1:2}").error().sentence(), HasSubstr("expected a member"));
  EXPECT_THAT(split_object("{\"a\" 2}").error().sentence(), HasSubstr("expected a member"));
}

TEST(JsonSplit, ADeepRecordCostsItself) {
  for (const std::size_t depth : {100U, 1024U, 1025U, 100'000U, 1'000'000U}) {
    for (const std::string& deep : {std::string(depth, '[') + std::string(depth, ']'),
                                    "{\"a\":" + std::string(depth, '[') + "1" + std::string(depth, ']') + "}",
                                    // Not closed: what is open when an object ends ends with it.
                                    "{\"a\":" + std::string(depth, '[') + "}"}) {
      const std::string text = "[{\"n\":1}," + deep + ",{\"n\":2}]";
      EXPECT_THAT(items(text), ElementsAre("{\"n\":1}", deep, "{\"n\":2}")) << depth;
      const std::string object = "{\"data\":" + text + ",\"hasNext\":false}";
      const auto members = split_object(object);
      ASSERT_TRUE(members) << depth;
      EXPECT_THAT(*members, ElementsAre(Member("data", text), Member("hasNext", "false")));
    }
  }
}

TEST(JsonSplit, ClosingBracketsThatFitNothingCostNoMoreThanThemselves) {
  // A search through all open brackets for each of them would take 10^12 steps.
  constexpr std::size_t many = 1'000'000;
  const std::string deep = "{\"a\":" + std::string(many, '{') + std::string(many, ']') + std::string(many + 1, '}');
  EXPECT_THAT(items("[1," + deep + ",2]"), ElementsAre("1", deep, "2"));
}

TEST(JsonSplit, MeasuresWhatStandsAtTheFront) {
  EXPECT_EQ(bracketed_size(R"({"a":[1,"}"]} x)"), 13U);
  EXPECT_EQ(bracketed_size(R"([{"a":tru},2]])"), 13U);
  EXPECT_EQ(bracketed_size(R"({"a":[1})"), 8U);
  EXPECT_EQ(bracketed_size(R"({"a":"})"), 0U);
  EXPECT_EQ(bracketed_size("{"), 0U);
  EXPECT_EQ(loose_item_size("NaN , 1]"), 4U);
  EXPECT_EQ(loose_item_size("'a {,} b']"), 9U);
  EXPECT_EQ(loose_item_size("NaN"), 0U);
}

// Joins random items with random blanks and takes them apart again.
std::string random_item(std::mt19937_64& random, int depth) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  if (depth == 0 || below(3) == 0) {
    std::string text = "\"";
    for (std::uint64_t i = below(40); i > 0; --i) {
      const char c = static_cast<char>(below(256));
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    return text + "\"";
  }
  const bool object = below(2) == 0;
  std::string text = object ? "{" : "[";
  for (std::uint64_t i = below(5); i > 0; --i)
    text += (object ? "\"k\\\\\" : " : "") + random_item(random, depth - 1) + (i > 1 ? " , " : " ");
  return text + (object ? "}" : "]");
}

TEST(JsonSplit, TakesApartWhatWasPutTogether) {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> made;
    std::string text = "[";
    for (std::uint64_t i = random() % 6; i > 0; --i) {
      made.push_back(random_item(random, 4));
      text += (made.size() > 1 ? "\n,  " : " ") + made.back();
    }
    text += "\t]";
    const auto found = items(text);
    ASSERT_EQ(std::vector<std::string>(found.begin(), found.end()), made) << "round " << round;
  }
}

}  // namespace
}  // namespace capstan
