#include "cef_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cef_text.h"
#include "encoders/cef_parser.h"
#include "ip_text.h"
#include "row_for_test.h"

namespace capstan::cef {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const CefEncoder& strict() {
  static const CefEncoder encoder{CefOptions{}};
  return encoder;
}
const CefEncoder& agent() {
  static const CefEncoder encoder{
      CefOptions{.profile = Profile::siem_agent, .portal_url = "https://contoso.portal.cloudappsecurity.com/"}};
  return encoder;
}

std::string line(const CefEncoder& encoder, const TestRecord& record) {
  auto out = encoded(encoder, record);
  if (!out) {
    ADD_FAILURE() << out.error().text();
    return {};
  }
  return *out;
}

CefEvent event(const CefEncoder& encoder, const TestRecord& record, CefParsing parsing = CefParsing::strict) {
  const std::string text = line(encoder, record);
  auto parsed = parse_cef(text, parsing);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().text() << "\n" << text;
    return {};
  }
  return *parsed;
}

std::string value(const CefEvent& event, std::string_view key) {
  const std::string* found = event.find(key);
  return found == nullptr ? "(none)" : *found;
}

TestRecord activity() {
  return {
      .feed = "activities",
      .id = "1511373015679_0b8f6c1e-1111-4222-8333-944455566677",
      .json =
          R"({"_id":"x","appId":15600,"appName":"Microsoft OneDrive for Business","eventTypeName":"EVENT_CATEGORY_UPLOAD_FILE",)"
          R"("description":"Upload file: plan|b=1.txt","user":{"userName":"ann@example.org"},)"
          R"x("device":{"clientIP":"192.0.2.7","userAgent":"Agent/1.0 (X; Y)"},)x"
          R"("mainInfo":{"eventObjects":[{"name":"plan.txt"},{"id":1},{"name":"Ann"}]}})"};
}

TestRecord alert() {
  return {
      .feed = "alerts",
      .id = "5f06d71dba4289d0602ba5ac",
      .json =
          R"({"title":"my policy","description":"Policy 'my policy' was triggered","severityValue":2,"idValue":15728641,)"
          R"("threatScore":19,"statusValue":1,"resolutionStatusValue":0,"URL":"https://t.example/#/alerts/5f06",)"
          R"("audits":["a1","a2"],"entities":[{"id":"p1","type":"policyRule","label":"my policy"},)"
          R"({"id":11161,"type":"service","label":"Office 365"},{"id":26069,"type":"service","label":"Drive"},)"
          R"({"id":11161,"type":"service","label":"Office 365"},{"type":"account","pa":"ann@example.org"},)"
          R"({"type":"ip","id":"2001:db8::1"},{"type":"ip","id":"192.0.2.9"}]})"};
}

TEST(CefStrict, WritesAnActivity) {
  EXPECT_EQ(
      line(strict(), activity()),
      "CEF:0|MCAS|SIEM_Agent|0.1.0|EVENT_CATEGORY_UPLOAD_FILE|Upload file|0|"
      "externalId=1511373015679_0b8f6c1e-1111-4222-8333-944455566677 rt=1595096313045 start=1595096313045 "
      "end=1595096313045 msg=Upload file: plan|b\\=1.txt suser=ann@example.org "
      "destinationServiceName=Microsoft OneDrive for Business dvc=192.0.2.7 requestClientApplication=Agent/1.0 (X; Y) "
      "cs1Label=portalURL cs1=https://security.microsoft.com/cloudapps/activity-log?activity.id\\=eq("
      "1511373015679_0b8f6c1e-1111-4222-8333-944455566677,) cs2Label=uniqueServiceAppIds cs2=APPID_ONEDRIVE "
      "cs3Label=targetObjects cs3=plan.txt,Ann");
}

