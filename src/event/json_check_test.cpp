#include "event/json_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace capstan {
namespace {

using Kind = JsonExtent::Kind;

JsonExtent of(std::string_view text) { return json_extent(text); }

TEST(JsonCheck, FindsTheEndOfAValueWhateverStandsBehind) {
  for (const std::string_view value : {"{}", "[]", "null", "true", "false", "0", "-1.5e+3", "\"\"", R"("a\"\u00e9")",
                                       R"({"a":[1,{"b":null}],"":{}})", "[[[[]]]]", "  \n{ \"a\" : 1 }", "\"\xFF\""}) {
    for (const std::string_view behind : {"", " ", "{", "x", "]", "\n\n"}) {
      const bool goes_on = std::string_view("0123456789.eE").contains(behind.empty() ? ' ' : behind.front());
      if (goes_on) continue;
      const JsonExtent extent = of(std::string(value) + std::string(behind));
      EXPECT_EQ(extent.kind, Kind::whole) << value << behind;
      EXPECT_EQ(extent.at, value.size()) << value << behind;
    }
  }
}

TEST(JsonCheck, EveryPrefixOfAValueIsCut) {
  const std::string text = R"({"a":[1.5e-7,"\u00e9\n",true,false,null,{"b":{}}],"c":"é"})";
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(of(std::string_view(text).substr(0, size)).kind, Kind::cut) << size;
  EXPECT_EQ(of(text).kind, Kind::whole);
}

TEST(JsonCheck, SaysWhereAndWhatShouldStandThere) {
  struct Broken {
    std::string_view text;
    std::size_t at;
    std::string_view words;
  };
  for (const Broken& broken : {Broken{"NaN", 0, "expected a value, got \"NaN\""},
                               {"Infinity", 0, "expected a value, got \"Infinity\""},
                               {R"({"a":01})", 5, "expected a value, got \"01}\""},
                               {R"({"a":1.})", 5, "expected a value, got \"1.}\""},
                               {R"({"a":"\q"})", 6, R"(expected a well-formed string, got "\\q\"}")"},
                               {"{\"a\":\"\t\"}", 6, R"(expected a well-formed string, got "\t\"}")"},
                               {R"({'a':1})", 1, "expected a string, got \"'a':1}\""},
                               {R"({"a":1,})", 7, "expected a string, got \"}\""},
                               {R"([1,])", 3, "expected a value, got \"]\""},
                               {R"({"a" 1})", 5, R"(expected ":", got "1}")"},
                               {R"({"a":1 "b":2})", 7, R"(expected "," or "}", got "\"b\":2}")"},
                               {R"([1 2])", 3, R"(expected "," or "]", got "2]")"},
                               {R"({a:1})", 1, "expected a string, got \"a:1}\""},
                               {"nul ", 0, "expected a value, got \"nul \""}}) {
    const JsonExtent extent = of(broken.text);
    EXPECT_EQ(extent.kind, Kind::broken) << broken.text;
    EXPECT_EQ(extent.at, broken.at) << broken.text;
    EXPECT_EQ(to_string(extent, broken.text), broken.words);
  }
}

TEST(JsonCheck, NestingHasALimitAndNoRecursion) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(of(nested(json_depth_max)).kind, Kind::whole);
  EXPECT_EQ(of(nested(json_depth_max + 1)).kind, Kind::too_deep);
  EXPECT_EQ(of(std::string(10'000'000, '[')).kind, Kind::too_deep);
  EXPECT_EQ(to_string(of(nested(2000)), nested(2000)), "it is nested deeper than 1024 levels");
}

TEST(JsonCheck, MendsHalvesAndNothingElse) {
  std::string scratch;
  for (const std::string_view whole :
       {R"({"a":"\ud83d\ude00\\ud800"})", R"(["\u00e9\n\\\\ud800"])", "{}", R"("\\\ud83d\ude00")"})
    EXPECT_EQ(mended_json(whole, scratch).data(), whole.data()) << whole;
  EXPECT_EQ(mended_json(R"({"\ud800":"\uDC00x\uD83D\uDE00\ud83d\n","n":1.10})", scratch),
            R"({"\ufffd":"\ufffdx\uD83D\uDE00\ufffd\n","n":1.10})");
  EXPECT_EQ(mended_json(R"("\ud83d")", scratch), R"("\ufffd")");
}

TEST(JsonCheck, FindsTheFirstWrongByte) {
  EXPECT_EQ(first_wrong_byte("aé\xFFx"), 3U);
  EXPECT_EQ(first_wrong_byte("aé"), 3U);
  EXPECT_EQ(first_wrong_byte("\xED\xA0\x80\xC3"), 0U);
  EXPECT_EQ(first_wrong_byte("\xED\xA0\x80\xC3", true), 3U);
  EXPECT_TRUE(holds_utf8("aé"));
  EXPECT_FALSE(holds_utf8("\xED\xA0\x80"));
}

// One byte of a value changed at random: what is accepted is what the byte-wise grammar of this test accepts.
class Slow {
public:
  explicit Slow(std::string_view text) : text_(text) {}
  bool is_value() { return value(0) && at_ == text_.size(); }

private:
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  bool took(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  bool digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin;
  }
  bool number() {
    took("-");
    if (!took("0") && !digits()) return false;
    if (took(".") && !digits()) return false;
    if (took("e") || took("E")) {
      if (!took("+")) took("-");
      return digits();
    }
    return true;
  }
  bool string() {
    if (!took("\"")) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') continue;
      if (at_ == text_.size()) return false;
      const char escape = text_[at_++];
      if (escape != 'u' && !std::string_view("\"\\/bfnrt").contains(escape)) return false;
      for (int i = 0; escape == 'u' && i < 4; ++i)
        if (at_ == text_.size() || !std::string_view("0123456789abcdefABCDEF").contains(text_[at_++])) return false;
    }
    return false;
  }
  bool list(char closing, bool has_names, int depth) {
    blanks();
    if (took({&closing, 1})) return true;
    while (true) {
      blanks();
      if (has_names) {
        if (!string()) return false;
        blanks();
        if (!took(":")) return false;
      }
      if (!value(depth + 1)) return false;
      blanks();
      if (took({&closing, 1})) return true;
      if (!took(",")) return false;
    }
  }
  bool value(int depth) {
    blanks();
    if (took("null") || took("true") || took("false")) return true;
    if (took("{")) return list('}', true, depth);
    if (took("[")) return list(']', false, depth);
    if (text_.substr(at_).starts_with('"')) return string();
    return number();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

TEST(JsonCheck, AgreesWithAGrammarWrittenByteByByte) {
  std::mt19937_64 random(20261128);
  const std::string seed = R"({"a":[1.5e-7,"\u00e9\n",true,false,null,{"b":{}}],"":-0,"c":"aaaaaaaaaaaaaaaa"})";
  const std::string_view bytes = "{}[]\",:\\ \n019.eE-+tfnu\x01\xFF";
  std::size_t whole = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text = seed;
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, 1);
      else
        text[at] = bytes[random() % bytes.size()];
    }
    const JsonExtent extent = of(text);
    const bool is_whole = extent.kind == Kind::whole && extent.at == text.size();
    ASSERT_EQ(is_whole, Slow(text).is_value()) << text;
    whole += is_whole ? 1 : 0;
  }
  EXPECT_GT(whole, 1000U);
}

}  // namespace
}  // namespace capstan
