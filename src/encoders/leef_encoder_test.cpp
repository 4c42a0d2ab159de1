// Rules of the format by their number in IBM's guide and what readers do with it: see leef_encoder.h.
#include "leef_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoders/leef_parser.h"
#include "row_for_test.h"

namespace capstan::leef {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string line(const LeefOptions& options, const TestRecord& record) {
  const LeefEncoder encoder(options);
  const auto out = encoded(encoder, record);
  return out ? *out : out.error().text();
}

const TestRecord activity{
    .id = "a_1",
    .json =
        R"({"appId":11161,"appName":"Office ^ 365","eventTypeName":"EVENT_CATEGORY_LOGIN","description":"Log\ton: x=1\nnext",)"
        R"("user":{"userName":"ann@contoso.example"},"device":{"clientIP":"2001:db8::1"},)"
        R"("mainInfo":{"eventObjects":[{"name":"a"},{"name":"b"}]}})"};

TEST(Leef, WritesVersionTwoWithItsDelimiterAsItIs) {
  EXPECT_EQ(
      line({}, activity),
      "LEEF:2.0|Microsoft|Defender for Cloud Apps|1.0|EVENT_CATEGORY_LOGIN|^|devTime=1595096313045^cat=activity^sev=1"
      "^usrName=ann@contoso.example^src=2001:db8::1^externalId=a_1^msg=Log on: x=1 next^appName=Office   365"
      "^appId=APPID_O365^targetObjects=a,b");
}

TEST(Leef, WritesVersionOneWithTabsAndAtLeastFourAttributes) {
  const std::string text = line({.version = Version::one}, activity);
  EXPECT_THAT(
      text,
      StartsWith("LEEF:1.0|Microsoft|Defender for Cloud Apps|1.0|EVENT_CATEGORY_LOGIN|devTime=1595096313045\tcat="));
  EXPECT_THAT(text, HasSubstr("\tappName=Office ^ 365\t"));
  const std::string bare = line({.version = Version::one}, {.feed = "pageviews", .json = "{}", .event_time = {}});
  EXPECT_EQ(
      bare,
      "LEEF:1.0|Microsoft|Defender for Cloud Apps|1.0|pageviews|cat=pageviews\tsev=1\texternalId=id-1\trecord={}");
}

TEST(Leef, FillsUpFromTheEnvelope) {
  encoders::Mapping few;
  few.feeds = {"activities"};
  few.records.push_back(
      {.when = {}, .header = {{"event_id", "", {"\"E\"", {}}}}, .fields = {{"app", "", {"appName", {}}}}});
  const LeefEncoder encoder({.version = Version::one}, {few});
  EXPECT_EQ(*encoded(encoder, {.json = R"({"appName":"x"})"}),
            "LEEF:1.0|Microsoft|Defender for Cloud Apps|1.0|E|app=x\tcapstanId=id-1\tcapstanFeed=activities"
            "\tcapstanSource=contoso_mdca");
}

TEST(Leef, SeverityIsFromOneToTen) {
  EXPECT_THAT(line({}, {.feed = "alerts", .json = R"({"severityValue":2})"}), HasSubstr("^sev=8"));
  EXPECT_THAT(line({}, {.feed = "alerts", .json = R"({"severityValue":3})"}), HasSubstr("^sev=1"));
}

TEST(Leef, AQuarantinedRecordIsWrittenWithItsReason) {
  const std::string text = line({}, {.json = "{\"a\":^\xFF", .is_quarantined = true});
  EXPECT_THAT(text, StartsWith("LEEF:2.0|Microsoft|Defender for Cloud Apps|1.0|QUARANTINED_RECORD|^|devTime="));
  EXPECT_THAT(text, HasSubstr("^reason=reading a record:"));
  EXPECT_THAT(text, HasSubstr("^record={\"a\": \xEF\xBF\xBD"));
}

TEST(Leef, IsReadBackByItsParser) {
  for (const Version version : {Version::one, Version::two}) {
    const auto event = parse_leef(line({.version = version}, activity), LeefParsing::strict);
    ASSERT_TRUE(event) << event.error().text();
    EXPECT_EQ(event->event_id, "EVENT_CATEGORY_LOGIN");
    ASSERT_NE(event->find("msg"), nullptr);
    EXPECT_EQ(*event->find("msg"), "Log on: x=1 next");
    EXPECT_EQ(*event->find("usrName"), "ann@contoso.example");
  }
}

}  // namespace
}  // namespace capstan::leef