TEST(CefSiemAgent, WritesAnActivityWithItsEmptyKeys) {
  TestRecord record = activity();
  record.json = R"({"appId":33626,"eventTypeName":"EVENT_CATEGORY_LOGOUT","description":"Log out","appName":"Google",)"
                R"("mainInfo":{"eventObjects":[{"id":1},{"name":""},{"name":"a@b"},{"name":"a@b"}]}})";
  record.id = "77";
  EXPECT_EQ(
      line(agent(), record),
      "CEF:0|MCAS|SIEM_Agent|0.1.0|EVENT_CATEGORY_LOGOUT|Log out|0|externalId=77 rt=1595096313045 start=1595096313045 "
      "end=1595096313045 msg=Log out suser= destinationServiceName=Google dvc= requestClientApplication= "
      "cs1Label=portalURL cs1=https://contoso.portal.cloudappsecurity.com/#/audits?activity.id\\=eq(77,) "
      "cs2Label=uniqueServiceAppIds cs2=APPID_33626 cs3Label=targetObjects cs3=,,a@b,a@b cs4Label=policyIDs cs4= "
      "c6a1Label=\"Device IPv6 Address\" c6a1=");
}

TEST(CefStrict, WritesAnAlert) {
  EXPECT_EQ(
      line(strict(), alert()),
      "CEF:0|MCAS|SIEM_Agent|0.1.0|ALERT_CABINET_EVENT_MATCH_AUDIT|my policy|8|externalId=5f06d71dba4289d0602ba5ac "
      "rt=1595096313045 start=1595096313045 end=1595096313045 msg=Policy 'my policy' was triggered "
      "suser=ann@example.org destinationServiceName=Office 365 src=192.0.2.9 cn1Label=riskScore cn1=19 "
      "cs1Label=portalURL cs1=https://t.example/#/alerts/5f06 cs2Label=uniqueServiceAppIds cs2=APPID_O365,APPID_26069 "
      "cs3Label=relatedAudits cs3=a1,a2 cs4Label=policyIDs cs4=p1 cs5Label=status cs5=READ "
      "cs6Label=resolutionStatus cs6=OPEN c6a1Label=Device IPv6 Address c6a1=2001:db8::1");
}

TEST(CefSiemAgent, WritesAnAlert) {
  EXPECT_EQ(
      line(agent(), alert()),
      "CEF:0|MCAS|SIEM_Agent|0.1.0|ALERT_CABINET_EVENT_MATCH_AUDIT|my policy|3|externalId=5f06d71dba4289d0602ba5ac "
      "start=1595096313045 end=1595096313045 msg=Policy 'my policy' was triggered suser=ann@example.org "
      "destinationServiceName=Office 365 cn1Label=riskScore cn1= cs1Label=portalURL "
      "cs1=https://t.example/#/alerts/5f06 cs2Label=uniqueServiceAppIds cs2=APPID_O365,APPID_26069 "
      "cs3Label=relatedAudits cs3=a1,a2 cs4Label=policyIDs cs4=p1");
}

TEST(CefSiemAgent, ExactBeginsWithTheEventTime) {
  const CefEncoder encoder{CefOptions{.profile = Profile::siem_agent, .exact = true}};
  EXPECT_THAT(line(encoder, activity()), StartsWith("2020-07-18T18:18:33.045Z CEF:0|MCAS|SIEM_Agent|"));
}

TEST(CefStrict, WritesInventories) {
  const auto entity =
      event(strict(),
            {.feed = "entities",
             .json = R"({"displayName":"Ann","email":"ann@example.org","id":"e1",)"
                     R"("status":2,"role":null,"isAdmin":false,"threatScore":null,"lastSeen":"2020-07-19T06:59:24Z",)"
                     R"("appData":{"appId":11161,"name":"Office 365"},"userGroups":[{"name":"G1"},{"name":"G2"}]})"});
  EXPECT_EQ(entity.signature, "INVENTORY_ENTITY");
  EXPECT_EQ(entity.name, "Ann");
  EXPECT_EQ(value(entity, "suser"), "ann@example.org");
  EXPECT_EQ(value(entity, "cs1"), "Active");
  EXPECT_EQ(value(entity, "cs3"), "G1,G2");
  EXPECT_EQ(value(entity, "cs5"), "false");
  EXPECT_EQ(value(entity, "deviceCustomDate1"), "1595141964000");
  EXPECT_EQ(value(entity, "spriv"), "(none)");
  EXPECT_EQ(value(entity, "cn1Label"), "(none)");

  const auto file = event(
      strict(), {.feed = "files",
                 .json = R"({"name":"a.txt","fileType":[4,"TEXT"],"fileSize":4294967296,)"
                         R"("fileAccessLevel":[0,"PRIVATE"],"createdDate":1594326579000,"mimeType":"text/plain"})"});
  EXPECT_EQ(value(file, "fileType"), "TEXT");
  EXPECT_EQ(value(file, "fsize"), "4294967296");
  EXPECT_EQ(value(file, "cs1"), "PRIVATE");
  EXPECT_EQ(value(file, "fileCreateTime"), "1594326579000");

  const auto subnet = event(
      strict(),
      {.feed = "subnets",
       .json = R"({"name":"office","category":5,"lastModified":1607952165309.8032,)"
               R"("subnets":[{"originalString":"192.0.2.0/24"},{"originalString":"198.51.100.1"}],"location":null})"});
  EXPECT_EQ(value(subnet, "cs1"), "192.0.2.0/24,198.51.100.1");
  EXPECT_EQ(value(subnet, "cs2"), "Cloud provider");
  EXPECT_EQ(value(subnet, "deviceCustomDate1"), "1607952165309");
}

