// lookup and ipv4_lookup: which rows come out, how columns are called, and that a table may change under a rule.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

#include "kql/program.h"
#include "kql/record_run.h"
#include "kql/table.h"

namespace capstan::kql {
namespace {

const std::vector<Column> office_columns{
    {"city", Type::string, false, {}}, {"office", Type::string, false, {}}, {"floor", Type::long_integer, false, {}}};

Datum text(std::string_view value) { return Datum::of(value); }

TablePtr offices(std::initializer_list<std::array<Datum, 3>> rows) {
  TableBuilder builder(office_columns);
  for (const auto& row : rows) EXPECT_TRUE(builder.add(row).has_value());
  return builder.finish();
}

std::shared_ptr<LiveTable> live_offices() {
  return std::make_shared<LiveTable>("offices", offices({{text("Bern"), text("B1"), Datum::of_long(3)},
                                                         {text("Oslo"), text("O1"), Datum::of_long(1)},
                                                         {text("Bern"), text("B2"), Datum::null(Type::long_integer)}}));
}

Schema schema() {
  return {{{"city", Type::string, false, {}},
           {"ip", Type::string, false, {}},
           {"n", Type::integer, false, {}},
           {"floor", Type::long_integer, false, {}}},
          false};
}

Environment with(const Tables& tables) { return {.secrets = {}, .places = {}, .tables = tables}; }

// The rows that come out of one record, a line each; or what is wrong with the query.
std::string rows(std::string_view query, const std::string& record, const Tables& tables = {},
                 const Schema& of = schema()) {
  const Compiled compiled = compile(query, of, with(tables));
  if (!compiled.program) return compiled.diagnostics.all().front().sentence;
  RecordRun run(compiled.program);
  std::string raw = record;
  raw.reserve(raw.size() + raw_padding);
  RecordView view;
  view.raw = raw;
  const auto out = run.rows(view, Envelope{});
  std::string all;
  for (const std::string_view row : out.value()) all += std::string(row) + "\n";
  return all;
}

Tables with_offices() {
  Tables tables;
  tables.add(live_offices());
  return tables;
}

constexpr std::string_view bern = R"({"city":"Bern","ip":"10.1.2.3","n":7,"floor":9})";

TEST(Lookup, AddsTheColumnsOfEveryMatchingRow) {
  EXPECT_EQ(
      rows("source | lookup kind=leftouter offices on city | project city, office, floor1", std::string(bern),
           with_offices()),
      "{\"city\":\"Bern\",\"office\":\"B1\",\"floor1\":3}\n{\"city\":\"Bern\",\"office\":\"B2\",\"floor1\":null}\n");
}

TEST(Lookup, GivesNullsByTypeWhereNothingMatches) {
  const std::string rome = R"({"city":"Rome","floor":2})";
  EXPECT_EQ(rows("source | lookup offices on city | project office, floor, floor1", rome, with_offices()),
            "{\"office\":\"\",\"floor\":2,\"floor1\":null}\n");
  EXPECT_EQ(rows("source | lookup kind=inner offices on city", rome, with_offices()), "");
}

TEST(Lookup, NumbersANameThatIsTakenUntilItIsFree) {
  EXPECT_EQ(rows("source | extend floor1 = 'x' | lookup kind=inner (offices) on $left.city == $right.city | "
                 "project floor, floor1, floor2 | where floor2 == 3",
                 std::string(bern), with_offices()),
            "{\"floor\":9,\"floor1\":\"x\",\"floor2\":3}\n");
}

TEST(Lookup, TakesSeveralKeysAndColumnsOfOtherNames) {
  EXPECT_EQ(rows("source | extend storey = 3 | lookup kind=inner offices on city, $left.storey == $right.floor | "
                 "project office",
                 std::string(bern), with_offices()),
            "{\"office\":\"B1\"}\n");
  EXPECT_EQ(rows("let T = datatable(a: long, b: string)[7, 'seven']; source | lookup T on $left.n == $right.a | "
                 "project b",
                 std::string(bern)),
            "{\"b\":\"seven\"}\n")
      << "an int and a long are one key";
}

TEST(Lookup, TakesATableThatTheRuleWrites) {
  const std::string_view wanted = "{\"v\":1.5}\n";
  EXPECT_EQ(
      rows("source | lookup (datatable(city: string, v: real)['Bern', 1.5]) on city | project v", std::string(bern)),
      wanted);
  EXPECT_EQ(rows("let T = datatable(city: string, v: real)['Oslo', -2, 'Bern', 1.5]; let U = T; "
                 "source | lookup U on city | project v",
                 std::string(bern)),
            wanted);
  EXPECT_EQ(rows("let places = offices; source | lookup kind=inner places on city | project office | take_no",
                 std::string(bern), with_offices()),
            "there is no operator \"take_no\"");
  EXPECT_EQ(rows("let places = offices; source | lookup kind=inner places on city | where office == 'B2' | "
                 "project office",
                 std::string(bern), with_offices()),
            "{\"office\":\"B2\"}\n");
}

TEST(Lookup, ANullEqualsNothingAndEmptyTextEqualsEmptyText) {
  EXPECT_EQ(rows("let T = datatable(n: int, v: string)[int(null), 'x']; source | lookup T on n | project v",
                 R"({"city":"Bern"})"),
            "{\"v\":\"\"}\n");
  EXPECT_EQ(
      rows("let T = datatable(city: string, v: string)['', 'x']; source | lookup T on city | project v", R"({"n":1})"),
      "{\"v\":\"x\"}\n");
}

TEST(Lookup, AnUndeclaredMemberIsReadInTheTablesType) {
  const Schema open{{}, true};
  const std::string record = R"({"town":"Bern","floor":3,"office":"old","x":1})";
  EXPECT_EQ(
      rows("source | lookup kind=inner offices on $left.town == $right.city, floor", record, with_offices(), open),
      "{\"town\":\"Bern\",\"floor\":3,\"office\":\"B1\",\"x\":1}\n");
}

constexpr std::string_view networks =
    "let N = datatable(net: string, who: string, n: int)['10.0.0.0/8', 'all', 1, '10.1.0.0/16', 'site', 7, "
    "'10.1.2.99/24', 'room', 8, '10.1.2.0/24', 'room too', 8, 'nonsense', 'nobody', 7, '192.0.2.1', 'one', 7, "
    "'', 'empty', 7]; ";

std::string nearest_of(std::string_view ip, std::string_view rest) {
  return rows(
      std::string(networks) + "source | evaluate ipv4_lookup(N, ip, net" + std::string(rest) + ") | project who",
      "{\"n\":7,\"ip\":\"" + std::string(ip) + "\"}");
}

TEST(Ipv4Lookup, ChoosesTheSmallestNetworkThatHoldsTheAddress) {
  EXPECT_EQ(nearest_of("10.200.0.1", ""), "{\"who\":\"all\"}\n");
  EXPECT_EQ(nearest_of("10.1.9.9", ""), "{\"who\":\"site\"}\n");
  EXPECT_EQ(nearest_of("10.1.2.200", ""), "{\"who\":\"room\"}\n{\"who\":\"room too\"}\n");
  EXPECT_EQ(nearest_of("192.0.2.1", ""), "{\"who\":\"one\"}\n");
  EXPECT_EQ(nearest_of("10.1.0.0/20", ""), "{\"who\":\"site\"}\n") << "a network lies in one that holds all of it";
}

TEST(Ipv4Lookup, KeepsRecordsWithoutAMatchOnlyWhenAsked) {
  for (const std::string_view ip : {"11.0.0.1", "no address", "", "2001:db8::1", "::ffff:10.1.2.3"}) {
    EXPECT_EQ(nearest_of(ip, ""), "") << ip;
    EXPECT_EQ(nearest_of(ip, ", return_unmatched = true"), "{\"who\":\"\"}\n") << ip;
    EXPECT_EQ(nearest_of(ip, ", true"), "{\"who\":\"\"}\n") << ip;
    EXPECT_EQ(nearest_of(ip, ", return_unmatched = false"), "") << ip;
  }
}

TEST(Ipv4Lookup, FurtherKeysAreComparedBeforeTheNearestIsChosen) {
  EXPECT_EQ(nearest_of("10.1.2.3", ", n"), "{\"who\":\"site\"}\n");
  EXPECT_EQ(nearest_of("10.200.2.3", ", n, true"), "{\"who\":\"\"}\n");
}

TEST(Ipv4Lookup, TakesTheNetworkColumnAsTextAndPathsAsAddress) {
  EXPECT_EQ(rows(std::string(networks) + "source | evaluate ipv4_lookup(N, device.ip, 'net') | project net",
                 R"({"device":{"ip":"10.1.2.3"}})", {}, {{{"device", Type::dynamic, false, {}}}, false}),
            "{\"net\":\"10.1.2.99/24\"}\n{\"net\":\"10.1.2.0/24\"}\n");
}

struct Wrong {
  std::string_view query;
  std::string_view sentence;
};
class WrongLookups : public testing::TestWithParam<Wrong> {};
TEST_P(WrongLookups, AreRefusedByName) {
  EXPECT_EQ(rows(GetParam().query, std::string(bern), with_offices()), GetParam().sentence);
}
INSTANTIATE_TEST_SUITE_P(
    All, WrongLookups,
    testing::Values(
        Wrong{"source | lookup ofices on city",
              "there is no table \"ofices\" to look up in; did you mean \"offices\"?"},
        Wrong{"source | evaluate ipv4_lookup(nets, ip, range)", "there is no table \"nets\" to look up in"},
        Wrong{"source | lookup offices on cty", "there is no column \"cty\"; did you mean \"city\"?"},
        Wrong{"source | lookup offices on ip", "the table has no column \"ip\""},
        Wrong{"source | lookup offices on $left.ip == $right.cty",
              "the table has no column \"cty\"; did you mean \"city\"?"},
        Wrong{"source | lookup offices on $left.n == $right.city", "expected keys of one type, got int and string"},
        Wrong{"source | lookup offices on $right.city == $left.ip",
              "expected $left.COLUMN == $right.COLUMN, got $right first"},
        Wrong{"source | lookup kind=rightouter offices on city",
              "expected kind=leftouter or kind=inner, got \"rightouter\""},
        Wrong{"source | lookup (offices | where floor > 1) on city",
              "the operator \"where\" is not supported in the table of a lookup; look up first and write it behind"},
        Wrong{"source | lookup (source) on city", "a lookup takes a table's name or a datatable"},
        Wrong{"source | lookup (datatable(city: string, at: datetime)['Bern', now()]) on city",
              "expected a constant in the table of a lookup"},
        Wrong{"source | lookup (datatable(city: dynamic)[1]) on city",
              "\"city\" of the table is dynamic, and a key is not"},
        Wrong{"source | evaluate ipv4_lookup(offices, n, city)", "ipv4_lookup: expected text, got int"},
        Wrong{"source | evaluate ipv4_lookup(offices, ip, floor)", "ipv4_lookup: expected text, got long"},
        Wrong{"source | evaluate ipv4_lookup(offices, ip, city, return_unmatched = 1)",
              "expected true or false, got a number"},
        Wrong{"source | evaluate ipv4_lookup(offices, ip, city, true, city)",
              "expected \")\" after return_unmatched, got \",\""},
        Wrong{"let T = datatable(a: int)[1]; let U = U; source | lookup U on n", "there is no column \"U\""},
        Wrong{"source | evaluate ipv6_lookup(offices, ip, city)",
              "the plugin \"ipv6_lookup\" is not supported; \"ipv4_lookup\" is"},
        Wrong{"source | evaluate bag_unpack(ip)", "the plugin \"bag_unpack\" is not for single records"}));

TEST(Lookup, IsNotPortable) {
  const Compiled compiled = compile("source | lookup offices on city | evaluate ipv4_lookup(offices, ip, city)",
                                    schema(), with(with_offices()));
  ASSERT_TRUE(compiled.program);
  ASSERT_EQ(compiled.program->not_portable().size(), 2U);
  EXPECT_EQ(compiled.program->not_portable()[0].sentence, "\"lookup\" is not portable to a DCR");
  EXPECT_EQ(compiled.program->not_portable()[1].sentence, "\"ipv4_lookup\" is not portable to a DCR");
}

TEST(LiveTable, RulesSeeTheNewTableFromTheNextRecordOn) {
  Tables tables = with_offices();
  const auto live = tables.find("offices");
  const Compiled compiled =
      compile("source | lookup kind=inner offices on city | project office", schema(), with(tables));
  RecordRun run(compiled.program);
  std::string raw(bern);
  raw.reserve(raw.size() + raw_padding);
  RecordView view;
  view.raw = raw;
  EXPECT_EQ(run.rows(view, Envelope{}).value().size(), 2U);
  ASSERT_TRUE(live->replace(offices({{text("Bern"), text("B9"), Datum::of_long(1)}})).has_value());
  const auto after = run.rows(view, Envelope{}).value();
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0], "{\"office\":\"B9\"}");
}

