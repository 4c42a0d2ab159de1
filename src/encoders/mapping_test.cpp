// Mappings: the built-in ones are right, a user's own say what they want and what is wrong with them.
#include "mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cef_encoder.h"
#include "config/document.h"
#include "encoders/mappings.h"
#include "leef_encoder.h"
#include "row_for_test.h"

namespace capstan::encoders {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
  std::vector<Mapping> mappings;
  std::vector<std::string> findings;
};

Read read(const std::string& yaml, const MappingForm& form) {
  config::Findings findings;
  const config::References none{.environment = [](const std::string&) { return std::nullopt; }, .files = nullptr};
  const config::Node node = config::parse(yaml, "my.yaml", none, findings);
  Read result;
  result.mappings.push_back(read_mapping(node, "my.yaml", form, findings));
  if (form.format == "cef")
    cef::check_mapping(result.mappings.front(), findings);
  else
    leef::check_mapping(result.mappings.front(), findings);
  for (const config::Finding& finding : findings.all()) result.findings.push_back(to_string(finding));
  return result;
}

std::string cef_line(const std::string& yaml, const TestRecord& record) {
  Read mapping = read(yaml, cef::mapping_form());
  EXPECT_THAT(mapping.findings, IsEmpty());
  const cef::CefEncoder encoder({}, std::move(mapping.mappings));
  const auto line = encoded(encoder, record);
  return line ? *line : line.error().text();
}

TEST(Mappings, TheBuiltInOnesAreRightAndAllAreTried) {
  const std::vector<std::string_view> names = mapping_names();
  EXPECT_GE(names.size(), 11U);
  for (const std::string_view name : names) {
    const MappingForm& form = name.starts_with("leef") ? leef::mapping_form() : cef::mapping_form();
    const Read mapping = read(std::string(mapping_text(name)), form);
    EXPECT_THAT(mapping.findings, IsEmpty()) << name;
    for (const std::string& feed : mapping.mappings.front().feeds) {
      const auto line = form.format == "cef" ? encoded(cef::CefEncoder({}, mapping.mappings), {.feed = feed})
                                             : encoded(leef::LeefEncoder({}, mapping.mappings), {.feed = feed});
      EXPECT_TRUE(line) << name;
    }
  }
  EXPECT_EQ(mapping_text("nothing"), "");
}

constexpr const char* two_kinds = R"(
format: cef
feeds: [activities]
let: let limit = 5;
records:
  - when: appId > limit
    header: {signature: '"BIG"', name: appName, severity: 11, product: '"Own|Product"'}
    extension:
      externalId: _Id
      src: device.clientIP
      spt: device.port
      cs1: {label: the=app, value: appName}
      cn1: {label: number, value: appName}
      flexDate1: {label: seen, value: seen}
      msg: device
  - when: appId == 1
    header: {signature: '""', name: '""', severity: '"High"'}
    extension: {externalId: _Id}
)";

TEST(Mappings, EachKeyTakesWhatItsTypeAllows) {
  EXPECT_EQ(cef_line(two_kinds, {.json = R"({"appId":6,"appName":"A|b","seen":"2026-11-24T00:00:00Z",)"
                                         R"("device":{"clientIP":"[2001:db8::1]:5","port":"443"}})"}),
            "CEF:0|MCAS|Own\\|Product|0.1.0|BIG|A\\|b|Unknown|externalId=id-1 spt=443 cs1Label=the\\=app cs1=A|b "
            "flexDate1Label=seen flexDate1=1795478400000 msg={\"clientIP\":\"[2001:db8::1]:5\",\"port\":\"443\"}");
  EXPECT_THAT(cef_line(two_kinds, {.json = R"({"appId":6,"device":{"clientIP":"192.0.2.1:80"}})"}),
              HasSubstr(" src=192.0.2.1 msg="));
}

