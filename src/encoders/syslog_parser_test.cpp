#include "encoders/syslog_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoders/device_date.h"

namespace capstan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Timestamp at(std::string_view text) { return parse_iso8601(text).value(); }
const Timestamp now = at("2026-11-24T16:00:00Z");

SyslogMessage read(std::string_view line) {
  auto message = parse_syslog(line, now);
  if (!message) {
    ADD_FAILURE() << line << ": " << message.error().text();
    return {};
  }
  return *message;
}
std::string refusal(std::string_view line) {
  const auto message = parse_syslog(line, now);
  if (message) return "accepted";
  EXPECT_EQ(message.error().code(), ErrorCode::not_syslog);
  return message.error().sentence();
}
std::string when(std::string_view text) {
  const auto time = parse_device_date(text, now);
  return time ? to_iso8601(*time) : "none";
}

TEST(DeviceDate, ReadsWhatDevicesWrite) {
  EXPECT_EQ(when("1600000000"), "2020-09-13T12:26:40.000Z");
  EXPECT_EQ(when("1600000000123"), "2020-09-13T12:26:40.123Z");
  EXPECT_EQ(when("Sep 13 2020 12:26:40"), "2020-09-13T12:26:40.000Z");
  EXPECT_EQ(when("Sep  3 2020 12:26:40.5 GMT+02:00"), "2020-09-03T10:26:40.500Z");
  EXPECT_EQ(when("Sep 13 2020 12:26:40.123 -0530"), "2020-09-13T17:56:40.123Z");
  EXPECT_EQ(when("Sep 13 12:26:40 2020 CEST"), "2020-09-13T10:26:40.000Z") << "the year behind the time";
  EXPECT_EQ(when("Sep 13 12:26:40 UTC 2020"), "2020-09-13T12:26:40.000Z");
  EXPECT_EQ(when("2020-09-13T12:26:40+02:00"), "2020-09-13T10:26:40.000Z");
  for (const char* text : {"", "160000000", "Sep 31 2020 12:26:40", "Xyz 13 12:26:40", "Sep 13 24:26:40",
                           "Sep 13 12:26", "Sep 13 2020 12:26:40 QST", "Sep 13 2020 12:26:40 and more"})
    EXPECT_EQ(when(text), "none") << text;
}

TEST(DeviceDate, ADateWithoutAYearIsTheLatestThatIsNotAhead) {
  EXPECT_EQ(when("Nov 24 15:59:59"), "2026-11-24T15:59:59.000Z");
  EXPECT_EQ(when("Nov 25 15:59:59"), "2026-11-25T15:59:59.000Z") << "a clock may be ahead, or a zone";
  EXPECT_EQ(when("Nov 25 16:00:01"), "2025-11-25T16:00:01.000Z");
  EXPECT_EQ(when("Dec 31 23:00:00"), "2025-12-31T23:00:00.000Z");
  EXPECT_EQ(when("Feb 29 10:00:00"), "2024-02-29T10:00:00.000Z");
}

TEST(SyslogParser, ReadsRfc3164) {
  const SyslogMessage message = read("<134>Nov  4 10:11:12 gate sshd[812]: Accepted key for ann\r\n");
  EXPECT_FALSE(message.is_5424);
  EXPECT_EQ(message.facility, 16);
  EXPECT_EQ(message.severity, 6);
  EXPECT_EQ(message.time, at("2026-11-04T10:11:12Z"));
  EXPECT_EQ(message.host, "gate");
  EXPECT_EQ(message.application, "sshd");
  EXPECT_EQ(message.process_id, "812");
  EXPECT_EQ(message.message, "Accepted key for ann");
}

TEST(SyslogParser, ReadsTheDatesOfDaemons) {
  EXPECT_EQ(read("<14>2020-09-13T12:26:40.123456+02:00 h a: m").time, at("2020-09-13T10:26:40.123Z"));
  EXPECT_EQ(read("Sep 13 2020 12:26:40 h a: m").time, at("2020-09-13T12:26:40Z"));
  EXPECT_EQ(read("<14>Sep 13 12:26:40 EST h a: m").time, at("2026-09-13T17:26:40Z"));
  const SyslogMessage firewall = read("<14>Sep 13 12:26:40 EST-firewall a: m");
  EXPECT_EQ(firewall.host, "EST-firewall");
  EXPECT_EQ(firewall.time, at("2026-09-13T12:26:40Z"));
  const SyslogMessage no_host = read("<189>Sep 13 2020 12:26:40: %ASA-6-302013: Built");
  EXPECT_EQ(no_host.host, "");
  EXPECT_EQ(no_host.application, "%ASA-6-302013");
  EXPECT_EQ(no_host.message, "Built");
}

