// Our own cases: an expression or a query, and what comes out as JSON. The rules are those of docs/reference/kql.md.
#include <gtest/gtest.h>

#include <map>

#include "kql/program.h"

namespace capstan::kql {
namespace {

constexpr std::int64_t now = ticks_of_1970 + 1'700'000'000LL * ticks_per_second;

// The rows of a query over one record whose members are given as JSON texts.
std::string rows(std::string_view query, const Schema& schema = {},
                 const std::map<std::string, std::string>& record = {}) {
  const Compiled compiled = compile(query, schema);
  if (!compiled.program) return render(compiled.diagnostics.all().front(), "q", query);
  std::string out;
  Run run(compiled.program);
  run.set_now(now);
  run.apply(
      [&](std::size_t i) -> std::string_view {
        const auto found = record.find(compiled.program->inputs()[i].column);
        return found == record.end() || !compiled.program->inputs()[i].members.empty()
                   ? std::string_view{}
                   : std::string_view(found->second);
      },
      [&](std::span<const Datum> values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          out += i == 0 ? "" : ",";
          append_json(values[i], out);
        }
        out += ";";
      });
  return out;
}

std::string value(std::string_view expression) {
  std::string text = rows("print " + std::string(expression));
  if (text.ends_with(';')) text.pop_back();
  return text;
}

struct Case {
  std::string_view expression;
  std::string_view wanted;
};

class Expressions : public testing::TestWithParam<Case> {};
TEST_P(Expressions, HaveTheValue) {
  EXPECT_EQ(value(GetParam().expression), GetParam().wanted) << GetParam().expression;
}

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, Expressions,
    testing::Values(Case{"9/4", "2"}, Case{"-9/4", "-2"}, Case{"9.0/4", "2.25"}, Case{"5/0", "null"},
                    Case{"5.0/0", "\"Infinity\""}, Case{"-7 % 3", "2"}, Case{"7 % -3", "1"}, Case{"2 + 3 * 4", "14"},
                    Case{"(2 + 3) * 4", "20"}, Case{"20 - 5 - 3", "12"}, Case{"1h + 30m", "\"01:30:00\""},
                    Case{"3h / 1h", "3.0"}, Case{"2 * 1d", "\"2.00:00:00\""},
                    Case{"datetime(2024-03-01) - datetime(2024-02-28)", "\"2.00:00:00\""},
                    Case{"datetime(2024-12-31) + 1d", "\"2025-01-01T00:00:00.0000000Z\""}, Case{"bin(-13, 5)", "-15"},
                    Case{"bin(7.3, 0.5)", "7.0"}, Case{"round(2.345, 2)", "2.35"}, Case{"round(-2.5)", "-3.0"},
                    Case{"abs(-4)", "4"}, Case{"binary_shift_left(1, 4)", "16"}, Case{"max_of(3, 9, 4)", "9"},
                    Case{"min_of(int(null), 4)", "4"}, Case{"long(9223372036854775807) + 1", "-9223372036854775808"}));

INSTANTIATE_TEST_SUITE_P(Nulls, Expressions,
                         testing::Values(Case{"int(null) == 5", "false"}, Case{"int(null) != 5", "true"},
                                         Case{"int(null) == int(null)", "null"}, Case{"int(null) < 5", "null"},
                                         Case{"bool(null) and false", "false"}, Case{"bool(null) or true", "true"},
                                         Case{"not(bool(null))", "null"}, Case{"int(null) in (1, 2)", "false"},
                                         Case{"int(null) !in (1, 2)", "true"}, Case{"isnull('')", "false"},
                                         Case{"isempty('')", "true"}, Case{"isempty(int(null))", "true"},
                                         Case{"isnull(dynamic(null))", "true"}, Case{"iff(bool(null), 1, 2)", "2"},
                                         Case{"coalesce('', 'x')", "\"x\""},
                                         Case{"strcat('a', int(null), 'b')", "\"ab\""}));