TEST(Cef, MarksAnUpdateInStrictAndKeepsTheIdInBoth) {
  TestRecord record = alert();
  const std::string created = line(agent(), record);
  record.kind = RecordKind::updated;
  EXPECT_EQ(value(event(strict(), record), "act"), "updated");
  EXPECT_EQ(value(event(strict(), record), "externalId"), record.id);
  EXPECT_EQ(line(agent(), record), created);
}

TEST(Cef, WritesAQuarantinedRecordWithItsReason) {
  const TestRecord record{.json = "{\"a\":\"\xFF|=\\\n\"", .is_quarantined = true};
  const auto parsed = event(strict(), record);
  EXPECT_EQ(parsed.signature, "QUARANTINED_RECORD");
  EXPECT_EQ(value(parsed, "externalId"), "id-1");
  EXPECT_THAT(value(parsed, "reason"), HasSubstr("expected UTF-8"));
  EXPECT_EQ(value(parsed, "msg"), "{\"a\":\"\xEF\xBF\xBD|=\\\n\"");
  EXPECT_THAT(line(agent(), record), HasSubstr("QUARANTINED_RECORD"));
}

TEST(Cef, WritesAFeedItDoesNotKnow) {
  const auto parsed = event(strict(), {.feed = "pageviews", .json = R"({"a":1})"});
  EXPECT_EQ(parsed.signature, "pageviews");
  EXPECT_EQ(value(parsed, "msg"), R"({"a":1})");
}

TEST(Cef, RefusesARowWithoutItsValuesAndLeavesTheBufferAlone) {
  std::string padded;
  const TestRecord record = activity();
  const RecordView view = record.view(padded);
  std::string out = "before";
  const auto result = strict().encode({view, 0, {}, "t", "s", {}}, out);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::not_encodable);
  EXPECT_EQ(out, "before");
}

// --- rules of the header (H) and the extension (X, D) ---------------------------------------------------------------

TestRecord saying(std::string_view description, std::string_view more = "") {
  return {.json =
              R"({"eventTypeName":"E","description":")" + std::string(description) + "\"" + std::string(more) + "}"};
}

TEST(CefRules, H1H2H5HeaderHasSevenPipesAndVersion0) {
  EXPECT_THAT(line(strict(), saying("x")), StartsWith("CEF:0|MCAS|SIEM_Agent|0.1.0|E|x|0|externalId="));
  const CefEncoder other{
      CefOptions{.vendor = std::string(100, 'v'), .product = "a|b\\c", .device_version = std::string(40, '1')}};
  EXPECT_THAT(line(other, saying("x")),
              StartsWith("CEF:0|" + std::string(63, 'v') + "|a\\|b\\\\c|" + std::string(31, '1') + "|E|x|0|"));
}

TEST(CefRules, H3H4HeaderEscapesPipeAndBackslashAloneAndHasNoLineBreak) {
  EXPECT_THAT(line(strict(), saying(R"(a|b\\c=d%#\r\ne\tf)")), HasSubstr(R"(|a\|b\\c=d%#  e f|0|)"));
}

