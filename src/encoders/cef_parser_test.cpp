#include "encoders/cef_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace capstan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using Pairs = std::vector<std::pair<std::string, std::string>>;

CefEvent lenient(std::string_view line) {
  auto event = parse_cef(line, CefParsing::lenient);
  if (!event) {
    ADD_FAILURE() << event.error().text();
    return {};
  }
  return *event;
}
Pairs extension(std::string_view text) { return lenient("CEF:0|v|p|1|s|n|3|" + std::string(text)).extension; }
std::string refusal(std::string_view line, CefParsing parsing = CefParsing::strict) {
  const auto event = parse_cef(line, parsing);
  if (event) return "accepted";
  EXPECT_EQ(event.error().code(), ErrorCode::not_cef);
  return event.error().sentence();
}

TEST(CefParser, P1FindsTheMarkBehindAnyPrefix) {
  EXPECT_EQ(lenient("<134>Jul 18 18:18:33 host CEF:0|v|p|1|s|n|3|").prefix, "<134>Jul 18 18:18:33 host ");
  EXPECT_EQ(lenient("CEF: 0|v|p|1|s|n|3|").vendor, "v");
  EXPECT_EQ(lenient("CEF:26|v|p|1|s|n|3|").version, 26);
  EXPECT_EQ(lenient("see CEF: it CEF:x CEF:1|v|p|1|s|n|3|").version, 1);
  EXPECT_THAT(refusal("<14>nothing here", CefParsing::lenient), HasSubstr("column 1: expected \"CEF:\""));
  EXPECT_THAT(refusal("CEF:-1|v|p|1|s|n|3|", CefParsing::lenient), HasSubstr("column 1"));
}

TEST(CefParser, P2UnescapesTheHeaderAndWantsSevenPipes) {
  const auto event = lenient(R"(CEF:0|v\|1|p\\|1\q|s|n=2|Low|   a=b)"
                             "\r\n");
  EXPECT_EQ(event.vendor, "v|1");
  EXPECT_EQ(event.product, "p\\");
  EXPECT_EQ(event.device_version, "1\\q");
  EXPECT_EQ(event.name, "n=2");
  EXPECT_EQ(event.severity, "Low");
  EXPECT_THAT(event.extension, ElementsAre(Pair("a", "b")));
  EXPECT_TRUE(lenient("CEF:0|v|p|1|s|n|3|").extension.empty());
  EXPECT_EQ(lenient("CEF:0|v|p|1|s|n|3| who knows  a=b").loose, "who knows");
  EXPECT_EQ(lenient("CEF:0|v|p|1|s|n|3|no key at all").loose, "no key at all");
  EXPECT_EQ(lenient("CEF:0|v|p|1|s|n|3|a=b c").loose, "");
  EXPECT_THAT(refusal("CEF:0|v|p|1|s|n|3", CefParsing::lenient),
              HasSubstr("column 18: expected 7 \"|\" in the header"));
}

TEST(CefParser, P3AValueRunsToTheSpaceBeforeTheNextKey) {
  EXPECT_THAT(extension("a=one two  b=three "), ElementsAre(Pair("a", "one two "), Pair("b", "three ")));
  EXPECT_THAT(extension("ad.x[0]=1 _y=2"), ElementsAre(Pair("ad.x[0]", "1"), Pair("_y", "2")));
}

TEST(CefParser, P4AnEqualsSignThatFollowsNoKeyBelongsToTheValue) {
  EXPECT_THAT(extension("id==old x=1"), ElementsAre(Pair("id", "=old"), Pair("x", "1")));
  EXPECT_THAT(extension("f=a<=180 g=http://x/?q=1&r=2"),
              ElementsAre(Pair("f", "a<=180"), Pair("g", "http://x/?q=1&r=2")));
}

TEST(CefParser, P5EmptyValuesDuplicatesAndUnknownEscapes) {
  EXPECT_THAT(extension("a= b= c=1"), ElementsAre(Pair("a", ""), Pair("b", ""), Pair("c", "1")));
  EXPECT_THAT(extension("a=1 b=2 a=3"), ElementsAre(Pair("a", "3"), Pair("b", "2")));
  EXPECT_THAT(extension(R"(a=x\ty\|z\"\ b=\\n\n\r\=\)"),
              ElementsAre(Pair("a", R"(x\ty\|z\"\)"), Pair("b", "\\n\n\r=\\")));
}

TEST(CefParser, StrictSaysWhatTheStandardDoesNotAllowAndWhere) {
  const std::string header = "CEF:0|v|p|1|s|n|3|";  // 18 characters
  EXPECT_THAT(refusal(header + "a=b"), HasSubstr("accepted"));
  EXPECT_THAT(refusal(header + " a=b"), HasSubstr("accepted"));
  EXPECT_THAT(refusal(header + "  a=b"), HasSubstr("column 20: expected at most one space"));
  EXPECT_THAT(refusal(header + "a= b=1"), HasSubstr("column 21: expected a value of \"a\""));
  EXPECT_THAT(refusal(header + "a=x  b=1"), HasSubstr("no space around"));
  EXPECT_THAT(refusal(header + "a=1 a=2"), HasSubstr("column 23: expected the key \"a\" once"));
  EXPECT_THAT(refusal(header + "a_b=1"), HasSubstr("letters and digits"));
  EXPECT_THAT(refusal(header + "a=x\\ty"), HasSubstr("column 22: expected \\\\, \\=, \\n or \\r"));
  EXPECT_THAT(refusal(header + "a=x\\"), HasSubstr("column 22"));
  EXPECT_THAT(refusal(header + "a=x\ty"), HasSubstr("no control character"));
  EXPECT_THAT(refusal(header + "a==b"), HasSubstr("column 21: expected a key before \"=\""));
  EXPECT_THAT(refusal(header + "text"), HasSubstr("column 19: expected a key"));
  EXPECT_THAT(refusal(header + "text a=1"), HasSubstr("column 19: expected a key"));
  EXPECT_THAT(refusal("CEF:0|v||1|s|n|3|"), HasSubstr("no empty header field"));
  EXPECT_THAT(refusal("CEF:0|v\\n|p|1|s|n|3|"), HasSubstr("behind a backslash of the header"));
  EXPECT_THAT(refusal("CEF: 0|v|p|1|s|n|3|"), HasSubstr("no space behind"));
  EXPECT_THAT(refusal("CEF:2|v|p|1|s|n|3|"), HasSubstr("version 0 or 1"));
}

TEST(CefParser, ManyKeysTakeTimeInProportion) {
  std::string line = "CEF:0|v|p|1|s|n|3|";
  for (int i = 0; i < 200'000; ++i) line += "k" + std::to_string(i) + "=v ";
  EXPECT_EQ(lenient(line).extension.size(), 200'000U);
  EXPECT_EQ(lenient("CEF:0|v|p|1|s|n|3|a=" + std::string(1'000'000, 'x')).extension.size(), 1U);
}

}  // namespace
}  // namespace capstan