INSTANTIATE_TEST_SUITE_P(
    Search, Expressions,
    testing::Values(Case{"'file_name.txt' has 'name'", "true"}, Case{"'filename.txt' has 'name'", "false"},
                    Case{"'log4j' has 'log'", "false"}, Case{"'Crème brûlée' has 'crème'", "true"},
                    Case{"'a-b' has '-'", "true"}, Case{"'ABC' contains 'bc'", "true"},
                    Case{"'ABC' contains_cs 'bc'", "false"}, Case{"'50% off' contains '%'", "true"},
                    Case{"'abc' startswith 'AB'", "true"}, Case{"'abc' !endswith_cs 'C'", "true"},
                    Case{"'Straße' =~ 'STRAßE'", "true"}, Case{"'x' in ('y', 'x')", "true"},
                    Case{"'X' in~ ('y', 'x')", "true"}, Case{"'two words' has_any ('none', 'words')", "true"},
                    Case{"'two words' has_all ('two', 'three')", "false"},
                    Case{"'an errorlog' hasprefix 'err'", "true"}, Case{"'id=42' matches regex @'id=\\d+$'", "true"},
                    Case{"dynamic('b') in ('a', 'b')", "true"}, Case{"dynamic(5) in ('5')", "false"},
                    Case{"dynamic(null) in ('')", "true"}, Case{"dynamic(null) in ('a')", "false"},
                    Case{"dynamic(null) !in ('a')", "true"}, Case{"'b' in (dynamic(['a', 'b']))", "true"},
                    Case{"'B' in~ (dynamic(['a', 'b']), 'c')", "true"}, Case{"'5' in (dynamic(['a', 5]))", "false"},
                    Case{"5 between (1 .. 5)", "true"}, Case{"5 !between (1 .. 5)", "false"}));

INSTANTIATE_TEST_SUITE_P(
    Text, Expressions,
    testing::Values(Case{"strlen('añb')", "3"}, Case{"substring('abcdef', -2)", "\"ef\""},
                    Case{"substring('abcdef', 1, 3)", "\"bcd\""}, Case{"substring('abc', 5)", "\"\""},
                    Case{"split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]"}, Case{"split('a,b', ',', 1)", "[\"b\"]"},
                    Case{"indexof('banana', 'na', 3)", "4"}, Case{"indexof('abc', 'z')", "-1"},
                    Case{"countof('aaaa', 'aa')", "3"}, Case{"countof('aaaa', 'aa', 'regex')", "2"},
                    Case{"extract('u=([a-z]+)', 1, 'u=ann;')", "\"ann\""},
                    Case{"extract('(\\\\d+)', 1, 'n 12', typeof(long))", "12"},
                    Case{"extract_all('(a)(b)', 'abab')", "[[\"a\",\"b\"],[\"a\",\"b\"]]"},
                    Case{"replace('[0-9]+', '#', 'a1b22')", "\"a#b#\""},
                    Case{"replace_string('a.b.c', '.', '-')", "\"a-b-c\""}, Case{"tolower('ÄBC')", "\"äbc\""},
                    Case{"toupper('äbc')", "\"ÄBC\""}, Case{"strcat_delim('-', 'a', 1, true)", "\"a-1-True\""},
                    Case{"base64_encodestring('Capstan')", "\"Q2Fwc3Rhbg==\""},
                    Case{"base64_decodestring('Q2Fwc3Rhbg==')", "\"Capstan\""},
                    Case{"base64_decodestring('%%%')", "\"\""}, Case{"hash_sha256('')", "\"\""},
                    Case{"'it''s'", "\"its\""}, Case{"@'a\\b'", "\"a\\\\b\""},
                    Case{"\"\\u00e9\\x41\\101\"", "\"éAA\""}));

