// `capstan test-rules` as a person types it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "json_difference.h"
#include "rule_test_report.h"
#include "said_for_test.h"

namespace capstan::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class TestRules : public testing::Test {
protected:
  SaidForTest test(const std::string& text, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"test-rules", directory_.write("a.test.yaml", text)};
    words.insert(words.end(), more.begin(), more.end());
    return say_for_test(words);
  }
  // One case of a rule that keeps n > 1 and makes two columns.
  SaidForTest one(const std::string& lines) const {
    return test("query: source | where n > 1 | project n, m = n + 1\nschema: 'n:long'\ncases:\n- name: it\n" + lines);
  }
  DirectoryForTest directory_;
};

TEST_F(TestRules, PassWhereWhatComesOutIsWhatWasExpected) {
  for (const std::string lines :
       {"  input: {n: 2}\n  expect: {m: 3, n: 2.0}\n", "  input: [{n: 2}, {n: 1}]\n  expect: [{n: 2, m: 3}]\n",
        "  input: '{\"n\":2}'\n  expect: [{n: 2, m: 3}]\n",
        "  input: |\n    {\"n\":2}\n    {\"n\":3}\n  contains: [{n: 2}, {m: 4}]\n",
        "  input: {n: 1}\n  expect_dropped: true\n", "  input: {n: 1}\n  expect: []\n",
        "  input: {n: 2}\n  expect_kept: true\n", "  input: '{broken'\n  expect_error: reading a record\n"}) {
    const SaidForTest said = one(lines);
    EXPECT_EQ(said.out, "1 case: 1 passed, 0 failed\n") << lines << said.err;
    EXPECT_EQ(said.exit, exit_done) << lines;
  }
}

TEST_F(TestRules, FailWhereItIsNotAndSayWhatDiffers) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"  input: {n: 2}\n  expect: {n: 2, m: 4, o: 1}\n", "  m: expected 4, got 3\n  o: expected 1, got nothing\n"},
      {"  input: {n: 2}\n  expect: {n: 2}\n", "  m: expected nothing, got 3\n"},
      {"  input: {n: 2}\n  expect: {n: '2', m: 3}\n", "  n: expected \"2\", got 2\n"},
      {"  input: {n: 2}\n  expect_dropped: true\n",
       "  expected 0 records, got 1\n  expected nothing, got {\"n\":2,\"m\":3}\n"},
      {"  input: {n: 1}\n  expect_kept: true\n", "  expected something to be kept, got nothing\n"},
      {"  input: [{n: 2}, {n: 3}]\n  contains: [{n: 3}, {n: 2}]\n",
       "  record 1: n: expected 3, got 2\n  record 2: n: expected 2, got 3\n"},
      {"  input: [{n: 2}]\n  contains: [{n: 2}, {n: 3}]\n",
       "  expected 2 records, got 1\n  record 2: expected {\"n\":3}, got nothing\n"},
      {"  input: {n: 2}\n  expect_error: broken\n", "  expected an error with \"broken\", got none\n"},
      {"  input: '{broken'\n  expect_dropped: true\n", "  input, record 1: reading a record"}};
  for (const auto& [lines, complaint] : all) {
    const SaidForTest said = one(lines);
    EXPECT_THAT(said.out, HasSubstr("/a.test.yaml:4:3: failed: it\n" + complaint)) << lines;
    EXPECT_THAT(said.out, HasSubstr("1 case: 0 passed, 1 failed\n"));
    EXPECT_EQ(said.exit, exit_not_done) << lines;
  }
}

TEST_F(TestRules, ReadAllOfAnInputOrFail) {
  for (const std::string lines : {"  input: '{\"n\":2}{\"n\":3}'\n  contains: [{n: 2}, {n: 3}]\n",
                                  "  input: ['[{\"n\":2}] {\"n\":3}', {n: 4}]\n  contains: [{n: 2}, {n: 3}, {n: 4}]\n",
                                  "  input: |\n    {\n      \"n\": 2\n    }\n  contains: [{n: 2}]\n"}) {
    const SaidForTest said = one(lines);
    EXPECT_EQ(said.out, "1 case: 1 passed, 0 failed\n") << lines << said.err;
  }
  // The rule never looks where the record is broken.
  for (const std::string input :
       {"{\"n\":2,\"x\":NaN}", "{\"n\":2} garbage", "[{\"n\":2}", "{\"n\":2}\n3", "{\"n\":2,}"}) {
    const SaidForTest said = one("  input: '" + input + "'\n  contains: [{n: 2}]\n");
    EXPECT_THAT(said.out, HasSubstr("reading a record: at line 1, column ")) << input;
    EXPECT_EQ(said.exit, exit_not_done) << input;
  }
}