TEST(CefRules, H5NamesAndSignaturesAreCutAtACharacter) {
  std::string umlauts;
  for (int i = 0; i < 600; ++i) umlauts += "ü";
  EXPECT_EQ(event(strict(), saying("x" + umlauts)).name.size(), 511U);
  const TestRecord record{.json = R"({"eventTypeName":")" + std::string(2000, 'S') + R"(","description":"d"})"};
  EXPECT_EQ(event(strict(), record).signature.size(), 1023U);
}

TEST(CefRules, H6SeverityIsANumber) {
  const std::pair<const char*, const char*> severities[] = {{"0", "3"}, {"1", "6"},    {"2", "8"},     {"3", "0"},
                                                            {"5", "3"}, {"null", "3"}, {"\"2\"", "8"}, {"-1", "3"}};
  for (const auto& [api, cef] : severities)
    EXPECT_EQ(event(strict(), {.feed = "alerts", .json = std::string(R"({"severityValue":)") + api + "}"}).severity,
              cef)
        << api;
}

TEST(CefRules, H7NoHeaderFieldIsEmpty) {
  EXPECT_THAT(line(strict(), {}), HasSubstr("|EVENT_CATEGORY_UNSPECIFIED|Activity|0|"));
  EXPECT_THAT(line(strict(), {.feed = "alerts"}), HasSubstr("|ALERT_UNSPECIFIED|Alert|3|"));
  EXPECT_THAT(line(strict(), saying("  \\t ")), HasSubstr("|E|E|0|"));
  EXPECT_THAT(line(strict(), saying("\\r\\n")), HasSubstr("|E|Record|0|"));
  EXPECT_THAT(line(agent(), saying("")), HasSubstr("|E|E|0|"));
  for (const char* feed : {"entities", "files", "subnets", "other"})
    EXPECT_TRUE(parse_cef(line(strict(), {.feed = feed}), CefParsing::strict)) << feed;
}

TEST(CefRules, H8TheLineBeginsWithCef) { EXPECT_THAT(line(strict(), saying("\xEF\xBB\xBFx")), StartsWith("CEF:0|")); }

TEST(CefRules, X1OneSpaceBetweenPairsAndNoneAtTheEnd) {
  const std::string text = line(strict(), activity());
  EXPECT_THAT(text, Not(HasSubstr("  ")));
  EXPECT_NE(text.back(), ' ');
}

TEST(CefRules, X2X3X4EscapesInOnePassAndReplacesControlCharacters) {
  EXPECT_THAT(line(strict(), saying(R"(C:\\new\\report a=b|c\r\nd\te\u0000f\u001fg\\)")),
              HasSubstr("msg=C:\\\\new\\\\report a\\=b|c\\r\\nd e f g\\\\ "));
}

TEST(CefRules, X5X6KeysAreLettersAndDigitsAndOccurOnce) {
  // The strict parser refuses anything else; every feed passes it in both states.
  for (const char* feed : {"activities", "alerts", "entities", "files", "subnets", "other"})
    for (const RecordKind kind : {RecordKind::created, RecordKind::updated})
      EXPECT_TRUE(parse_cef(line(strict(), {.feed = feed, .kind = kind}), CefParsing::strict)) << feed;
}

TEST(CefRules, X7X8NothingEmptyAndNoBlanksAround) {
  const auto parsed = event(strict(), saying(R"( \t a  b \t)", R"(,"appName":"  ","user":{"userName":""})"));
  EXPECT_EQ(value(parsed, "msg"), "a  b");
  EXPECT_EQ(value(parsed, "destinationServiceName"), "(none)");
  EXPECT_EQ(value(parsed, "suser"), "(none)");
}

TEST(CefRules, X10NoLabelWithoutItsValueAndNoValueWithoutItsLabel) {
  for (const TestRecord& record :
       {activity(), alert(), TestRecord{}, TestRecord{.feed = "alerts"}, TestRecord{.feed = "files"}}) {
    const auto parsed = event(strict(), record);
    for (const auto& [key, text] : parsed.extension) {
      const bool is_label = key.ends_with("Label");
      const bool is_custom =
          key.starts_with("cs") || key.starts_with("cn") || key.starts_with("c6a") || key.starts_with("deviceCustom");
      if (is_custom || is_label) {
        const std::string other = is_label ? key.substr(0, key.size() - 5) : key + "Label";
        EXPECT_NE(parsed.find(other), nullptr) << key;
      }
    }
  }
}