INSTANTIATE_TEST_SUITE_P(
    Conversions, Expressions,
    testing::Values(Case{"tolong('0x1F')", "31"}, Case{"tolong(' 8 ')", "8"}, Case{"tolong('8.5')", "null"},
                    Case{"tolong(8.9)", "8"}, Case{"toint(4294967298)", "2"}, Case{"todouble('1e2')", "100.0"},
                    Case{"tobool('TRUE')", "true"}, Case{"tobool('2')", "true"}, Case{"tobool('yes')", "null"},
                    Case{"tostring(true)", "\"True\""}, Case{"tostring(dynamic(true))", "\"true\""},
                    Case{"tostring(1ms)", "\"00:00:00.0010000\""},
                    Case{"todatetime('03/04/2024')", "\"2024-03-04T00:00:00.0000000Z\""},
                    Case{"todatetime('2024-03-04T10:00:00+02:00')", "\"2024-03-04T08:00:00.0000000Z\""},
                    Case{"todatetime('31/12/2024')", "null"},
                    Case{"todatetime('Mon, 04 Mar 2024 10:00:00 GMT')", "\"2024-03-04T10:00:00.0000000Z\""},
                    Case{"totimespan('1.02:03:04.5')", "\"1.02:03:04.5000000\""},
                    Case{"toguid('0F8FAD5B-D9CB-469F-A165-70867728950E')", "\"0f8fad5b-d9cb-469f-a165-70867728950e\""},
                    Case{"gettype(1)", "\"long\""}, Case{"gettype(dynamic({}))", "\"dictionary\""}));

INSTANTIATE_TEST_SUITE_P(
    Dynamics, Expressions,
    testing::Values(Case{"dynamic({'a': [1, {'b': 'c'}]}).a[1].b", "\"c\""}, Case{"dynamic([1, 2, 3])[-1]", "3"},
                    Case{"dynamic([1])[4]", "null"}, Case{"dynamic({'A': 1}).a", "null"},
                    Case{"parse_json('{\"k\": 118.0}')", "{\"k\":118.0}"}, Case{"parse_json('[1,2')", "\"[1,2\""},
                    Case{"array_length(dynamic([]))", "0"},
                    Case{"array_concat(dynamic([1]), dynamic([2, 3]))", "[1,2,3]"},
                    Case{"pack('a', 1, 'b', datetime(2024-01-01))", "{\"a\":1,\"b\":\"2024-01-01T00:00:00.0000000Z\"}"},
                    Case{"pack_array(1, 'x', 1d)", "[1,\"x\",\"1.00:00:00\"]"},
                    Case{"zip(dynamic([1, 2]), dynamic(['a']))", "[[1,\"a\"],[2,null]]"},
                    Case{"bag_merge(dynamic({'a': 1}), dynamic({'a': 2, 'b': 3}))", "{\"a\":1,\"b\":3}"},
                    Case{"set_union(dynamic([1, 2]), dynamic([2, 3]))", "[1,2,3]"},
                    Case{"dynamic({'n': 5}).n > 4", "true"}, Case{"dynamic({'s': 'x'}).s == 'x'", "true"}));

INSTANTIATE_TEST_SUITE_P(
    Times, Expressions,
    testing::Values(Case{"now()", "\"2023-11-14T22:13:20.0000000Z\""},
                    Case{"ago(1h)", "\"2023-11-14T21:13:20.0000000Z\""},
                    Case{"startofweek(datetime(2024-03-06))", "\"2024-03-03T00:00:00.0000000Z\""},
                    Case{"endofmonth(datetime(2024-02-10))", "\"2024-02-29T23:59:59.9999999Z\""},
                    Case{"startofmonth(datetime(2024-02-10), -1)", "\"2024-01-01T00:00:00.0000000Z\""},
                    Case{"dayofweek(datetime(2024-03-04))", "\"1.00:00:00\""},
                    Case{"dayofyear(datetime(2024-12-31))", "366"},
                    Case{"datetime_part('microsecond', datetime(2024-01-01 00:00:00.7654321))", "765432"},
                    Case{"datetime_add('month', 1, datetime(2024-01-31))", "\"2024-02-29T00:00:00.0000000Z\""},
                    Case{"datetime_diff('year', datetime(2024-01-01), datetime(2000-12-31))", "24"},
                    Case{"make_datetime(2024, 2, 30)", "null"},
                    Case{"bin(datetime(2024-03-04 10:37), 15m)", "\"2024-03-04T10:30:00.0000000Z\""},
                    Case{"week_of_year(datetime(2021-01-01))", "53"}));

