// Rule and expressions as one program.
#include "kql/wanted.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kql/record_run.h"
#include "kql/schemas.h"
#include "program_impl.h"

namespace capstan::kql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Wanted cells(std::vector<std::string> expressions) {
  Wanted wanted;
  wanted.shapes.push_back({"", std::move(expressions)});
  return wanted;
}

Schema activities() { return schema_of_feeds(std::vector<std::string>{"activities"}); }

std::string text_of(const Datum& cell) {
  std::string text;
  if (cell.is_json())
    text = cell.text;
  else
    append_json(cell, text);
  return text;
}

// Every row that comes out: the shape's number and its cells.
std::vector<std::string> rows(std::string_view rule, const Wanted& wanted, const std::string& json,
                              const Schema& schema = activities()) {
  const CompiledWanted compiled = compile(rule, schema, wanted);
  for (const Diagnostic& d : compiled.rule.all()) ADD_FAILURE() << d.sentence;
  for (const WantedProblem& p : compiled.problems) ADD_FAILURE() << p.diagnostic.sentence;
  if (!compiled.program) return {};
  RecordRun run(compiled.program);
  const std::string padded = json + std::string(raw_padding, '\0');
  RecordView record;
  record.feed = "activities";
  record.id = "id-1";
  record.raw = std::string_view(padded).substr(0, json.size());
  std::vector<std::string> all;
  const auto each = [&](std::size_t shape, std::span<const Datum> of_row) -> Result<> {
    std::string text = shape == RecordRun::shape_none ? "none:" : std::to_string(shape) + ":";
    for (const Datum& cell : of_row) text += " " + text_of(cell);
    all.push_back(std::move(text));
    return {};
  };
  const auto outcome = run.cells(record, {"contoso", "mdca", {}}, each);
  if (!outcome) all.push_back(outcome.error().text());
  return all;
}

std::string only_problem(std::string_view rule, const Wanted& wanted, const Schema& schema) {
  const CompiledWanted compiled = compile(rule, schema, wanted);
  EXPECT_EQ(compiled.program, nullptr);
  return compiled.problems.size() == 1 ? compiled.problems.front().diagnostic.sentence : "not one problem";
}

TEST(Wanted, ReadsTheRowBehindTheRule) {
  EXPECT_THAT(rows("source | where appId == 1 | extend appName = toupper(appName)",
                   cells({"appName", "user.userName", "_Id", "_Tenant", "_Kind"}),
                   R"({"appId":1,"appName":"a","user":{"userName":"ann"}})"),
              ElementsAre(R"(0: "A" "ann" "id-1" "contoso" "created")"));
  EXPECT_THAT(rows("source | where appId == 2", cells({"appName"}), R"({"appId":1})"), IsEmpty());
  EXPECT_THAT(rows("", cells({"appId + 1"}), R"({"appId":1})"), ElementsAre("0: 2"));
}

TEST(Wanted, WhatTheRuleTookAwayIsNullHoweverItWasTaken) {
  const std::string json = R"({"appName":"a","description":"secret","user":{"userName":"ann"},"other":1})";
  const Wanted wanted = cells({"description", "user.userName", "other", "appName"});
  EXPECT_THAT(rows("source | project-away description, user, other", wanted, json),
              ElementsAre(R"(0: null null null "a")"));
  EXPECT_THAT(rows("source | project appName", wanted, json), ElementsAre(R"(0: "" null null "a")"));
  EXPECT_THAT(rows("source | project-keep appName", wanted, json), ElementsAre(R"(0: null null null "a")"));
  EXPECT_THAT(rows("source | project-rename d2 = description, u2 = user, o2 = other", wanted, json),
              ElementsAre(R"(0: null null null "a")"));
  EXPECT_THAT(rows("source | project-away d*, u*, o*", wanted, json), ElementsAre(R"(0: null null null "a")"));
}

TEST(Wanted, TheWholeRowIsTheRowAndNotTheRecord) {
  const std::string json = R"({"appName":"a","description":"secret"})";
  EXPECT_THAT(rows("", cells({"pack_all()"}), json), ElementsAre("0: " + json));
  EXPECT_THAT(rows("source | project-away description", cells({"pack_all()", "pack_all().appName"}), json),
              ElementsAre(R"(0: {"appName":"a"} "a")"));
  EXPECT_THAT(rows("source | project n = strlen(description)", cells({"pack_all()"}), json),
              ElementsAre(R"(0: {"n":6})"));
}