TEST(Mappings, NoFieldOfTheHeaderIsEmptyAndWhatFitsNowhereIsARecord) {
  EXPECT_EQ(cef_line(two_kinds, {.json = R"({"appId":1})"}),
            "CEF:0|MCAS|SIEM_Agent|0.1.0|UNSPECIFIED|Record|High|externalId=id-1");
  EXPECT_EQ(cef_line(two_kinds, {.json = R"({"appId":2})"}),
            "CEF:0|MCAS|SIEM_Agent|0.1.0|activities|activities|0|externalId=id-1 rt=1595096313045 msg={\"appId\":2}");
  // A feed that it is not for has its built-in mapping.
  EXPECT_THAT(cef_line(two_kinds, {.feed = "alerts", .json = "{}"}), HasSubstr("|ALERT_UNSPECIFIED|Alert|3|"));
}

TEST(Mappings, SayWhatIsWrongWithThem) {
  const auto cef = [](const std::string& yaml) { return read(yaml, cef::mapping_form()).findings; };
  EXPECT_THAT(cef("format: leef\nrecords: [{header: {signature: a, name: a, severity: 0}, extension: {}}]\n"),
              ElementsAre(HasSubstr("my.yaml:1:9: format: expected cef, got \"leef\"")));
  EXPECT_THAT(cef("format: cef\n"), ElementsAre(HasSubstr("records: expected a list of at least one record")));
  EXPECT_THAT(
      cef("format: cef\nrecord: []\n"),
      ElementsAre(HasSubstr("there is no \"record\" in a mapping; did you mean \"records\"?"), HasSubstr("records:")));
  EXPECT_THAT(cef("format: cef\nrecords:\n  - header: {signature: a, nam: a, severity: 0}\n    extension: {}\n"),
              ElementsAre(HasSubstr("did you mean \"name\"?"), HasSubstr("my.yaml:3:13: header: \"name\" is missing")));
  const auto key = [&](const std::string& fields) {
    return cef("format: cef\nrecords:\n  - header: {signature: a, name: a, severity: 0}\n    extension: {" + fields +
               "}\n");
  };
  EXPECT_THAT(key("cs1: a"),
              ElementsAre(HasSubstr("my.yaml:4:22: extension: \"cs1\" is a custom field and needs a label")));
  EXPECT_THAT(key("cs1Label: a"), ElementsAre(HasSubstr("write the label with its field: cs1:")));
  EXPECT_THAT(key("msg: {label: x, value: a}"), ElementsAre(HasSubstr("\"msg\" takes no label")));
  EXPECT_THAT(key("rawEvent: a"), ElementsAre(HasSubstr("is set by who receives the event")));
  EXPECT_THAT(key("two words: a"), ElementsAre(HasSubstr("expected a key of letters and digits, got \"two words\"")));
  EXPECT_THAT(key("msg: [a]"), ElementsAre(HasSubstr("msg: expected a KQL expression")));
  EXPECT_THAT(key("msg: {label: a}"), testing::Contains(HasSubstr("msg: \"value\" is missing")));
  EXPECT_THAT(read("format: leef\nkeep_empty: true\nrecords: [{header: {event_id: a}, attributes: {a: b}}]\n",
                   leef::mapping_form())
                  .findings,
              ElementsAre(HasSubstr("keep_empty: leef has no keys without a value")));
}

TEST(Mappings, KnowWhereTheirExpressionsStand) {
  Read mapping = read(
      "format: cef\nfeeds: [activities]\nrecords:\n  - header: {signature: a, name: b, severity: 0}\n"
      "    extension:\n      msg: tolong(\n",
      cef::mapping_form());
  const cef::CefEncoder encoder({}, std::move(mapping.mappings));
  const std::vector<std::string> feeds{"activities"};
  const auto compiled = kql::compile("", kql::schema_of_feeds(feeds), *encoder.wanted("activities"));
  ASSERT_EQ(compiled.problems.size(), 1U);
  const WantedOrigin origin = encoder.origin("activities", compiled.problems[0].place);
  EXPECT_EQ(origin.what, "msg");
  EXPECT_EQ(config::to_string(origin.place), "my.yaml:6:12");
}

}  // namespace
}  // namespace capstan::encoders