INSTANTIATE_TEST_SUITE_P(
    Xml, Expressions,
    testing::Values(Case{"parse_xml('<e/>')", "{\"e\":null}"}, Case{"parse_xml('<e>5</e>')", "{\"e\":\"5\"}"},
                    Case{"parse_xml('<?xml version=\"1.0\"?><!-- c --><a b=\"1\">t</a>')",
                         "{\"a\":{\"@b\":\"1\",\"#text\":\"t\"}}"},
                    Case{"parse_xml('<a><b>1</b><c/><b>2</b></a>')", "{\"a\":{\"b\":[\"1\",\"2\"],\"c\":null}}"},
                    Case{"parse_xml('<a>x &lt;&#65;&#x42;<![CDATA[<&>]]></a>')", "{\"a\":\"x <AB<&>\"}"},
                    Case{"parse_xml('<a>')", "null"}, Case{"parse_xml('<a></b>')", "null"},
                    Case{"parse_xml('<a b=1/>')", "null"}, Case{"parse_xml('<a b=\"1\" b=\"2\"/>')", "null"},
                    Case{"parse_xml('<a/><b/>')", "null"}, Case{"parse_xml('<a>&none;</a>')", "null"},
                    Case{"parse_xml('<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>')", "null"},
                    Case{"parse_xml('')", "null"}));

INSTANTIATE_TEST_SUITE_P(
    Cef, Expressions,
    testing::Values(Case{"parse_cef_dictionary(@'<134>Jul 1 h CEF:0|V\\|x|P|1|sig|a name|5|src=192.0.2.1 msg=one two "
                         "\\= three cs1=')",
                         "{\"Version\":\"0\",\"DeviceVendor\":\"V|x\",\"DeviceProduct\":\"P\",\"DeviceVersion\":\"1\","
                         "\"DeviceEventClassID\":\"sig\",\"Name\":\"a name\",\"Severity\":\"5\","
                         "\"Extension\":{\"src\":\"192.0.2.1\",\"msg\":\"one two = three\",\"cs1\":\"\"}}"},
                    Case{"parse_cef_dictionary('CEF:0|a|b|c|d|e|1|').Extension", "{}"},
                    Case{"parse_cef_dictionary('CEF:0|a|b|c')", "null"},
                    Case{"parse_cef_dictionary('nothing')", "null"}));