TEST_F(TestRules, SetTheTimeAndWhatStandsAroundARecord) {
  EXPECT_EQ(test("query: source | project now(), _Feed, _Id, _Source, _Tenant, _Time, _IngestTime\n"
                 "now: 2026-11-24T16:00:00Z\nfeed: alerts\n"
                 "cases:\n- name: it\n  input: {}\n  id: a1\n  source: s\n  tenant: t\n  time: 2026-11-24T15:00:00Z\n"
                 "  expect: {Column1: 2026-11-24T16:00:00.0000000Z, _Feed: alerts, _Id: a1, _Source: s, _Tenant: t, "
                 "_Time: 2026-11-24T15:00:00.0000000Z, _IngestTime: 2026-11-24T16:00:00.0000000Z}\n")
                .out,
            "1 case: 1 passed, 0 failed\n");
}

TEST_F(TestRules, ReadFilesThatStandBesideTheTest) {
  directory_.write("rule.kql", "source\n| where SyslogMessage has 'denied'\n| project HostName");
  directory_.write("in.log", "<13>Nov 24 10:00:00 gw denied\n\n<13>Nov 24 10:00:00 gx passed\n");
  const std::string text =
      "query_file: rule.kql\nfrom: syslog\ncases:\n- name: it\n  input_file: in.log\n  expect: {HostName: gw}\n";
  EXPECT_EQ(test(text).out, "1 case: 1 passed, 0 failed\n");
  directory_.write("in.log", "<13>Nov 24 10:00:00 gw denied\n\nbad\n");
  EXPECT_THAT(test(text).out, HasSubstr("in.log, line 3: reading a syslog line"));
  directory_.write("rule.kql", "source\n| wher x");
  const SaidForTest wrong = test(text);
  EXPECT_THAT(wrong.err, HasSubstr("/rule.kql:2:3: there is no operator \"wher\""));
  EXPECT_THAT(wrong.err, HasSubstr("a.test.yaml: its rule is wrong"));
  EXPECT_EQ(wrong.exit, exit_configuration);
}

TEST_F(TestRules, ARuleThatHasToBeRefusedIsACaseToo) {
  const std::string text = "query: source | summarize count()\ncases:\n- name: it\n  expect_error: ";
  EXPECT_EQ(test(text + "summarize\n").exit, exit_done);
  const SaidForTest other = test(text + "something else\n- name: more\n  input: {}\n  expect: {}\n");
  EXPECT_THAT(other.out, HasSubstr("expected an error with \"something else\", got "));
  EXPECT_THAT(other.out, HasSubstr("2 cases: 0 passed, 2 failed"));
}