TEST(SyslogParser, TakesWhatIsMissingAsMissing) {
  const SyslogMessage bare = read("<13>it happened again");
  EXPECT_FALSE(bare.time.has_value());
  EXPECT_EQ(bare.host, "");
  EXPECT_EQ(bare.message, "it happened again");
  const SyslogMessage unranked = read("Nov 24 10:00:00 gate cron[1]: run");
  EXPECT_FALSE(unranked.facility.has_value());
  EXPECT_EQ(unranked.application, "cron");
  const SyslogMessage untagged = read("<13>Nov 24 10:00:00 gate link is down: port 3");
  EXPECT_EQ(untagged.host, "gate");
  EXPECT_EQ(untagged.application, "");
  EXPECT_EQ(untagged.message, "link is down: port 3");
  const SyslogMessage no_host = read("<13>Nov 24 10:00:00 sshd[4]: hello");
  EXPECT_EQ(no_host.host, "");
  EXPECT_EQ(no_host.process_id, "4");
  EXPECT_EQ(read("<13>Nov 24 10:00:00 gate app[x y] z").message, "app[x y] z");
  EXPECT_EQ(read("<13>1 cup of coffee").message, "1 cup of coffee");
}

TEST(SyslogParser, CefAndLeefAreNoTags) {
  for (const std::string line :
       {"<14>Nov 24 10:00:00 gate CEF:0|a|b|1|s|n|3|x=1", "<14>Nov 24 10:00:00 CEF:0|a|b|1|s|n|3|x=1"})
    EXPECT_EQ(read(line).message, "CEF:0|a|b|1|s|n|3|x=1") << line;
  EXPECT_EQ(read("<14>Nov 24 10:00:00 gate CEF:0|a|b|1|s|n|3|x=1").host, "gate");
  EXPECT_EQ(read("<14>Nov 24 10:00:00 gate mcas[12]: CEF:0|a").application, "mcas");
  EXPECT_EQ(read("<14>LEEF:1.0|a|b|1|id|x=1").message, "LEEF:1.0|a|b|1|id|x=1");
}

TEST(SyslogParser, ReadsRfc5424) {
  const SyslogMessage message = read(
      "<165>1 2003-10-11T22:14:15.003Z gate.example su 77 ID47 "
      R"([a@1 x="1" y="q\"b\\c\]d\n"][b@2] )"
      "\xEF\xBB\xBFhello");
  EXPECT_TRUE(message.is_5424);
  EXPECT_EQ(message.facility, 20);
  EXPECT_EQ(message.severity, 5);
  EXPECT_EQ(message.time, at("2003-10-11T22:14:15.003Z"));
  EXPECT_EQ(message.host, "gate.example");
  EXPECT_EQ(message.application, "su");
  EXPECT_EQ(message.process_id, "77");
  EXPECT_EQ(message.message_id, "ID47");
  ASSERT_EQ(message.structured_data.size(), 2);
  EXPECT_EQ(message.structured_data[0].id, "a@1");
  EXPECT_THAT(message.structured_data[0].parameters, ElementsAre(Pair("x", "1"), Pair("y", "q\"b\\c]d\\n")));
  EXPECT_EQ(message.structured_data[1].id, "b@2");
  EXPECT_THAT(message.structured_data[1].parameters, IsEmpty());
  EXPECT_EQ(message.message, "hello");
}

TEST(SyslogParser, ReadsWhatRfc5424LeavesOut) {
  const SyslogMessage nothing = read("<0>1 - - - - - -");
  EXPECT_TRUE(nothing.is_5424);
  EXPECT_FALSE(nothing.time.has_value());
  EXPECT_EQ(nothing.host, "");
  EXPECT_EQ(nothing.message, "");
  EXPECT_EQ(read("57 <14>1 2026-01-01T00:00:00Z h a - - - text behind a count").message, "text behind a count");
  EXPECT_EQ(read("<14>1 2026-01-01T00:00:00Z h a - - without structured data").message, "without structured data");
  EXPECT_EQ(read("<14>1 2026-01-01T00:00:00Z h a - - [x@1] ").message, "");
}

TEST(SyslogParser, SaysWhereALineIsWrong) {
  EXPECT_THAT(refusal("hello there"), HasSubstr("column 1: expected <PRI> or a date"));
  EXPECT_THAT(refusal(""), HasSubstr("column 1"));
  EXPECT_THAT(refusal("<192>Nov 24 10:00:00 h m"), HasSubstr("column 1: expected a number from 0 to 191"));
  EXPECT_THAT(refusal("<>m"), HasSubstr("column 1"));
  EXPECT_THAT(refusal("<14>1 2026-13-01T00:00:00Z h a - - -"), HasSubstr("column 7: expected a time or \"-\""));
  EXPECT_THAT(refusal("<14>1 - h  - - -"), HasSubstr("column 11: expected an application or \"-\""));
  EXPECT_THAT(refusal("<14>1 - h su"), HasSubstr("column 13: expected a process id or \"-\""));
  EXPECT_THAT(refusal("<14>1 -"), HasSubstr("column 8: expected a host or \"-\""));
  EXPECT_THAT(refusal("<14>1 - h a - - [x@1 k=\"v]"), HasSubstr("column 25: expected \"\\\"\" behind the value"));
  EXPECT_THAT(refusal("<14>1 - h a - - [x@1 k]"), HasSubstr("expected name=\"value\" or \"]\""));
}

TEST(SyslogParser, NamesFacilitiesAndSeverities) {
  EXPECT_EQ(facility_name(0), "kern");
  EXPECT_EQ(facility_name(20), "local4");
  EXPECT_EQ(facility_name(24), "");
  EXPECT_EQ(severity_name(3), "err");
  EXPECT_EQ(severity_name(-1), "");
}

}  // namespace
}  // namespace capstan