TEST(LiveTable, KeepsItsTableWhenTheNewOneHasOtherColumns) {
  const auto live = live_offices();
  TableBuilder other({{"city", Type::string, false, {}}});
  const auto replaced = live->replace(other.finish());
  ASSERT_FALSE(replaced.has_value());
  EXPECT_EQ(replaced.error().code(), ErrorCode::table_refused);
  EXPECT_EQ(live->now()->size(), 3U);
}

TEST(LiveTable, MayBeReplacedWhileRulesRun) {
  Tables tables = with_offices();
  const auto live = tables.find("offices");
  ASSERT_TRUE(live->replace(offices({{text("Bern"), text("first"), Datum::of_long(0)}})).has_value());
  const Compiled compiled = compile(
      "source | lookup offices on city | lookup offices on city | project office, office1", schema(), with(tables));
  std::jthread changing([&](const std::stop_token& stop) {
    for (int i = 0; i < 2'000 && !stop.stop_requested(); ++i) {
      const std::string name = std::string(40, static_cast<char>('a' + i % 20));
      EXPECT_TRUE(live->replace(offices({{text("Bern"), text(name), Datum::of_long(i)}})).has_value());
    }
  });
  RecordRun run(compiled.program);
  std::string raw(bern);
  raw.reserve(raw.size() + raw_padding);
  RecordView view;
  view.raw = raw;
  for (int i = 0; i < 2'000; ++i) {
    const std::span<const std::string_view> rows = run.rows(view, Envelope{}).value();
    for (const std::string_view row : rows) {
      // Both lookups of one record ask the same table.
      const std::string_view first = row.substr(11, row.find('"', 11) - 11);
      EXPECT_TRUE(row.find(first, 11 + first.size()) != std::string_view::npos) << row;
    }
  }
}

TEST(TableBuilder, RefusesMoreThanItMayHold) {
  TableBuilder builder({{"a", Type::string, false, {}}});
  const std::string large(1U << 20, 'x');
  const std::array row{text(large)};
  Result<> added;
  std::size_t rows_added = 0;
  while ((added = builder.add(row)).has_value()) ASSERT_LT(++rows_added, 1'000U);
  EXPECT_EQ(added.error().sentence(), "expected at most 268435456 bytes in memory");
  EXPECT_EQ(rows_added, 255U);
}

}  // namespace
}  // namespace capstan::kql
