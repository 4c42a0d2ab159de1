#include "encoders/leef_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace capstan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

LeefEvent lenient(std::string_view line) {
  auto event = parse_leef(line, LeefParsing::lenient);
  if (!event) {
    ADD_FAILURE() << event.error().text();
    return {};
  }
  return *event;
}
LeefEvent strict(std::string_view line) {
  auto event = parse_leef(line, LeefParsing::strict);
  if (!event) {
    ADD_FAILURE() << event.error().text();
    return {};
  }
  return *event;
}
std::string refusal(std::string_view line, LeefParsing parsing = LeefParsing::strict) {
  const auto event = parse_leef(line, parsing);
  if (event) return "accepted";
  EXPECT_EQ(event.error().code(), ErrorCode::not_leef);
  return event.error().sentence();
}

TEST(LeefParser, ReadsVersionOneWithTabs) {
  const LeefEvent event =
      strict("<13>Jan 18 11:07:53 host LEEF:1.0|Acme|Gate|3.1|logon|src=10.0.0.1\tusrName=ann b\r\n");
  EXPECT_EQ(event.prefix, "<13>Jan 18 11:07:53 host ");
  EXPECT_EQ(event.version, "1.0");
  EXPECT_EQ(event.vendor, "Acme");
  EXPECT_EQ(event.product, "Gate");
  EXPECT_EQ(event.product_version, "3.1");
  EXPECT_EQ(event.event_id, "logon");
  EXPECT_THAT(event.attributes, ElementsAre(Pair("src", "10.0.0.1"), Pair("usrName", "ann b")));
  EXPECT_EQ(*event.find("src"), "10.0.0.1");
  EXPECT_EQ(event.find("dst"), nullptr);
}