INSTANTIATE_TEST_SUITE_P(
    Digests, Expressions,
    testing::Values(Case{"hash_sha256('abc')", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
                    Case{"hash_md5('abc')", "\"900150983cd24fb0d6963f7d28e17f72\""},
                    Case{"hash_sha1('abc')", "\"a9993e364706816aba3e25717850c26c9cd0d89d\""},
                    Case{"hash_md5('')", "\"\""}, Case{"hash_md5(7)", "\"8f14e45fceea167a5a36dedd4bea2543\""},
                    Case{"hash_xxhash64('')", "-1205034819632174695"}, Case{"hash_xxhash64('abc', 10)", "9"},
                    Case{"hash_xxhash64('abc', 0)", "null"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, Expressions,
    testing::Values(Case{"parse_ipv4('192.0.2.7')", "3221225991"}, Case{"parse_ipv4('192.0.2.7/24')", "3221225984"},
                    Case{"parse_ipv4('192.0.02.7')", "null"}, Case{"parse_ipv4('192.0.2.256')", "null"},
                    Case{"parse_ipv4('192.0.2')", "null"}, Case{"parse_ipv4('192.0.2.7/33')", "null"},
                    Case{"parse_ipv4_mask('192.0.2.255', 25)", "3221226112"},
                    Case{"ipv4_is_in_range('192.0.2.7', '192.0.2.0/24')", "true"},
                    Case{"ipv4_is_in_range('192.0.3.7', '192.0.2.0/24')", "false"},
                    Case{"ipv4_is_in_range('192.0.0.0/16', '192.0.2.0/24')", "false"},
                    Case{"ipv4_is_in_range('x', '192.0.2.0/24')", "null"},
                    Case{"ipv4_is_in_any_range('10.1.1.1', '192.0.2.0/24', '10.0.0.0/8')", "true"},
                    Case{"ipv4_is_in_any_range('10.1.1.1', dynamic(['192.0.2.0/24', '10.0.0.0/8']))", "true"},
                    Case{"ipv4_is_in_any_range('10.1.1.1', 'nonsense')", "null"},
                    Case{"ipv4_compare('192.0.2.1', '192.0.2.9')", "-1"},
                    Case{"ipv4_compare('192.0.2.1/24', '192.0.2.9')", "0"},
                    Case{"ipv4_is_match('192.0.2.1', '192.0.2.9', 28)", "true"},
                    Case{"ipv4_is_private('172.16.4.4')", "true"}, Case{"ipv4_is_private('172.32.4.4')", "false"},
                    Case{"ipv6_compare('2001:db8::1', '2001:db8::2')", "-1"},
                    Case{"ipv6_compare('192.0.2.1', '::ffff:192.0.2.1')", "0"},
                    Case{"ipv6_is_in_range('2001:db8:0:1::5', '2001:db8::/48')", "true"},
                    Case{"ipv6_is_match('fe80::1%eth0', 'FE80::1')", "true"},
                    Case{"parse_ipv6('2001:db8::1:2')", "\"2001:0db8:0000:0000:0000:0000:0001:0002\""},
                    Case{"parse_ipv6('1::2::3')", "\"\""}, Case{"parse_ipv6(':1')", "\"\""},
                    Case{"parse_ipv6('1:2:3:4:5:6:7:')", "\"\""}));

INSTANTIATE_TEST_SUITE_P(Edges, Expressions,
                         testing::Values(Case{"-9223372036854775808", "-9223372036854775808"},
                                         Case{"1 + -9223372036854775808", "-9223372036854775807"},
                                         Case{"-9223372036854775808 / -1", "-9223372036854775808"},
                                         Case{"-9223372036854775808 % -1", "0"}, Case{"0xFFFFFFFFFFFFFFFF", "-1"}));

Schema typed() {
  return {{{"User", Type::string, false, {}},
           {"Count", Type::long_integer, false, {}},
           {"When", Type::datetime, true, {}},
           {"Raw", Type::dynamic, false, {}}},
          false};
}
const std::map<std::string, std::string> record{
    {"User", "\"ann@contoso.example\""}, {"Count", "7"}, {"When", "1700000000000"}, {"Raw", R"({"a":[1,2],"b":"x"})"}};

TEST(Operators, WhereKeepsOnlyTrue) {
  EXPECT_EQ(rows("source | where Count > 5 | project User", typed(), record), "\"ann@contoso.example\";");
  EXPECT_EQ(rows("source | where Count > 9", typed(), record), "");
  EXPECT_EQ(rows("source | where tolong('x') > 9", typed(), record), "") << "null is dropped";
}

TEST(Operators, MembersOfOtherTypesAreConverted) {
  EXPECT_EQ(rows("source | project Count", typed(), {{"Count", "\"12\""}}), "12;");
  EXPECT_EQ(rows("source | project User", typed(), {}), "\"\";") << "text is never null";
  EXPECT_EQ(rows("source | project When", typed(), record), "\"2023-11-14T22:13:20.0000000Z\";")
      << "milliseconds since 1970";
}

TEST(Operators, ExtendSeesWhatWasBefore) {
  EXPECT_EQ(rows("source | project Count | extend Count = Count + 1, Old = Count", typed(), record), "8,7;");
  EXPECT_TRUE(rows("source | extend a = 1, b = a", typed()).contains("there is no column \"a\""));
}

TEST(Operators, ProjectFamily) {
  EXPECT_EQ(rows("source | project a = Count, b = User | project b, a", typed(), record), "\"ann@contoso.example\",7;");
  EXPECT_EQ(rows("source | project-away Raw, W* | project-rename N = Count", typed(), record),
            "\"ann@contoso.example\",7;");
  EXPECT_EQ(rows("source | project-keep Count", typed(), record), "7;");
  EXPECT_EQ(rows("source | project User, Count | project-reorder Count", typed(), record),
            "7,\"ann@contoso.example\";");
}

TEST(Operators, ParseTakesTextApart) {
  EXPECT_EQ(rows("print s = 'user=ann port=443 end' | parse s with * 'user=' u ' port=' p:long ' ' * | project u, p"),
            "\"ann\",443;");
  EXPECT_EQ(rows("print s = 'user=ann port=x' | parse s with * 'user=' u ' port=' p:long | project u, p"), "\"\",null;")
      << "all or nothing";
  EXPECT_EQ(rows("print s = 'k=1,k=2,end' | parse kind=regex s with 'k=' v ',' | project v"), "\"1,k=2\";")
      << "greedy, as the engine is";
  EXPECT_EQ(rows("print s = 'a' | parse-where s with 'b' v | project v"), "");
}

TEST(Operators, MvExpandMakesRows) {
  EXPECT_EQ(rows("source | mv-expand x = Raw.a to typeof(long) | project x", typed(), record), "null;")
      << "the record of this test has no member paths";
  EXPECT_EQ(rows("print d = dynamic([1, 2, 3]) | mv-expand with_itemindex=i d limit 2 | project i, d"), "0,1;1,2;");
  EXPECT_EQ(rows("print d = dynamic({'a': 1, 'b': 2}) | mv-expand d"), "{\"a\":1};{\"b\":2};");
  EXPECT_EQ(rows("print d = dynamic([]) | mv-expand d"), "");
}

TEST(Operators, LetsAndFunctions) {
  EXPECT_EQ(rows("let limit = 5; let f = (x: long, y: long = 2) { let z = x * y; z + 1 }; print f(3), f(3, 4), limit"),
            "7,13,5;");
  EXPECT_EQ(rows("let t = source | where Count > 1; t | project Count", typed(), record), "7;");
  EXPECT_TRUE(rows("let f = (x: long) { f(x) }; print f(1)").contains("[E6002]") ||
              rows("let f = (x: long) { f(x) }; print f(1)").contains("calls itself"));
}

TEST(Blanks, OfWebPagesAreBlanks) {
  EXPECT_EQ(rows("\uFEFFprint\u00A01\u202F+\u20032"), "3;");
  EXPECT_TRUE(rows("print 1 \u2192 2").contains("has no meaning here"));
}

TEST(Names, AreThoseThatKustoGives) {
  const auto names = [](std::string_view query) {
    std::string all;
    const Compiled compiled = compile(query, typed());
    if (compiled.program)
      for (const Column& column : compiled.program->output()) all += column.name + " ";
    return all;
  };
  EXPECT_EQ(names("source | project tostring(Count), Raw.a.b, Raw['x'], Raw[0], strlen(User), Count + 1"),
            "Count Raw_a_b Raw_x Raw_0 strlen_User Column1 ");
  EXPECT_EQ(names("print 1, 'a'"), "print_0 print_1 ");
}

struct Refusal {
  std::string_view query;
  std::string_view said;
};
class Refusals : public testing::TestWithParam<Refusal> {};
TEST_P(Refusals, AreByNameAndPlace) {
  const std::string said = rows(GetParam().query, typed());
  EXPECT_TRUE(said.contains(GetParam().said)) << said;
}
INSTANTIATE_TEST_SUITE_P(
    All, Refusals,
    testing::Values(
        Refusal{"source | where Cuont > 5", "q:1:16: there is no column \"Cuont\"; did you mean \"Count\"? [E6002]"},
        Refusal{"source | summarize count()", "q:1:10: the operator \"summarize\" is not for single records [E6004]"},
        Refusal{"source | wher x", "did you mean \"where\"?"},
        Refusal{"source | where User", "expected a bool, got string"},
        Refusal{"source | where User > 'a'", "\">\" is not for string and string"},
        Refusal{"source | where When > '2024-01-01'", "write datetime(…)"},
        Refusal{"source | where Raw.a == Raw.b", "two dynamic values cannot be compared"},
        Refusal{"source | where Count == 1 == true", "cannot follow"},
        Refusal{"source | where not Count == 1", "write not(…)"},
        Refusal{"source | extend x = tolwer(User)", "did you mean \"tolower\"?"},
        Refusal{"source | extend x = extract('(', 1, User)", "the regular expression has a mistake"},
        Refusal{"source | where User matches regex '(?=a)'", "look-around"},
        Refusal{"source | extend x = 'a", "does not end on its line"},
        Refusal{"source | parse User with 'a' u * 'b'", "\"*\" cannot follow a text column"},
        Refusal{"source | project User, User", "stands twice"},
        Refusal{"source | extend x = 9223372036854775808", "larger than a long can be"},
        Refusal{"source | extend x = geo_location(User)",
                "the function \"geo_location\" is not supported: asks a database"},
        Refusal{"source | extend x = parse_csv(User)", "the function \"parse_csv\" is not supported: use split"},
        Refusal{"source | extend x = hash_xxhash64(Count)", "expected text or a datetime"},
        Refusal{"source | extend x = decimal(1)", "\"decimal\" is not supported"},
        Refusal{"source | where Count in ()", "expected an expression"}, Refusal{"source |", "expected an operator"},
        Refusal{"", "the query is empty"}, Refusal{"source | lookup T on User", "there is no table \"T\""}));

TEST(Diagnostics, AreSeveralAQueryWithACaretEach) {
  const std::string_view query = "source\n| where Cuont > 5\n| extend x = tolwer(User)";
  const Compiled compiled = compile(query, typed());
  ASSERT_EQ(compiled.diagnostics.size(), 2U);
  EXPECT_EQ(
      render(compiled.diagnostics.all()[0], "a.kql", query),
      "a.kql:2:9: there is no column \"Cuont\"; did you mean \"Count\"? [E6002]\n  | where Cuont > 5\n          ^~~~~");
}

TEST(Portability, NamesTheExtensions) {
  const Compiled compiled = compile("source | where Count between (1 .. 5) | mv-expand Raw", typed());
  ASSERT_TRUE(compiled.program);
  ASSERT_EQ(compiled.program->not_portable().size(), 2U);
  EXPECT_EQ(compiled.program->not_portable()[0].sentence, "\"between\" is not portable to a DCR");
  const auto notes = [](const std::string& query) {
    const Compiled other = compile(query, typed());
    return other.program->not_portable().empty() ? std::string{} : other.program->not_portable().front().sentence;
  };
  EXPECT_EQ(notes("source | where Count in (1, 2) and iff(Count > 1, true, false) | project-away Raw"), "");
  EXPECT_EQ(notes("source | extend x = dynamic([1])"), "\"dynamic(…)\" is not portable to a DCR");
  EXPECT_EQ(notes("source | parse User with a '1' b '1' c '1' d '1' e '1' f '1' g '1' h '1' i '1' j"), "");
  EXPECT_EQ(notes("source | parse User with a '1' b '1' c '1' d '1' e '1' f '1' g '1' h '1' i '1' j '1' k"),
            "\"parse with more than 10 columns\" is not portable to a DCR");
  EXPECT_EQ(notes("source //" + std::string(16'000, '-')),
            "a query of more than 15360 characters is not portable to a DCR");
}

TEST(Length, IsBounded) {
  std::string in_a_row = "print 1";
  for (int i = 0; i < 1'900; ++i) in_a_row += " + 1";
  EXPECT_EQ(rows(in_a_row), "1901;");
  for (int i = 0; i < 20'000; ++i) in_a_row += "+1";
  EXPECT_TRUE(rows(in_a_row).contains("more than 2000 operators")) << rows(in_a_row);
}

TEST(Depth, IsBounded) {
  const std::string deep = "print " + std::string(10'000, '(') + "1" + std::string(10'000, ')');
  EXPECT_TRUE(rows(deep).contains("nested deeper than"));
}

}  // namespace
}  // namespace capstan::kql