TEST(Wanted, TheFirstShapeThatFitsIsTaken) {
  Wanted wanted;
  wanted.lets = "let limit = 10;";
  wanted.texts = {{"greeting", "hello \"you\""}};
  wanted.shapes = {{"appId > limit", {"\"large\"", "greeting"}}, {"appId > 1", {"appId"}}};
  EXPECT_THAT(rows("", wanted, R"({"appId":11})"), ElementsAre(R"(0: "large" "hello \"you\"")"));
  EXPECT_THAT(rows("", wanted, R"({"appId":2})"), ElementsAre("1: 2"));
  EXPECT_THAT(rows("", wanted, R"({"appId":0})"), ElementsAre("none:"));
}

TEST(Wanted, TakesMembersOutOfArraysOnTheWalkAndWithoutIt) {
  const std::string json =
      R"({"mainInfo":{"eventObjects":[{"name":"a","t":"x"},{"t":"x"},{"name":"b","t":"y"}]},"e":[]})";
  // The same array as the record's own path, and as a value that an expression made.
  for (const std::string array : {"mainInfo.eventObjects", "array_concat(mainInfo.eventObjects)"}) {
    EXPECT_THAT(rows("", cells({"pluck(" + array + ", 'name')"}), json), ElementsAre(R"(0: ["a",null,"b"])")) << array;
    EXPECT_THAT(rows("", cells({"pluck(" + array + ", 'name', 't', 'x')"}), json), ElementsAre(R"(0: ["a",null])"))
        << array;
    EXPECT_THAT(rows("", cells({"pluck(" + array + ", 'name', 't', 'z')"}), json), ElementsAre("0: null")) << array;
  }
  EXPECT_THAT(rows("", cells({"pluck(e, 'name')", "pluck(device, 'name')"}), json), ElementsAre("0: null null"));
  EXPECT_THAT(
      rows("", cells({"first_text(pluck(mainInfo.eventObjects, 'zip'), '', '  ', mainInfo.eventObjects[2].name)"}),
           json),
      ElementsAre(R"(0: "b")"));
}

TEST(Wanted, NamesNumbersOfTheApi) {
  EXPECT_THAT(rows("",
                   cells({"mdca_name('app', appId)", "mdca_name('alert_status', 7)",
                          "mdca_name('alert_type', dynamic([15728641,5,5]))"}),
                   R"({"appId":11161})"),
              ElementsAre(R"(0: "APPID_O365" "7" ["ALERT_CABINET_EVENT_MATCH_AUDIT","ALERT_5"])"));
  EXPECT_THAT(only_problem("", cells({"mdca_name('apps', appId)"}), activities()), HasSubstr("expected one of app,"));
}

TEST(Wanted, SaysWhichExpressionIsWrong) {
  Wanted wanted;
  wanted.shapes = {{"appId", {"appName +", "appName", "nothing(appName)"}}};
  const CompiledWanted compiled = compile("", activities(), wanted);
  ASSERT_EQ(compiled.problems.size(), 3U);
  EXPECT_EQ(compiled.problems[0].place.part, WantedPlace::Part::when);
  EXPECT_EQ(compiled.problems[1].place.cell, 0U);
  EXPECT_EQ(compiled.problems[2].place.cell, 2U);
  EXPECT_THAT(compiled.problems[2].diagnostic.sentence, HasSubstr("nothing"));
  wanted = cells({"1"});
  wanted.lets = "let a = ;";
  EXPECT_EQ(compile("", activities(), wanted).problems.front().place.part, WantedPlace::Part::lets);
}

TEST(Wanted, ClosedTablesKnowTheirColumns) {
  const Schema closed = with_meta_columns(find_schema("CloudAppEvents")->schema);
  EXPECT_THAT(only_problem("", cells({"AcountId"}), closed), HasSubstr("did you mean \"AccountId\"?"));
  EXPECT_THAT(rows("source | project City", cells({"AccountId", "City"}), R"({"AccountId":"a","City":"b"})", closed),
              ElementsAre(R"(0: "" "b")"));
}

TEST(Wanted, PackAllIsForMappings) {
  const Compiled compiled = compile("source | extend a = pack_all()", activities());
  ASSERT_EQ(compiled.diagnostics.size(), 1U);
  EXPECT_THAT(compiled.diagnostics.all()[0].sentence, StartsWith("pack_all() is for the expressions of a mapping"));
}

TEST(Wanted, ARecordOfTooManyRowsIsRefusedAndTheNextIsNot) {
  std::string many = R"({"a":[)";
  for (int i = 0; i < 200; ++i) many += (i == 0 ? "" : ",") + std::to_string(i);
  many += "]}";
  const std::string rule = "source | mv-expand b = a | mv-expand c = a";
  EXPECT_THAT(rows(rule, cells({"b"}), many).back(), HasSubstr("more than 10000 rows of one record [E5003]"));
  EXPECT_THAT(rows(rule, cells({"b", "c"}), R"({"a":[1,2]})"), ElementsAre("0: 1 1", "0: 1 2", "0: 2 1", "0: 2 2"));
}

// What stands behind the members that the first filter looks at is not even read: it may be broken.
TEST(Wanted, ADroppedRecordIsLeftWhereTheFilterKnowsEnough) {
  const std::string broken = R"({"appId":1,"appName":tru})";
  EXPECT_THAT(rows("source | where appId == 2 | where appName == 'x'", cells({"appName"}), broken),
              ElementsAre(HasSubstr("[E5001]")));
  EXPECT_THAT(rows("source | where appId == 2 | extend n = appName", cells({"n"}), broken), IsEmpty());
}

TEST(Doubts, AreForWhatIsAllowedAndProbablyNotMeant) {
  const auto doubts = [](std::string_view query) {
    const Compiled compiled = compile(query, schema_of_feeds(std::vector<std::string>{"alerts"}));
    std::vector<std::string> sentences;
    for (const Diagnostic& doubt : compiled.program->doubts()) sentences.push_back(doubt.sentence);
    return sentences;
  };
  EXPECT_THAT(doubts("source | where severityValu == 1 and severityValue == 2 and whatever == 3"),
              ElementsAre(HasSubstr("did you mean \"severityValue\"?")));
  EXPECT_THAT(doubts("source | where severityValue == 'high' or statusValue == '1'"),
              ElementsAre("\"high\" is never equal to a long"));
  EXPECT_THAT(doubts("source | where timestamp > ago(1q)"), ElementsAre(HasSubstr("\"1q\" is neither")));
  EXPECT_THAT(doubts("source | extend severityVal = 1 | where severityVal == 1"), IsEmpty());
}

TEST(Patterns, OfManyStarsAreNoTrap) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*b*c", "aXbbYc"));
  EXPECT_TRUE(matches_pattern("*a", "aba"));
  EXPECT_FALSE(matches_pattern("a*b", "a"));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_FALSE(matches_pattern("ab", "abc"));
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(matches_pattern(pattern + "*b", std::string(400, 'a')));
}

}  // namespace
}  // namespace capstan::kql