TEST_F(TestRules, TestARouteAsItIsConfiguredWithoutItsSecrets) {
  const std::string configuration =
      "data_dir: /nowhere\n"
      "tenants:\n  contoso: {api_url: '${env:CAPSTAN_TEST_NOT_SET}', auth: {method: oauth2, tenant_id: t, client_id: "
      "c, "
      "client_secret: '${file:/nowhere/secret}'}}\n"
      "sources:\n  mdca: {type: mdca, tenant: contoso, feeds: [alerts]}\n"
      "sinks:\n  siem: {type: syslog, address: 'siem.example:514', transport: tcp}\n"
      "routes:\n"
      "  high: {from: mdca, feeds: [alerts], query: 'source | where severityValue == 2 | project title, _Feed', "
      "encode: "
      "{format: json}, to: siem}\n"
      "  all: {from: mdca, encode: {format: json}, to: siem}\n";
  directory_.write("capstan.yaml", configuration);
  const auto of_route = [](const std::string& name) {
    return "route: " + name + "\nconfig: capstan.yaml\ncases:\n- name: it\n  input: {severityValue: 2, title: x}\n";
  };
  const SaidForTest said = test(of_route("high") + "  expect: {title: x, _Feed: alerts}\n");
  EXPECT_EQ(said.out, "1 case: 1 passed, 0 failed\n") << said.err;
  EXPECT_EQ(test(of_route("all") + "  expect: {title: x, severityValue: 2}\n").exit, exit_done)
      << "no rule drops nothing";
  EXPECT_EQ(test(of_route("high") + "  expect_dropped: true\n").exit, exit_not_done);
  const SaidForTest unknown = test(of_route("hihg") + "  expect_dropped: true\n");
  EXPECT_EQ(unknown.exit, exit_configuration);
  EXPECT_THAT(unknown.err, HasSubstr("a.test.yaml:1:8: route: there is no route \"hihg\""));
  const std::string message = "  expect_message: '{\"title\":\"x\",\"_Feed\":\"alerts\"}'\n";
  EXPECT_EQ(test(of_route("high") + message).out, "1 case: 1 passed, 0 failed\n");
  const SaidForTest other = test(of_route("all") + message);
  EXPECT_THAT(
      other.out,
      HasSubstr(
          "  from byte 3 on:\n  expected {\"title\":\"x\",\"_Feed\":\"alerts\"}\n       got {\"severityValue\":2"));
  EXPECT_THAT(test(of_route("high") + "  expect_message: []\n").out, HasSubstr("expected 0 messages, got 1"));
  EXPECT_THAT(test("query: source\ncases:\n- name: it\n  input: {}\n  expect_message: x\n").err,
              HasSubstr(":5:19: expect_message: expected the option \"route\""));
  directory_.write("capstan.yaml", configuration + "colour: red\n");
  EXPECT_THAT(test(of_route("high") + "  expect_dropped: true\n").err, HasSubstr("there is no option \"colour\""));
}

TEST_F(TestRules, AFileWithMistakesIsNotRun) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"query: source\ncases:\n- name: x\n  input: {}\n  expect_drop: true\n",
       ":5:3: there is no option \"expect_drop\""},
      {"query: source\ncases:\n- name: x\n  input: {}\n", ":3:3: expected one of \"expect\", \"contains\""},
      {"query: source\ncases:\n- name: x\n  expect: {}\n", ":3:3: expected one of \"input\" and \"input_file\""},
      {"query: source\ncases:\n- name: x\n  input: {}\n  expect: {}\n  expect_dropped: true\n",
       ":3:3: expected one of"},
      {"query: source\ncases:\n- name: x\n  input: {}\n  expect: text\n",
       ":5:11: expected a record or a list of records"},
      {"query: source\nroute: r\ncases:\n- name: x\n  input: {}\n  expect: {}\n",
       "expected one of \"query\", \"query_file\" and \"route\""},
      {"query: source\nnow: today\ncases:\n- {name: x, input: {}, expect: {}}\n", ":2:6: now: expected a time"},
      {"query: source\nfrom: csv\ncases:\n- {name: x, input: {}, expect: {}}\n", ":2:7: from: expected one of ndjson"},
      {"query: source\nschema: nothing\ncases:\n- {name: x, input: {}, expect: {}}\n", ":2:9: reading the schema"},
      {"query: source\ncases: []\n", ":2:8: cases: expected a list of at least one case"},
      {"query: source\n", "needs the option \"cases\""},
      {"query: [source\n", "E1003"}};
  for (const auto& [text, finding] : all) {
    const SaidForTest said = test(text);
    EXPECT_EQ(said.exit, exit_configuration) << text;
    EXPECT_THAT(said.err, HasSubstr(finding)) << text;
    EXPECT_THAT(said.out, HasSubstr("0 cases")) << text;
  }
  EXPECT_EQ(say_for_test({"test-rules", directory_.path() + "/none.test.yaml"}).exit, exit_configuration);
  EXPECT_EQ(say_for_test({"test-rules"}).exit, exit_wrong_usage);
}

