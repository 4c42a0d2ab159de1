#include "event/field_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>

#include "allocation_count.h"
#include "event/json_split.h"
#include "json_text.h"

namespace capstan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string shown(const Value& value) {
  switch (value.type) {
    case Value::Type::missing:
      return "missing";
    case Value::Type::null:
      return "null";
    case Value::Type::boolean:
    case Value::Type::number:
      return std::string(value.text);
    case Value::Type::string:
      return "'" + std::string(value.text) + "'";
    case Value::Type::object:
    case Value::Type::array:
      return "raw " + std::string(value.text);
    case Value::Type::list:
      break;
  }
  std::string text = "(";
  for (const Value& item : value.items) text += (text.size() > 1 ? " " : "") + shown(item);
  return text + ")";
}

std::string padded(std::string_view text) { return std::string(text) + std::string(raw_padding, ' '); }

std::vector<std::string> walk(const std::vector<std::string>& paths, std::string_view json) {
  FieldPlan plan;
  std::vector<std::string> result;
  for (const auto& path : paths) {
    const auto slot = plan.slot(path);
    if (!slot) return {slot.error().text()};
  }
  FieldWalker walker;
  const std::string raw = padded(json);
  const auto values = walker.walk(plan, std::string_view(raw).substr(0, json.size()));
  if (!values) return {values.error().text()};
  for (const Value& value : *values) result.push_back(shown(value));
  return result;
}

std::string one(const std::string& path, std::string_view json) { return walk({path}, json).front(); }

TEST(FieldPlan, ReadsMembersOfMembers) {
  EXPECT_THAT(
      walk(
          {"user.userName", "n", "big", "yes", "no", "nothing", "absent", "user.absent.deeper", "n.deeper"},
          R"({"user":{"userName":"a\u00e9\n"},"n":-1.50,"big":18446744073709551617,"yes":true,"no":false ,"nothing":null })"),
      ElementsAre("'aé\n'", "-1.50", "18446744073709551617", "true", "false", "null", "missing", "missing", "missing"));
}

TEST(FieldPlan, GivesObjectsAndArraysAsWrittenWithoutBlanksBehind) {
  EXPECT_THAT(walk({"o", "a", "o.x", "a[].y"}, R"({"o": {"x" : 1}  , "a": [ {"y":2},{ } ] })"),
              ElementsAre(R"(raw {"x" : 1})", R"(raw [ {"y":2},{ } ])", "1", "(2 missing)"));
}

TEST(FieldPlan, GivesEveryItemInOrderAndNotesWhereOneIsLacking) {
  const auto json = R"({"m":{"objects":[{"name":"a"},{"id":1},{"name":null},7,{"name":"b"}]}})";
  EXPECT_EQ(one("m.objects[].name", json), "('a' missing null missing 'b')");
  EXPECT_EQ(one("m.objects[0].name", json), "'a'");
  EXPECT_EQ(one("m.objects[1].name", json), "missing");
  EXPECT_EQ(one("m.objects[3]", json), "7");
  EXPECT_EQ(one("m.objects[9].name", json), "missing");
  EXPECT_EQ(one("m.objects[]", R"({"m":{"objects":["x",1]}})"), "('x' 1)");
  EXPECT_EQ(one("m.objects[]", R"({"m":{"objects":[]}})"), "()");
  EXPECT_EQ(one("m.objects[]", R"({"m":{"objects":{"0":1}}})"), "missing");
}

TEST(FieldPlan, ChoosesItemsByAMemberWhereverItStands) {
  const auto json =
      R"({"entities":[{"id":1,"type":"service","label":"S"},{"type":"account","pa":"a@x"},)"
      R"({"label":"no type"},{"pa":"b@x","type":"account"},{"type":"account"},{"id":"p","type":"policyRule"}]})";
  EXPECT_THAT(walk({"entities[type=account].pa", "entities[type=service].id", "entities[type=service].label",
                    "entities[type=policyRule].id", "entities[type=none].id", "entities[].type"},
                   json),
              ElementsAre("('a@x' 'b@x' missing)", "(1)", "('S')", "('p')", "()",
                          "('service' 'account' missing 'account' 'account' 'policyRule')"));
  EXPECT_EQ(one("e[n=7].v", R"({"e":[{"n":7,"v":1},{"n":"7","v":2},{"n":8,"v":3}]})"), "(1 2)");
}

