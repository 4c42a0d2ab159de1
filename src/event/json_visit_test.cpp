#include "event/json_visit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace capstan {
namespace {

class Writing final : public JsonVisitor {
public:
  void on_null() override { text += "null "; }
  void on_boolean(bool value) override { text += value ? "true " : "false "; }
  void on_integer(std::int64_t value) override { text += std::to_string(value) + " "; }
  void on_real(double value) override { text += "r" + std::to_string(value) + " "; }
  void on_string(std::string_view value) override { text += "'" + std::string(value) + "' "; }
  void on_array_begin() override { text += "[ "; }
  void on_array_end() override { text += "] "; }
  void on_object_begin() override { text += "{ "; }
  void on_name(std::string_view name) override { text += std::string(name) + ": "; }
  void on_object_end() override { text += "} "; }
  std::string text;
};

std::string told(std::string_view json) {
  JsonDocument document;
  Writing writing;
  const auto visited = document.visit(json, writing);
  return visited ? writing.text : "broken " + writing.text;
}

TEST(JsonVisit, TellsInOrder) {
  EXPECT_EQ(told(R"({"a":[1,-2.5,"x",true,null],"b":{}})"), "{ a: [ 1 r-2.500000 'x' true null ] b: { } } ");
}

// What simdjson's parser refuses and JSON allows is told by our own walk, and must look no different.
TEST(JsonVisit, HalfASurrogatePairAndAHugeNumberCostNothingElse) {
  for (const auto& [json, text] : {std::pair{R"("a\ud800b")", "'a\uFFFDb' "},
                                   {R"("\ud83d\ude00\ude00")", "'\U0001F600\uFFFD' "},
                                   {"\"a\xED\xA0\x80\"", "'a\uFFFD' "},
                                   {R"(1e400)", "rinf "},
                                   {R"(-1e400)", "r-inf "},
                                   {R"(1e-400)", "r0.000000 "},
                                   {R"(1e999999999999999999999)", "rinf "},
                                   {R"(1e-999999999999999999999)", "r0.000000 "},
                                   {R"(0.0000000000000000001e420)", "rinf "},
                                   {R"(18446744073709551616)", "r18446744073709551616.000000 "},
                                   {R"(9223372036854775807)", "9223372036854775807 "}}) {
    EXPECT_EQ(told(json), text) << json;
    EXPECT_EQ(told(std::string(R"({"z\ud800":[true,)") + json + R"(,"cmd"],"x":-1.5})"),
              std::string("{ z\uFFFD: [ true ") + text + "'cmd' ] x: r-1.500000 } ")
        << json;
  }
}

TEST(JsonVisit, NestingHasALimit) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(told(nested(1024)).size(), 4U * 1024);
  EXPECT_EQ(told(nested(1025)), "broken ");
  EXPECT_EQ(told(std::string(100'000, '[') + "\"\\ud800\""), "broken ");
  const std::string half = std::string(1023, '[') + "\"\\ud800\"" + std::string(1023, ']');
  EXPECT_THAT(told(half), testing::HasSubstr("'\uFFFD'"));
}

TEST(JsonVisit, TellsNothingOfWhatIsBroken) {
  for (const char* json : {"", "{", "[1,]", R"(["\ud800",01])", R"(["\ud800"] x)", "[\"\xFF\"]", "[1e400,NaN]"})
    EXPECT_EQ(told(json), "broken ") << json;
}

}  // namespace
}  // namespace capstan
