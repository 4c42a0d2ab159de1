// `capstan query` over lines that are no JSON, and its progress line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "input_form.h"
#include "line_columns.h"
#include "progress.h"
#include "said_for_test.h"

namespace capstan::app {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const Timestamp now = parse_iso8601("2026-11-24T16:00:00Z").value();

std::string json(const Result<LineRecord>& record) { return record.has_value() ? record->json : record.error().text(); }

TEST(CefRecord, PutsKeysWhereSentinelHasThem) {
  EXPECT_EQ(
      json(cef_record("CEF:0|Acme|Gate|1|77|Logon|5|src=10.0.0.1 spt=22 suser=ann dvchost=gw request=http://h/?a\\=b "
                      "deviceDirection=1 cs1=x cs1Label=Policy reason=why",
                      now)),
      R"({"DeviceVendor":"Acme","DeviceProduct":"Gate","DeviceVersion":"1","DeviceEventClassID":"77",)"
      R"("Activity":"Logon","LogSeverity":"5","SourceIP":"10.0.0.1","SourcePort":22,"SourceUserName":"ann",)"
      R"("DeviceName":"gw","RequestURL":"http://h/?a=b","CommunicationDirection":"1","DeviceCustomString1":"x",)"
      R"("DeviceCustomString1Label":"Policy","Reason":"why","CEFVersion":0,"Extension":{"src":"10.0.0.1",)"
      R"("spt":"22","suser":"ann","dvchost":"gw","request":"http://h/?a=b","deviceDirection":"1","cs1":"x",)"
      R"("cs1Label":"Policy","reason":"why"}})");
}

TEST(CefRecord, LosesNoKeyThatSentinelHasNoColumnFor) {
  const std::string own = json(cef_record("CEF:0|a|b|c|d|e|3|AcmeRule=7 b;c=2 Message=mine _x=1", now));
  EXPECT_THAT(own, HasSubstr(R"("AcmeRule":"7 b;c=2")")) << "b;c is no key: it belongs to the value";
  EXPECT_THAT(own, HasSubstr(R"("AdditionalExtensions":"AcmeRule=7 b;c=2;Message=mine;_x=1")"));
  EXPECT_THAT(own, HasSubstr(R"("Message":"mine","_x":"1"}})")) << "in Extension";
  EXPECT_THAT(own, Not(HasSubstr(R"("c","Message")")));
  EXPECT_THAT(json(cef_record("CEF:0|a|b|c|d|e|3|who knows Message=mine", now)),
              HasSubstr(R"("AdditionalExtensions":"who knows;Message=mine")"))
      << "nor text that belongs to no key";
  EXPECT_EQ(own.find(R"("Message":)"), own.rfind(R"("Message":)")) << "a key called like a column is not the column";
}

TEST(CefRecord, WhatAColumnCannotHoldIsKeptBesideIt) {
  const std::string wide = json(cef_record("CEF:0|a|b|c|d|e|3|cn1=99999999999 cn2=5 externalId=id-1 spt=many", now));
  EXPECT_THAT(wide, HasSubstr(R"("FieldDeviceCustomNumber1":99999999999,)"));
  EXPECT_THAT(wide, Not(HasSubstr(R"("DeviceCustomNumber1")")));
  EXPECT_THAT(wide, HasSubstr(R"("FieldDeviceCustomNumber2":5,"DeviceCustomNumber2":5)"));
  EXPECT_THAT(wide, HasSubstr(R"("ExtID":"id-1")"));
  EXPECT_THAT(wide, Not(HasSubstr(R"("ExternalID")")));
  EXPECT_THAT(wide, HasSubstr(R"("SourcePort":"many")"));
}

TEST(CefRecord, TakesTheTimeFromTheDeviceOrElseTheHeader) {
  const auto both =
      cef_record("<14>Nov 24 10:00:00 gw CEF:0|a|b|c|d|e|3|rt=1600000000123 start=Sep 13 2020 12:26:40", now);
  EXPECT_THAT(json(both), StartsWith(R"({"TimeGenerated":"2020-09-13T12:26:40.123Z","Computer":"gw",)"));
  EXPECT_THAT(json(both), HasSubstr(R"("ReceiptTime":"1600000000123","StartTime":"2020-09-13T12:26:40.000Z")"));
  EXPECT_THAT(json(both), HasSubstr(R"("Prefix":"<14>Nov 24 10:00:00 gw ")"));
  EXPECT_EQ(both->time, from_epoch_ms(1'600'000'000'123));
  EXPECT_EQ(cef_record("<14>Nov 24 10:00:00 gw CEF:0|a|b|c|d|e|3|", now)->time, parse_iso8601("2026-11-24T10:00:00Z"));
  EXPECT_EQ(cef_record("CEF:0|a|b|c|d|e|3|", now)->time, Timestamp{});
}

TEST(LeefRecord, HasTheHeadAndTheAttributesAsMembers) {
  const auto record = leef_record(
      "<13>1 2026-11-24T10:00:00Z gw - - - - LEEF:2.0|A|G|1|id|^|sev=7^usrName=ann^devTime=1600000000^vendor=x", now);
  EXPECT_EQ(json(record),
            R"({"time":"2020-09-13T12:26:40.000Z","host":"gw","leefVersion":"2.0","vendor":"A","product":"G",)"
            R"("version":"1","eventId":"id","sev":7,"usrName":"ann","devTime":"1600000000",)"
            R"("attributes":{"sev":"7","usrName":"ann","devTime":"1600000000","vendor":"x"},)"
            R"("prefix":"<13>1 2026-11-24T10:00:00Z gw - - - - "})");
  EXPECT_EQ(record->time, from_epoch_ms(1'600'000'000'000));
  EXPECT_THAT(json(leef_record("LEEF:1.0|A|G|1", now)), HasSubstr("E5006"));
}

TEST(SyslogRecord, HasTheColumnsOfTheTable) {
  EXPECT_EQ(json(syslog_record("<165>1 2026-11-24T10:00:00Z gw su 77 ID47 [a@1 x=\"1\" y=\"2\" x=\"3\"] hello", now)),
            R"({"TimeGenerated":"2026-11-24T10:00:00.000Z","EventTime":"2026-11-24T10:00:00.000Z",)"
            R"("Facility":"local4","SeverityLevel":"notice","HostName":"gw","Computer":"gw","ProcessName":"su",)"
            R"("ProcessID":77,"MessageID":"ID47","StructuredData":{"a@1":{"x":["1","3"],"y":"2"}},)"
            R"("SyslogMessage":"hello"})");
  EXPECT_EQ(json(syslog_record("<13>hello", now)),
            R"({"Facility":"user","SeverityLevel":"notice","SyslogMessage":"hello"})");
}

TEST(LineColumns, WriteNumbersThatAreNumbers) {
  const LineColumns columns("cef");
  EXPECT_EQ(columns.json("SourcePort", "22", now), "22");
  for (const char* text : {"022", "+22", "", "22 ", "2.2", "99999999999", "-"})
    EXPECT_THAT(columns.json("SourcePort", text, now), StartsWith("\"")) << text;
  EXPECT_EQ(columns.json("SentBytes", "99999999999", now), "99999999999");
  EXPECT_EQ(columns.json("DeviceCustomFloatingPoint1", "-0.50", now), "-0.50");
  for (const char* text : {"1e5", "00.5", ".5", "5.", "nan", "0x1p3"})
    EXPECT_THAT(columns.json("DeviceCustomFloatingPoint1", text, now), StartsWith("\"")) << text;
}

TEST(InputForm, IsToldByTheFirstLine) {
  EXPECT_EQ(guess_form("\xEF\xBB\xBF\n {\"m\":\"CEF:0|a|b|c|d|e|f|\"}", now), InputForm::json);
  EXPECT_EQ(guess_form("[1", now), InputForm::json);
  EXPECT_EQ(guess_form("", now), InputForm::json);
  EXPECT_EQ(guess_form("name,value\n1,2\n", now), InputForm::json);
  EXPECT_EQ(guess_form("# of the gate\n\nCEF:0|Acme|Gate|1|1|n|3|\n", now), InputForm::cef);
  EXPECT_EQ(guess_form("#\n#\n#\n#\n#\n#\n#\n#\nCEF:0|Acme|Gate|1|1|n|3|\n", now), InputForm::json);
  EXPECT_EQ(guess_form("<13>Nov 24 10:00:00 h CEF: 0|Acm", now), InputForm::cef) << "the front ends inside the header";
  EXPECT_EQ(guess_form("LEEF:2.0|A|", now), InputForm::leef);
  EXPECT_EQ(guess_form("<13>hello\nCEF:0|a|b|c|d|e|f|", now), InputForm::syslog);
  EXPECT_EQ(guess_form("Nov 24 10:00:00 h sshd[1]: hello", now), InputForm::syslog);
  EXPECT_EQ(guess_form("2026-11-24T10:00:00Z h sshd[1]: hello", now), InputForm::syslog);
}

constexpr const char* cef_lines =
    "CEF:0|Acme|Gate|1|100|Denied|5|act=deny dpt=22 src=203.0.113.7\r\n"
    "\n"
    "no cef at all\n"
    "CEF:0|Acme|Gate|1|101|Allowed|2|act=allow dpt=443 src=203.0.113.8";

TEST(QueryLines, AsksCefByTheColumnsOfSentinel) {
  const SaidForTest said = say_for_test(
      {"query", "source | where DestinationPort == 22 | project SourceIP, DestinationPort, _Feed"}, cef_lines);
  EXPECT_EQ(said.out, "{\"SourceIP\":\"203.0.113.7\",\"DestinationPort\":22,\"_Feed\":\"cef\"}\n");
  EXPECT_EQ(said.exit, exit_not_done);
  EXPECT_EQ(said.err,
            "-:3: reading a CEF line: column 1: expected \"CEF:\", a number and \"|\" [E5004]\n"
            "2 records read, 1 could not be read\n")
      << "with the number of the line in the file";
}

TEST(QueryLines, AFormThatIsGivenIsNotGuessed) {
  const std::string line = "<13>Nov 24 10:00:00 gw CEF:0|Acme|Gate|1|100|Denied|5|act=deny";
  EXPECT_THAT(say_for_test({"query", "--from", "syslog", "source | project HostName, SyslogMessage"}, line).out,
              HasSubstr("{\"HostName\":\"gw\",\"SyslogMessage\":\"CEF:0|Acme"));
  const SaidForTest array = say_for_test({"query", "--from", "ndjson", "source"}, "[{\"a\":1}]\n{\"a\":2}");
  EXPECT_EQ(array.out, "{\"a\":2}\n") << "an array is no record of its line";
  EXPECT_THAT(array.err, HasSubstr("-, record 1: reading a record: at line 1, column 1: expected an object"));
  EXPECT_EQ(say_for_test({"query", "--from", "json", "source"}, "[{\"a\":1},{\"a\":2}]").out, "{\"a\":1}\n{\"a\":2}\n");
}

TEST(QueryLines, EachFileHasAFormOfItsOwn) {
  const DirectoryForTest directory;
  const std::string cef = directory.write("a", cef_lines);
  const std::string leef = directory.write("b", "LEEF:1.0|Acme|Gate|1|x|src=203.0.113.9\tsev=3\n");
  const std::string plain = directory.write("c", "{\"src\":\"203.0.113.10\"}\n");
  const SaidForTest said =
      say_for_test({"query", "source | project feed = _Feed, address = coalesce(tostring(SourceIP), tostring(src))",
                    "--to", "csv", cef, leef, plain});
  EXPECT_EQ(said.out, "feed,address\r\ncef,203.0.113.7\r\ncef,203.0.113.8\r\nleef,203.0.113.9\r\n,203.0.113.10\r\n");
  EXPECT_THAT(said.err, HasSubstr("a:3: reading a CEF line"));
}

TEST(QueryLines, AFeedGivesItsSchemaAndItsName) {
  EXPECT_EQ(
      say_for_test({"query", "--feed", "activities", "source | where timestamp > datetime(2020-01-01) | project _Feed"},
                   "{\"timestamp\":1600000000000}")
          .out,
      "{\"_Feed\":\"activities\"}\n");
  EXPECT_EQ(say_for_test({"query", "--check", "--from", "cef", "source | where StartTime > 'x'"}).exit,
            exit_configuration)
      << "a datetime, and no text";
}

TEST(QueryLines, ManyBrokenLinesAreCounted) {
  std::string lines = "<13>good\n";
  for (int i = 0; i < 9; ++i) lines += "bad\n";
  const SaidForTest said = say_for_test({"query", "source | project SyslogMessage"}, lines);
  EXPECT_EQ(said.out, "{\"SyslogMessage\":\"good\"}\n");
  EXPECT_THAT(said.err, HasSubstr("-:6: "));
  EXPECT_THAT(said.err, Not(HasSubstr("-:7: ")));
  EXPECT_THAT(said.err, HasSubstr("1 record read, 9 could not be read\n"));
}

class HandClock final : public Clock {
public:
  Timestamp now() const override { return {}; }
  MonotonicTime monotonic() const override { return MonotonicTime(time); }
  std::chrono::milliseconds time{0};
};

TEST(Progress, IsDrawnFourTimesASecondAndTakenAway) {
  HandClock clock;
  std::ostringstream out;
  {
    Progress progress(out, clock, 2'000'000'000);
    progress.add_record(true);
    progress.add_record(false);
    clock.time += std::chrono::milliseconds(249);
    progress.add_bytes(250'000'000);
    EXPECT_EQ(out.str(), "") << "too early";
    clock.time += std::chrono::milliseconds(751);
    progress.add_bytes(250'000'000);
    const std::string first = "\r\x1b[K25 %  500 MB of 2.0 GB  500 MB/s  1 kept of 2 read  about 3 s left";
    EXPECT_EQ(out.str(), first);
    clock.time += std::chrono::milliseconds(249);
    progress.add_bytes(1);
    EXPECT_EQ(out.str(), first) << "too early again";
    progress.clear();
    EXPECT_EQ(out.str(), first + "\r\x1b[K");
    progress.clear();
    EXPECT_EQ(out.str(), first + "\r\x1b[K") << "nothing is there any more";
  }
  EXPECT_THAT(out.str(), testing::EndsWith("left\r\x1b[K"));
}

TEST(Progress, SaysNothingWithoutATotal) {
  HandClock clock;
  std::ostringstream out;
  Progress progress(out, clock, std::nullopt);
  clock.time += std::chrono::seconds(9);
  progress.add_bytes(5);
  progress.clear();
  EXPECT_EQ(out.str(), "");
}

TEST(Progress, StandardInputAndPipesHaveNone) {
  EXPECT_EQ(say_for_test({"query", "source"}, "{\"a\":1}", true).err, "");
}

}  // namespace
}  // namespace capstan::app
