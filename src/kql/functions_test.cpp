// The extension functions one by one: what they give, and what they refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "kql/program.h"

namespace capstan::kql {
namespace {

struct Case {
  std::string_view expression;
  std::string_view wanted;  // JSON, or a part of what is said (begins with "!")
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.expression; }

std::string value(std::string_view expression) {
  const std::string query = "print v = " + std::string(expression);
  const Compiled compiled = compile(query, {});
  if (!compiled.program) return compiled.diagnostics.all().front().sentence;
  std::string out;
  Run run(compiled.program);
  run.apply([](std::size_t) { return std::string_view{}; },
            [&](std::span<const Datum> values) { append_json(values[0], out); });
  return out;
}

class Functions : public testing::TestWithParam<Case> {};
TEST_P(Functions, Give) {
  const std::string got = value(GetParam().expression);
  if (GetParam().wanted.starts_with('!')) {
    EXPECT_TRUE(got.contains(GetParam().wanted.substr(1))) << got;
  } else {
    EXPECT_EQ(got, GetParam().wanted);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Arrays, Functions,
    testing::Values(
        Case{R"(strcat_array(dynamic([1, "a", null, true, 2.5, {"k": [1]}]), "->"))",
             R"("1->a->->true->2.5->{\"k\":[1]}")"},
        Case{R"(strcat_array(dynamic([]), ","))", R"("")"}, Case{R"(strcat_array(dynamic({"a": 1}), ","))", R"("")"},
        Case{"array_slice(dynamic([1,2,3,4,5]), 1, 2)", "[2,3]"},
        Case{"array_slice(dynamic([1,2,3,4,5]), 2, -1)", "[3,4,5]"},
        Case{"array_slice(dynamic([1,2,3,4,5]), -3, -2)", "[3,4]"},
        Case{"array_slice(dynamic([1,2,3]), -9, 9)", "[1,2,3]"}, Case{"array_slice(dynamic([1,2,3]), 2, 1)", "[]"},
        Case{"array_slice(dynamic([1,2,3]), 7, 9)", "[]"}, Case{"array_slice(dynamic(1), 0, 1)", "null"},
        Case{R"(array_sort_asc(dynamic([null,"b",3,"a",null,1.5])))", R"([1.5,3,"a","b",null,null])"},
        Case{R"(array_sort_asc(dynamic([null,"b","a",null]), false))", R"([null,null,"a","b"])"},
        Case{R"(array_sort_desc(dynamic([1,3,null,2,"a","c","b"])))", R"([3,2,1,"c","b","a",null])"},
        Case{"array_sort_asc(dynamic([9007199254740993,9007199254740992]))", "[9007199254740992,9007199254740993]"},
        Case{"array_sort_asc(dynamic([true,{},1]))", "[1,true,{}]"}, Case{"array_sort_asc(dynamic({}))", "null"},
        Case{"array_sort_asc(dynamic([1]), dynamic([2]))", "!expected bool"},
        Case{"array_sum(dynamic([1,2,3.5]))", "6.5"}, Case{"array_sum(dynamic([1,2]))", "3.0"},
        Case{"array_sum(dynamic([]))", "0.0"}, Case{R"(array_sum(dynamic([1,"2"])))", "null"},
        Case{"array_sum(dynamic(null))", "null"}, Case{R"(array_index_of(dynamic(["a","b","a"]), "a", 1))", "2"},
        Case{R"(array_index_of(dynamic(["a","b","a"]), "a", 1, 1))", "-1"},
        Case{R"(array_index_of(dynamic(["a","b","a"]), "a", 0, -1, 2))", "2"},
        Case{R"(array_index_of(dynamic(["a","b","a"]), "a", -2))", "2"},
        Case{R"(array_index_of(dynamic(["a","b","a"]), "a", -9, 9223372036854775807))", "0"},
        Case{R"(array_index_of(dynamic(["a","b","a"]), "a", 9))", "-1"},
        Case{R"(array_index_of(dynamic(["a"]), "a", 0, -2))", "null"}));

INSTANTIATE_TEST_SUITE_P(
    Text, Functions,
    testing::Values(Case{R"(trim("--", "--https://bing.com--"))", R"("https://bing.com")"},
                    Case{R"(trim("--", "---a---"))", R"("-a-")"}, Case{R"(trim("1", "11"))", R"("")"},
                    Case{R"(trim(@"[^\w]+", "-  Te st1// $"))", R"("Te st1")"},
                    Case{R"(trim("a|b", "abxab"))", R"("x")"}, Case{R"(trim(@"\s+", "no"))", R"("no")"},
                    Case{R"(trim_start(@"a+", "aaainnerbbba"))", R"("innerbbba")"},
                    Case{R"(trim_end(".com", "bing.com"))", R"("bing")"},
                    Case{R"(trim_end(@"\s+", "  x  "))", R"("  x")"}, Case{R"(trim_end("aa", "aaa"))", R"("a")"},
                    Case{R"(trim('(?i)A', "aXa"))", R"("X")"}, Case{R"(trim('(?=a)', "a"))", "!look-around"},
                    Case{R"(reverse("añb"))", R"("bña")"}, Case{"reverse(12345)", R"("54321")"},
                    Case{"reverse(3h)", R"("00:00:30")"}, Case{R"(translate("krasp", "otsku", "spark"))", R"("kusto")"},
                    Case{R"(translate("abc", "x", "abcd"))", R"("xxxd")"},
                    Case{R"(translate("abc", "xy", "cba"))", R"("yyx")"},
                    Case{R"(translate("abc", "", "abz"))", R"("z")"}, Case{R"(translate("", "x", "abz"))", R"("abz")"},
                    Case{R"(translate("é", "e", "café"))", R"("cafe")"}));

INSTANTIATE_TEST_SUITE_P(
    Times, Functions,
    testing::Values(
        Case{"format_datetime(datetime(2017-01-29 09:00:05), 'yy-MM-dd [HH:mm:ss]')", R"("17-01-29 [09:00:05]")"},
        Case{"format_datetime(datetime(2017-01-29 09:00:05), 'yyyy-M-dd [H:mm:ss]')", R"("2017-1-29 [9:00:05]")"},
        Case{"format_datetime(datetime(2017-01-29 09:00:05), 'yy-MM-dd [hh:mm:ss tt]')", R"("17-01-29 [09:00:05 AM]")"},
        Case{"format_datetime(datetime(2009-06-15 13:45:09.6175425), 'h:mm tt, d/M/y f ff.fffffff FF_F')",
             R"("1:45 PM, 15/6/9 6 61.6175425 61_6")"},
        Case{"format_datetime(datetime(2009-06-15 00:00:00.0001150), 'hh F FFF FFFFFFF')", R"("12   000115")"},
        Case{"format_datetime(datetime(null), 'yyyy')", R"("")"},
        Case{"format_datetime(now(), 'yyyy-MM-ddTHH:mm')", R"(!expected elements such as yyyy)"},
        Case{"format_datetime(now(), 'yyy')", R"(!got "yyy")"}, Case{"format_datetime(now(), 'ddd')", R"(!got "ddd")"},
        Case{"format_datetime(now(), 'ss.FFF')", R"(!"FFF" behind a point is not exact; use "fff")"},
        Case{"format_datetime(now(), strcat('y', tostring(now())))", "!has to be a constant"},
        Case{"format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss:FF')", R"("29.09:00:05:12")"},
        Case{"format_timespan(time(29.09:00:05.12345), 'ddd.h:mm:ss [fffffff]')", R"("029.9:00:05 [1234500]")"},
        Case{"format_timespan(13h, 'H hh d')", R"("13 13 0")"}, Case{"format_timespan(1h, 'yy')", R"(!got "yy")"},
        Case{"unixtime_seconds_todatetime(1546300800)", R"("2019-01-01T00:00:00.0000000Z")"},
        Case{"unixtime_seconds_todatetime(1546300800.5)", R"("2019-01-01T00:00:00.5000000Z")"},
        Case{"unixtime_milliseconds_todatetime(1546300800001)", R"("2019-01-01T00:00:00.0010000Z")"},
        Case{"unixtime_microseconds_todatetime(1546300800000001)", R"("2019-01-01T00:00:00.0000010Z")"},
        Case{"unixtime_nanoseconds_todatetime(1546300800000000199)", R"("2019-01-01T00:00:00.0000001Z")"},
        Case{"unixtime_nanoseconds_todatetime(-1)", R"("1969-12-31T23:59:59.9999999Z")"},
        Case{"unixtime_seconds_todatetime(-1)", R"("1969-12-31T23:59:59.0000000Z")"},
        Case{"unixtime_seconds_todatetime(253402300799)", R"("9999-12-31T23:59:59.0000000Z")"},
        Case{"unixtime_seconds_todatetime(253402300800)", "null"},
        Case{"unixtime_seconds_todatetime(9223372036854775807)", "null"},
        Case{"unixtime_seconds_todatetime(1e300)", "null"}, Case{"unixtime_seconds_todatetime(real(nan))", "null"},
        Case{"unixtime_seconds_todatetime('1')", "!expected a number"}));

constexpr std::string_view empty_url =
    R"({"Scheme":"","Host":"","Port":"","Path":"","Username":"","Password":"","Query Parameters":{},"Fragment":""})";

INSTANTIATE_TEST_SUITE_P(
    Urls, Functions,
    testing::Values(
        Case{R"(parse_url("scheme://username:password@host:1234/this/is/a/path?k1=v1&k2=v2#fragment"))",
             R"({"Scheme":"scheme","Host":"host","Port":"1234","Path":"/this/is/a/path","Username":"username",)"
             R"("Password":"password","Query Parameters":{"k1":"v1","k2":"v2"},"Fragment":"fragment"})"},
        Case{R"(parse_url("HTTPS://H.IO/P").Scheme)", R"("HTTPS")"},
        Case{R"(parse_url("https://user@h.io/p").Host)", R"("user@h.io")"},
        Case{R"(parse_url("https://h.io/").Path)", R"("")"}, Case{R"(parse_url("https://h.io/?x=1").Path)", R"("/")"},
        Case{R"(parse_url("https://h.io/#").Path)", R"("/")"},
        Case{R"(parse_url("https://h.io/a%20b").Path)", R"("/a%20b")"},
        Case{R"(parse_url("https://[::1]:80/p").Host)", R"("[::1]")"},
        Case{R"(parse_url("https://[::1]:80/p").Port)", R"("80")"},
        Case{R"(parse_url("https://h.io?y=2&x=1&x=3&k=&=v&flag")["Query Parameters"])", R"({"x":["1","3"],"y":"2"})"},
        Case{R"(parse_url("not a url"))", empty_url}, Case{R"(parse_url(""))", empty_url},
        Case{R"(parse_url("//h.io/p"))", empty_url}, Case{R"(parse_url("https:///p"))", empty_url},
        Case{R"(parse_urlquery("k1=v1&k2=v2"))", R"({"Query Parameters":{"k1":"v1","k2":"v2"}})"},
        Case{R"(url_decode("a%20b"))", "!\"url_decode\" is not supported"}));

INSTANTIATE_TEST_SUITE_P(
    AddressesInText, Functions,
    testing::Values(
        Case{"has_ipv4('05:04:54 127.0.0.1 GET /favicon.ico 404', '127.0.0.1')", "true"},
        Case{"has_ipv4('05:04:54 127.0.0.256 GET', '127.0.0.256')", "false"},
        Case{"has_ipv4('05:04:54127.0.0.1 GET', '127.0.0.1')", "false"},
        Case{"has_ipv4('x 127.0.0.11', '127.0.0.1')", "false"}, Case{"has_ipv4('(127.0.0.1)', '127.0.0.1')", "true"},
        Case{"has_ipv4('a 10.0.0.12, 10.0.0.1', '10.0.0.1')", "true"},
        Case{"has_ipv4('127.0.0.1x', '127.0.0.1')", "false"}, Case{"has_ipv4('127.0.0.0/8', '127.0.0.0/8')", "false"},
        Case{"has_ipv4_prefix('05:04:54 127.0.0.1 GET', '127.0.')", "true"},
        Case{"has_ipv4_prefix('05:04:54 127.0.0.1 GET', '127.0')", "false"},
        Case{"has_ipv4_prefix('05:04:54 127.0.0.256 GET', '127.0.')", "false"},
        Case{"has_ipv4_prefix('05:04:54127.0.0.1 GET', '127.0.')", "false"},
        Case{"has_ipv4_prefix('127.0.0.1', '127.0.0.1')", "true"},
        Case{"has_ipv4_prefix('127.0.0.1', '127.0.0.1.')", "false"}, Case{"has_ipv4_prefix('1.2.3', '1.2.')", "false"},
        Case{R"(has_any_ipv4('a 127.0.0.1', dynamic(["10.0.0.1", "127.0.0.1"])))", "true"},
        Case{"has_any_ipv4('a 127.0.0.1', '10.0.0.1', '127.0.0.1')", "true"},
        Case{R"(has_any_ipv4('a 127.0.0.1', dynamic([])))", "false"},
        Case{R"(has_any_ipv4_prefix('a 127.0.0.1 b', dynamic(["127.0.", "192.168."])))", "true"},
        Case{"has_any_ipv4_prefix('a 127.0.0.1 b', '127.0', '192.')", "false"}));

// The values of an expression over records that have their number as text.
std::vector<std::string> values(std::string_view query, int records) {
  const Compiled compiled = compile(query, {{{"id", Type::string, false, {}}}, false});
  std::vector<std::string> all;
  if (!compiled.program) return all;
  Run run(compiled.program);
  for (int i = 0; i < records; ++i) {
    const std::string id = "\"activity-" + std::to_string(i) + "\"";
    run.apply([&](std::size_t) { return std::string_view(id); },
              [&](std::span<const Datum> row) {
                std::string text;
                append_json(row[0], text);
                all.push_back(text);
              });
  }
  return all;
}

TEST(Sampling, RandIsUniformAndNewForEveryRecord) {
  constexpr int count = 10'000;
  double sum = 0;
  std::set<std::string> seen;
  for (const std::string& one : values("source | project v = rand()", count)) {
    const double value = std::stod(one);
    EXPECT_GE(value, 0);
    EXPECT_LT(value, 1);
    sum += value;
    seen.insert(one);
  }
  EXPECT_GT(seen.size(), 9'990U);
  EXPECT_NEAR(sum / count, 0.5, 0.02);
  const auto kept = values("source | where rand() < 0.1 | project id", count).size();
  EXPECT_NEAR(static_cast<double>(kept), 1'000, 150);
}

TEST(Sampling, RandOfANumberIsAWholeNumberBelowIt) {
  const auto drawn = values("source | project v = rand(3)", 1'000);
  EXPECT_EQ(std::set(drawn.begin(), drawn.end()), (std::set<std::string>{"0.0", "1.0", "2.0"}));
  EXPECT_EQ(value("rand(0)"), "null");
}

TEST(Sampling, ByHashKeepsTheSameRecordsEveryTime) {
  constexpr std::string_view query = "source | where hash_xxhash64(id, 100) < 10 | project id";
  const auto kept = values(query, 10'000);
  EXPECT_NEAR(static_cast<double>(kept.size()), 1'000, 150);
  EXPECT_EQ(kept, values(query, 10'000));
  // A larger share holds the smaller one.
  const auto more = values("source | where hash_xxhash64(id, 100) < 20 | project id", 10'000);
  EXPECT_TRUE(std::ranges::includes(std::set(more.begin(), more.end()), std::set(kept.begin(), kept.end())));
}

}  // namespace
}  // namespace capstan::kql