TEST(FieldPlan, GoesThroughArraysInArrays) {
  const auto json = R"({"a":[{"t":"x","b":[{"c":1},{"k":"q","c":2}]},{"t":"y","b":[{"k":"q","c":3}]},{"t":"x"}]})";
  EXPECT_THAT(walk({"a[].b[].c", "a[t=x].b[k=q].c", "a[1].b[].c", "a[0].b[1].c"}, json),
              ElementsAre("(1 2 3 missing)", "(2 missing)", "(3)", "2"));
  EXPECT_EQ(one("a[][]", R"({"a":[[1,2],[],[3]]})"), "(1 2 missing 3)");
}

TEST(FieldPlan, TheFirstOfTwoMembersCountsAndCaseMatters) {
  EXPECT_THAT(walk({"Level", "level", "u.x"}, R"({"level":1,"Level":2,"level":3,"u":{"x":4,"x":5},"u":{"x":6}})"),
              ElementsAre("2", "1", "4"));
  EXPECT_EQ(one("e[t=a].v", R"({"e":[{"t":"a","t":"b","v":1},{"t":"b","t":"a","v":2}]})"), "(1)");
}

TEST(FieldPlan, ReadsNamesWithEscapes) {
  EXPECT_THAT(walk({"naïve", "a\"b", "x\\.y", "back\\\\slash"},
                   R"({"na\u00efve":1,"a\"b":2,"x.y":3,"back\\slash":4,"half\ud800":5})"),
              ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(one("b", R"({"half\ud800":5,"b":1})"), "1");
}

TEST(FieldPlan, TellsApartNamesThatBeginAlike) {
  EXPECT_THAT(walk({"destinationOne", "destinationTwo", "destination", "d", "de"},
                   R"({"destinationTwo":2,"destinationOne":1,"d":4,"destinationThree":0,"destination":3,"e":0})"),
              ElementsAre("1", "2", "3", "4", "missing"));
}