TEST(LeefParser, ReadsTheDelimiterOfVersionTwo) {
  for (const std::string written : {"^", "x5E", "0x5e", "X5e", "0x005E"})
    EXPECT_THAT(strict("LEEF:2.0|A|G|1|id|" + written + "|a=1^b=2").attributes,
                ElementsAre(Pair("a", "1"), Pair("b", "2")))
        << written;
  EXPECT_THAT(strict("LEEF:2.0|A|G|1|id|x09|a=1\tb=2").attributes, ElementsAre(Pair("a", "1"), Pair("b", "2")));
  const LeefEvent broken_bar = strict(
      "LEEF:2.0|A|G|1|id|xa6|a=1\xC2\xA6"
      "b=2");
  EXPECT_EQ(broken_bar.delimiter, "\xC2\xA6");
  EXPECT_THAT(broken_bar.attributes, ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(strict("LEEF:2.0|A|G|1|id|x|a=1xb=2").attributes, ElementsAre(Pair("a", "1"), Pair("b", "2")))
      << "a lone x is itself";
  EXPECT_THAT(refusal("LEEF:2.0|A|G|1|id|xGG|a=1"), HasSubstr("column 19: expected one character"));
  EXPECT_THAT(refusal("LEEF:2.0|A|G|1|id|xD800|a=1", LeefParsing::lenient), HasSubstr("got \"xD800\""));
  EXPECT_THAT(refusal("LEEF:2.0|A|G|1|id|x7C|a=1"), HasSubstr("got \"x7C\""));
}

TEST(LeefParser, TakesVersionTwoWithoutADelimiterAsTabs) {
  const auto two = ElementsAre(Pair("a", "1|2"), Pair("b", "2"));
  EXPECT_THAT(lenient("LEEF:2.0|A|G|1|id|a=1|2\tb=2").attributes, two);
  EXPECT_THAT(lenient("LEEF:2.0|A|G|1|id||a=1|2\tb=2").attributes, two);
  EXPECT_THAT(lenient("LEEF:2.0|A|G|1|id|a=1").attributes, ElementsAre(Pair("a", "1")));
  EXPECT_THAT(lenient("LEEF:2.0|A|G|1|id|||a=1|b=2").attributes, ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(refusal("LEEF:2.0|A|G|1|id|a=1"), HasSubstr("expected 6 \"|\""));
}

TEST(LeefParser, ValuesHoldEqualsSignsBackslashesAndBlanks) {
  EXPECT_THAT(
      strict("LEEF:1.0|A|G|1|id|url=http://h/?a=b&c=d\tpath=C:\\new\\\tempty=\tlast= x ").attributes,
      ElementsAre(Pair("url", "http://h/?a=b&c=d"), Pair("path", "C:\\new\\"), Pair("empty", ""), Pair("last", " x ")));
}

TEST(LeefParser, APieceWithoutAKeyBelongsToTheValueBeforeIt) {
  EXPECT_THAT(lenient("LEEF:1.0|A|G|1|id|msg=one\ttwo\t=three\tb=2\t\t").attributes,
              ElementsAre(Pair("msg", "one\ttwo\t=three"), Pair("b", "2")));
  EXPECT_THAT(refusal("LEEF:1.0|A|G|1|id|msg=one\ttwo"), HasSubstr("column 27: expected key=value, got \"two\""));
  EXPECT_THAT(refusal("LEEF:1.0|A|G|1|id|nothing", LeefParsing::lenient), HasSubstr("column 19: expected key=value"));
  EXPECT_THAT(refusal("LEEF:1.0|A|G|1|id|a=1\t"), HasSubstr("expected no delimiter at the end"));
}

TEST(LeefParser, TheFirstOfAKeyThatStandsTwiceCounts) {
  EXPECT_THAT(lenient("LEEF:1.0|A|G|1|id|a=1\ta=2\tgoes on\tb=3").attributes,
              ElementsAre(Pair("a", "1"), Pair("b", "3")));
  EXPECT_THAT(refusal("LEEF:1.0|A|G|1|id|a=1\ta=2"), HasSubstr("expected the key \"a\" once"));
}

TEST(LeefParser, ReadsTabsThatARelayEscaped) {
  EXPECT_THAT(lenient("LEEF:1.0|A|G|1|id|a=1#011b=2#011c=3").attributes,
              ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
  EXPECT_EQ(lenient("LEEF:1.0|A|G|1|id|a=1#011b=2").delimiter, "\t");
  EXPECT_THAT(lenient("LEEF:1.0|A|G|1|id|a=number #011 of\tb=2").attributes,
              ElementsAre(Pair("a", "number #011 of"), Pair("b", "2")));
  EXPECT_THAT(lenient("LEEF:1.0|A|G|1|id|a=#011 alone").attributes, ElementsAre(Pair("a", "#011 alone")));
  EXPECT_THAT(strict("LEEF:1.0|A|G|1|id|a=1#011b=2").attributes, ElementsAre(Pair("a", "1#011b=2")));
}

TEST(LeefParser, FindsTheMarkAndCountsTheHeader) {
  EXPECT_EQ(lenient("LEEF: 1.0|A|G|1|id|").vendor, "A");
  EXPECT_THAT(lenient("LEEF:1.0|A|G|1|id|").attributes, IsEmpty());
  EXPECT_EQ(lenient("a LEEF:x LEEF:1.0|A|G|1|id|").prefix, "a LEEF:x ");
  EXPECT_THAT(refusal("LEEF: 1.0|A|G|1|id|"), HasSubstr("expected no space behind \"LEEF:\""));
  EXPECT_THAT(refusal("LEEF:3.0|A|G|1|id|x|"), HasSubstr("expected version 1.0 or 2.0"));
  EXPECT_THAT(refusal("LEEF:1.0||G|1|id|"), HasSubstr("expected no empty header field"));
  EXPECT_THAT(refusal("LEEF:1.0|A|G|1|id", LeefParsing::lenient), HasSubstr("expected 5 \"|\" in the header"));
  EXPECT_THAT(refusal("nothing", LeefParsing::lenient), HasSubstr("column 1: expected \"LEEF:\""));
  EXPECT_THAT(refusal("LEEF:1.0|A|G|1|id|a b=1"), HasSubstr("expected letters and digits in a key"));
}

}  // namespace
}  // namespace capstan