TEST_F(TestRules, FindFilesAtAnyDepthAndGoOnBehindABrokenOne) {
  directory_.write("rules/b.test.yaml", "query: source\ncases:\n- {name: b, input: {}, expect: {}}\n");
  directory_.write("rules/deep/er/c.test.yaml", "query: source\ncases:\n- {name: c, input: {}, expect: {x: 1}}\n");
  directory_.write("rules/a.test.yaml", "query: source\n");
  directory_.write("rules/other.yaml", "not: a test\n");
  directory_.write("rules/.git/d.test.yaml", "query: source\n");
  const SaidForTest said = say_for_test({"test-rules", directory_.path() + "/rules/"});
  EXPECT_THAT(said.out, HasSubstr("rules/deep/er/c.test.yaml:3:3: failed: c\n"));
  EXPECT_THAT(said.out, HasSubstr("2 cases: 1 passed, 1 failed\n"));
  EXPECT_THAT(said.err, HasSubstr("rules/a.test.yaml"));
  EXPECT_THAT(said.err, Not(HasSubstr(".git")));
  EXPECT_EQ(said.exit, exit_configuration) << "what could not be read weighs more than what failed";
  const std::string empty = directory_.write("empty/x", "");
  EXPECT_THAT(say_for_test({"test-rules", directory_.path() + "/empty"}).err, HasSubstr("*.test.yaml, got none"));
}

TEST_F(TestRules, ReportToScriptsAndBuildServers) {
  const std::string xml = directory_.path() + "/out.xml";
  const SaidForTest said = test(
      "query: source\ncases:\n- {name: 'a \"<b>\"', input: {n: 1}, expect: {n: 2}}\n- {name: c, input: {}, expect: "
      "{}}\n",
      {"--output", "json", "--junit", xml});
  const std::string file = directory_.path() + "/a.test.yaml";
  EXPECT_EQ(said.out, "{\"passed\":1,\"failed\":1,\"cases\":[{\"file\":\"" + file +
                          "\",\"line\":3,\"name\":\"a \\\"<b>\\\"\",\"is_passed\":false,\"complaints\":[\"n: expected "
                          "2, got 1\"]},{\"file\":\"" +
                          file + "\",\"line\":4,\"name\":\"c\",\"is_passed\":true,\"complaints\":[]}]}\n");
  EXPECT_EQ(directory_.read("out.xml"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites tests=\"2\" failures=\"1\">\n"
            "  <testsuite name=\"" +
                file +
                "\" tests=\"2\" failures=\"1\">\n"
                "    <testcase classname=\"" +
                file + "\" name=\"a &quot;&lt;b&gt;&quot;\" file=\"" + file +
                "\" line=\"3\">\n"
                "      <failure message=\"n: expected 2, got 1\">n: expected 2, got 1</failure>\n"
                "    </testcase>\n"
                "    <testcase classname=\"" +
                file + "\" name=\"c\" file=\"" + file +
                "\" line=\"4\"/>\n"
                "  </testsuite>\n"
                "</testsuites>\n");
}

TEST(RuleTestReport, KeepsControlCharactersOutOfXml) {
  const std::vector<RuleTestOutcome> outcomes{{"f", {"f", 1, 1}, "n\x01", {"a\nb & c"}}};
  EXPECT_THAT(rule_tests_junit(outcomes), HasSubstr("name=\"n?\""));
  EXPECT_THAT(rule_tests_junit(outcomes), HasSubstr("a&#10;b &amp; c"));
}

TEST(JsonDifference, FollowsMembersAndItems) {
  const auto found = differences(R"({"a":{"b":[1,{"c":2}]},"n":9007199254740993})",
                                 R"({"n":9007199254740992,"a":{"b":[1,{"c":3},4]}})", Comparing::exactly);
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 3);
  EXPECT_EQ((*found)[0].path, "a.b[1].c");
  EXPECT_EQ((*found)[1].path, "a.b[2]");
  EXPECT_EQ((*found)[1].expected, "");
  EXPECT_EQ((*found)[2].path, "n") << "beyond what a double tells apart";
  EXPECT_TRUE(differences("{\"a\":{\"b\":1}}", "{\"x\":0,\"a\":{\"c\":2,\"b\":1.0}}", Comparing::contains)->empty());
  EXPECT_FALSE(differences("null", "{}", Comparing::contains)->empty());
  EXPECT_FALSE(differences("{", "{}", Comparing::contains).has_value());
}

}  // namespace
}  // namespace capstan::app