TEST(FieldPlan, HalfASurrogatePairCostsItselfAndNotItsText) {
  for (const auto& [written, text] : {std::pair{R"(a\ud800b)", "a\uFFFDb"},
                                      {R"(\udc00)", "\uFFFD"},
                                      {R"(x\udc00\ud800)", "x\uFFFD\uFFFD"},
                                      {R"(\ud83d\ud83d\ude00)", "\uFFFD\U0001F600"},
                                      {R"(\ud83d\u0041\n)", "\uFFFDA\n"},
                                      {"a\xED\xA0\x80z", "a\uFFFDz"},
                                      {"\xED\xA0\xBD\xED\xB8\x80", "\U0001F600"},
                                      {"\\ud83d\xED\xB8\x80", "\uFFFD\uFFFD"}}) {
    const std::string shown_text = "'" + std::string(text) + "'";
    EXPECT_EQ(one("a", std::string(R"({"a":")") + written + R"(","b":1})"), shown_text) << written;
    EXPECT_EQ(one("b", std::string(R"({"a":")") + written + R"(","b":1})"), "1") << written;
    EXPECT_EQ(one("o.a", std::string(R"({"o":{"z":2,"a":")") + written + R"("}})"), shown_text) << written;
    // In a name.
    EXPECT_EQ(one(text, std::string(R"({")") + written + R"(":3})"), "3") << written;
  }
}

TEST(FieldPlan, SeveralMendedTextsLiveUntilTheNextWalk) {
  FieldPlan plan;
  for (const char* path : {"a", "b", "c[].d"}) ASSERT_TRUE(plan.slot(path));
  FieldWalker walker;
  const std::string json = R"({"a":"1\ud800","c":[{"d":"3\ud800"},{"d":"4\ud800"}],"b":"2\ud800"})";
  const std::string raw = padded(json);
  for (int round = 0; round < 2; ++round) {
    const auto values = walker.walk(plan, std::string_view(raw).substr(0, json.size()));
    ASSERT_TRUE(values);
    EXPECT_EQ(shown((*values)[0]), "'1\uFFFD'");
    EXPECT_EQ(shown((*values)[1]), "'2\uFFFD'");
    EXPECT_EQ(shown((*values)[2]), "('3\uFFFD' '4\uFFFD')");
  }
}

TEST(FieldPlan, AnEscapeThatJsonDoesNotKnowBreaksTheRecord) {
  EXPECT_THAT(one("a", R"({"a":"x\qy"})"), HasSubstr("a string holds an escape that JSON does not know"));
}

TEST(FieldPlan, ARecordRefusedWholeSaysWhy) {
  EXPECT_THAT(one("a", "{\"a\":\"\xFF\"}"), HasSubstr("reading a record: its bytes are not UTF-8 [E5001]"));
  EXPECT_THAT(one("a", "{\"a\":\"x"), HasSubstr("a string is not closed"));
  EXPECT_THAT(one("a", "[1]"), HasSubstr("it is not an object"));
  EXPECT_THAT(one("a", "{\"b\" 1,\"a\":2}"), HasSubstr("do not fit"));
  EXPECT_THAT(one("a", "{\"a\":nope}"), HasSubstr("do not fit"));
}

TEST(FieldPlan, TheSamePathHasTheSameSlot) {
  FieldPlan plan;
  EXPECT_EQ(*plan.slot("a"), 0U);
  EXPECT_EQ(*plan.slot("b[].c"), 1U);
  EXPECT_EQ(*plan.slot("a"), 0U);
  EXPECT_EQ(plan.size(), 2U);
}

TEST(FieldPlan, SaysWhereAPathIsWrong) {
  const auto why = [](const std::string& path) {
    FieldPlan plan;
    const auto slot = plan.slot(path);
    EXPECT_EQ(plan.size(), slot ? 1U : 0U);
    return slot ? "accepted" : slot.error().text();
  };
  EXPECT_THAT(why(""), HasSubstr("column 1: expected the name of a member"));
  EXPECT_THAT(why("a..b"), HasSubstr("reading the path \"a..b\": column 3: expected the name of a member [E5005]"));
  EXPECT_THAT(why("a."), HasSubstr("column 3"));
  EXPECT_THAT(why("a[x].b"), HasSubstr("expected [], [number] or [member=text], got \"[x]\""));
  EXPECT_THAT(why("a[=x]"), HasSubstr("before \"=\""));
  EXPECT_THAT(why("a[0"), HasSubstr("column 2: \"[\" is not closed"));
  EXPECT_THAT(why("a[]b"), HasSubstr("column 4: expected \".\" or \"[\", got \"b\""));
  EXPECT_THAT(why("a]"), HasSubstr("column 2"));
  EXPECT_THAT(why("a\\"), HasSubstr("behind the backslash"));
  EXPECT_THAT(why("a[][][][][][][][][]"), HasSubstr("more than 8 arrays"));
  std::string deep = "a";
  for (int i = 0; i < 40; ++i) deep += ".a";
  EXPECT_THAT(why(deep), HasSubstr("more than 32 steps"));
}

TEST(FieldPlan, ARefusedPathLeavesThePlanAsItWas) {
  FieldPlan plan;
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(plan.slot("a[" + std::to_string(i) + "].b"));
  EXPECT_THAT(plan.slot("a[k=v].b").error().text(), HasSubstr("64 are possible"));
  EXPECT_EQ(plan.size(), 64U);
  EXPECT_EQ(*plan.slot("c"), 64U);
}

TEST(FieldPlan, AWarmWalkAllocatesNothing) {
  FieldPlan plan;
  for (const char* path : {"_id", "user.userName", "m.objects[].name", "m.objects[role=4].id", "a", "esc", "late"})
    ASSERT_TRUE(plan.slot(path));
  const std::string json =
      R"({"_id":"0123456789012345678901234567890123456789","user":{"userName":"u"},"a":[1,2],"esc\u0061ped name that is long":1,)"
      R"("m":{"objects":[{"name":"x","role":4,"id":"y"},{"role":3}]},"esc":"\u00e9\n","late":1})";
  const std::string raw = padded(json);
  const std::string_view record = std::string_view(raw).substr(0, json.size());
  FieldWalker walker;
  ASSERT_TRUE(walker.walk(plan, record));
  const AllocationCount count;
  for (int i = 0; i < 100; ++i)
    if (!walker.walk(plan, record)) FAIL();
  EXPECT_EQ(count.allocations(), 0U);
}

TEST(FieldPlan, OneWalkerServesManyPlansAndRecords) {
  FieldPlan first;
  FieldPlan second;
  ASSERT_TRUE(first.slot("a[]"));
  ASSERT_TRUE(second.slot("b"));
  ASSERT_TRUE(second.slot("a[]"));
  FieldWalker walker;
  const std::string json = R"({"a":[1,2],"b":3})";
  const std::string raw = padded(json);
  const std::string_view record = std::string_view(raw).substr(0, json.size());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(shown((*walker.walk(first, record))[0]), "(1 2)");
    EXPECT_EQ(shown((*walker.walk(second, record))[0]), "3");
    EXPECT_EQ(shown((*walker.walk(second, record))[1]), "(1 2)");
  }
}

// --- the same answers from a slow reader that is written on json_split and follows one path at a time ---------------

struct Slow {
  using Results = std::vector<std::string>;

  static std::string leaf(std::string_view json) {
    if (json.front() == '{' || json.front() == '[') return "raw " + std::string(json);
    if (json.front() != '"') return std::string(json);
    std::string text;
    json::append_unescaped(json.substr(1, json.size() - 2), text);
    return "'" + text + "'";
  }
  static std::optional<std::string_view> member(std::string_view json, std::string_view name) {
    if (json.front() != '{') return std::nullopt;
    const auto members = *split_object(json);
    for (const auto& m : members)
      if (m.name == name) return m.value;
    return std::nullopt;
  }
  // What the rest of a path finds in `json`; nothing where it does not lead anywhere.
  static Results follow(std::string_view json, std::string_view path) {
    if (path.empty()) return {leaf(json)};
    if (path.front() == '.') path.remove_prefix(1);
    if (path.front() != '[') {
      const std::size_t end = std::min(path.find_first_of(".["), path.size());
      const auto found = member(json, path.substr(0, end));
      return found ? follow(*found, path.substr(end)) : Results{};
    }
    if (json.front() != '[') return {};
    const std::size_t end = path.find(']');
    const std::string_view inside = path.substr(1, end - 1);
    const auto items = *split_array(json);
    Results results;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::size_t equals = inside.find('=');
      if (equals != std::string_view::npos) {
        const auto looked_at = member(items[i], inside.substr(0, equals));
        const std::string text(inside.substr(equals + 1));
        if (!looked_at || (leaf(*looked_at) != "'" + text + "'" && leaf(*looked_at) != text)) continue;
      } else if (!inside.empty() && inside != std::to_string(i)) {
        continue;
      }
      Results inner = follow(items[i], path.substr(end + 1));
      if (inner.empty()) inner = {"missing"};
      results.insert(results.end(), inner.begin(), inner.end());
    }
    return results;
  }
};

std::string random_json(std::mt19937_64& random, int depth) {
  const char* scalars[] = {"1", "null", "\"x\"", "\"\\u00e9\"", "true", "-2.5", "\"a\"", "{}", "[]"};
  if (depth == 0 || random() % 4 == 0) return scalars[random() % std::size(scalars)];
  const bool object = random() % 2 == 0;
  std::string text = object ? "{" : "[";
  for (std::uint64_t i = random() % 5; i > 0; --i) {
    if (object) text += std::string("\"") + static_cast<char>('a' + random() % 4) + "\": ";
    text += random_json(random, depth - 1) + (i > 1 ? " ," : "");
  }
  return text + (object ? "}" : "]");
}

std::string random_path(std::mt19937_64& random) {
  std::string path(1, static_cast<char>('a' + random() % 4));
  for (std::uint64_t i = random() % 4; i > 0; --i) {
    switch (random() % 5) {
      case 0:
        path += "[]";
        break;
      case 1:
        path += "[" + std::to_string(random() % 3) + "]";
        break;
      case 2:
        path += std::string("[") + static_cast<char>('a' + random() % 4) + (random() % 2 == 0 ? "=x]" : "=1]");
        break;
      default:
        path += std::string(".") + static_cast<char>('a' + random() % 4);
        break;
    }
  }
  return path;
}

bool is_list_path(std::string_view path) { return path.contains("[]") || path.contains('='); }

TEST(FieldPlan, AgreesWithASlowReader) {
  std::mt19937_64 random(7);
  std::size_t found = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<std::string> paths;
    FieldPlan plan;
    for (int i = 0; i < 8; ++i) {
      paths.push_back(random_path(random));
      ASSERT_TRUE(plan.slot(paths.back()));
    }
    std::string json = "{";
    for (int i = 0; i < 4; ++i)
      json += (i == 0 ? "\"" : ",\"") + std::string(1, static_cast<char>('a' + random() % 4)) +
              "\":" + random_json(random, 4);
    json += "}";
    const std::string raw = padded(json);
    FieldWalker walker;
    const auto values = walker.walk(plan, std::string_view(raw).substr(0, json.size()));
    ASSERT_TRUE(values) << json;
    for (const auto& path : paths) {
      const Value& value = (*values)[*plan.slot(path)];
      const auto slow = Slow::follow(json, path);
      if (is_list_path(path)) {
        std::vector<std::string> fast;
        for (const Value& item : value.items) fast.push_back(shown(item));
        // An index inside a list path drops what it does not choose: both say nothing of it.
        ASSERT_EQ(fast, slow) << path << " of " << json;
      } else {
        ASSERT_EQ(shown(value), slow.empty() ? "missing" : slow.front()) << path << " of " << json;
      }
      found += slow.size();
    }
  }
  EXPECT_GT(found, 5000U);
}

std::vector<std::string> shown(std::span<const Value> values, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(shown(values[i]));
  return all;
}

TEST(FieldPlan, TheFrontIsKnownWhenItIsAskedAndTheRestWhenItGoesOn) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    FieldPlan plan;
    const std::size_t front = random() % 4;
    for (std::size_t i = 0; i < front; ++i) ASSERT_TRUE(plan.slot(random_path(random)));
    plan.end_front();
    const std::size_t front_slots = plan.size();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(plan.slot(random_path(random)));
    std::string json = "{";
    for (int i = 0; i < 4; ++i)
      json += (i == 0 ? "\"" : ",\"") + std::string(1, static_cast<char>('a' + random() % 4)) +
              "\":" + random_json(random, 4);
    json += "}";
    const std::string raw = padded(json);
    const auto record = std::string_view(raw).substr(0, json.size());
    FieldWalker whole;
    const auto values = whole.walk(plan, record);
    ASSERT_TRUE(values) << json;
    for (const bool goes_on : {false, true}) {
      FieldWalker walker;
      int asked = 0;
      const auto walked = walker.walk_while(plan, record, [&](std::span<const Value> seen) {
        ++asked;
        EXPECT_EQ(shown(seen, front_slots), shown(*values, front_slots)) << json;
        return goes_on;
      });
      ASSERT_TRUE(walked) << json;
      ASSERT_EQ(asked, 1);
      ASSERT_EQ(walked->has_value(), goes_on);
      if (goes_on) {
        ASSERT_EQ(shown(**walked, plan.size()), shown(*values, plan.size())) << json;
      }
    }
  }
}

TEST(FieldPlan, WhatStandsBehindTheFrontIsNotLookedAt) {
  FieldPlan plan;
  ASSERT_TRUE(plan.slot("a"));
  plan.end_front();
  ASSERT_TRUE(plan.slot("z"));
  const std::string json = R"({"a":1,"b":[}],"z":2})";  // broken behind the front
  const std::string raw = padded(json);
  FieldWalker walker;
  const auto left = walker.walk_while(plan, std::string_view(raw).substr(0, json.size()),
                                      [](std::span<const Value>) { return false; });
  ASSERT_TRUE(left);
  EXPECT_FALSE(left->has_value());
  EXPECT_FALSE(walker.walk(plan, std::string_view(raw).substr(0, json.size())));
}

}  // namespace
}  // namespace capstan