TEST(CefRules, X11X12AddressesGoWhereTheyBelong) {
  const auto address = [](std::string_view ip) {
    return event(strict(), saying("x", R"(,"device":{"clientIP":")" + std::string(ip) + "\"}"));
  };
  EXPECT_EQ(value(address("192.0.2.1"), "dvc"), "192.0.2.1");
  EXPECT_EQ(value(address("192.0.2.1"), "c6a1"), "(none)");
  EXPECT_EQ(value(address("2001:db8::1"), "c6a1"), "2001:db8::1");
  EXPECT_EQ(value(address("2001:db8::1"), "c6a1Label"), "Device IPv6 Address");
  EXPECT_EQ(value(address("2001:db8::1"), "dvc"), "(none)");
  EXPECT_EQ(value(address("192.0.2.1:443"), "dvc"), "192.0.2.1");
  EXPECT_EQ(value(address("[2001:db8::1]:443"), "c6a1"), "2001:db8::1");
  EXPECT_EQ(value(address("somewhere"), "dvc"), "(none)");
  EXPECT_EQ(value(address("somewhere"), "c6a1"), "(none)");
  EXPECT_THAT(line(agent(), saying("x", R"(,"device":{"clientIP":"2001:db8::1"})")),
              HasSubstr(" dvc= requestClientApplication= "));
}

TEST(CefRules, X15ValuesAreCutAtACharacterBeforeEscapingAndTheIdNever) {
  std::string long_text;
  for (int i = 0; i < 2000; ++i) long_text += "=é";
  EXPECT_EQ(value(event(strict(), saying(long_text)), "msg").size(), 1023U - 0U);
  TestRecord record = saying("é" + std::string(1020, 'x') + "é");
  EXPECT_EQ(value(event(strict(), record), "msg").size(), 1022U);
  record.id = std::string(65, 'i');
  EXPECT_EQ(value(event(strict(), record), "externalId").size(), 65U);
  std::string names;
  for (int i = 0; i < 1000; ++i) names += (i == 0 ? "" : ",") + std::string(R"({"name":"123456789"})");
  const auto list = value(event(strict(), saying("x", R"(,"mainInfo":{"eventObjects":[)" + names + "]}")), "cs3");
  EXPECT_EQ(list.size(), 3999U);
  EXPECT_TRUE(list.ends_with(",123456789"));
}

TEST(CefRules, D1D2TimesAreEpochMillisecondsAndNumbersDecimal) {
  EXPECT_EQ(value(event(strict(), saying("x")), "rt"), "1595096313045");
  TestRecord timeless = saying("x");
  timeless.event_time = {};
  EXPECT_EQ(value(event(strict(), timeless), "rt"), "(none)");
  EXPECT_EQ(value(event(strict(), {.feed = "alerts", .json = R"({"threatScore":33.9})"}), "cn1"), "33");
  EXPECT_EQ(value(event(strict(), {.feed = "alerts", .json = R"({"threatScore":1e30})"}), "cn1"),
            "9223372036854775807");  // as tolong() has it
}

TEST(CefText, KnowsAddresses) {
  using encoders::is_ipv4;
  using encoders::is_ipv6;
  for (const char* yes : {"0.0.0.0", "255.255.255.255", "1.2.3.4"}) EXPECT_TRUE(is_ipv4(yes)) << yes;
  for (const char* no :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3", "1.2.3.", "a.b.c.d", "::1", "1.2.3.4 "})
    EXPECT_FALSE(is_ipv4(no)) << no;
  for (const char* yes : {"::", "::1", "2001:db8::1", "::ffff:1.2.3.4"}) EXPECT_TRUE(is_ipv6(yes)) << yes;
  for (const char* no : {"", "1.2.3.4", "2001:db8:::1", ":", "fe80::1%eth0", "12345::"})
    EXPECT_FALSE(is_ipv6(no)) << no;
  EXPECT_FALSE(is_ipv6(std::string_view("::\0%", 4)));
}

}  // namespace
}  // namespace capstan::cef
