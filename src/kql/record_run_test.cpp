// Programs over raw records: what is kept, what comes out, and what it costs.
#include "kql/record_run.h"

#include <gtest/gtest.h>

#include "counting_new.h"
#include "kql/schemas.h"
#include "kql/wanted.h"

#include <string>

namespace capstan::kql {
namespace {

const Timestamp now = from_epoch_ms(1'700'000'000'000);

Schema open_schema() {
  return {{{"when", Type::datetime, true, {}},
           {"name", Type::string, false, {}},
           {"size", Type::long_integer, false, {}},
           {"_Feed", Type::string, false, {}},
           {"_Tenant", Type::string, false, {}},
           {"_Time", Type::datetime, false, {}}},
          true};
}
Schema closed_schema() {
  Schema schema = open_schema();
  schema.is_open = false;
  return schema;
}

class Ran {
public:
  explicit Ran(std::string_view query, const Schema& schema = open_schema()) : compiled_(compile(query, schema)) {
    if (!compiled_.program) return;
    run_.emplace(compiled_.program);
    run_->set_now(now);
  }
  // The rows, a line each; or what is wrong with the query or the record.
  std::string rows(std::string raw, std::string_view feed = "activities") {
    if (!run_) return compiled_.diagnostics.all().front().sentence;
    const auto rows = run_->rows(record(raw, feed), envelope());
    if (!rows) return std::string(label(rows.error().code()));
    std::string all;
    for (const std::string_view row : *rows) all += std::string(row) + "\n";
    return all;
  }
  bool keeps(std::string raw) { return run_->keeps(record(raw, "activities"), envelope()).value(); }
  RecordRun& run() { return *run_; }
  static RecordView record(std::string& raw, std::string_view feed) {
    raw.reserve(raw.size() + raw_padding);
    RecordView view;
    view.feed = feed;
    view.id = "id-1";
    view.raw = raw;
    view.event_time = from_epoch_ms(1'600'000'000'000);
    return view;
  }
  static Envelope envelope() { return {"contoso", "mdca", now}; }

private:
  Compiled compiled_;
  std::optional<RecordRun> run_;
};

TEST(RecordRun, AFilterGivesTheRecordAsItIsOrNothing) {
  Ran ran("source | where size > 10 and user.name has 'ann' | where _Feed == 'activities'");
  EXPECT_TRUE(ran.run().is_filter());
  const std::string kept = R"({"size": 11,  "user":{"name":"Ann B"},"other":[1.50]})";
  EXPECT_TRUE(ran.keeps(kept));
  EXPECT_FALSE(ran.keeps(R"({"size": 9, "user":{"name":"Ann B"}})"));
  EXPECT_FALSE(ran.keeps(R"({"size": null, "user":{"name":"Ann B"}})"));
  EXPECT_EQ(ran.rows(kept), "{\"size\":11,\"user\":{\"name\":\"Ann B\"},\"other\":[1.50]}\n");
  EXPECT_EQ(ran.rows(kept, "alerts"), "");
}

TEST(RecordRun, OnlyFiltersAreFilters) {
  const auto is_filter = [](std::string_view query, const Schema& schema) {
    return Ran(query, schema).run().is_filter();
  };
  EXPECT_TRUE(is_filter("source", open_schema()));
  EXPECT_FALSE(is_filter("source", closed_schema())) << "a closed schema drops what it does not name";
  EXPECT_FALSE(is_filter("source | extend x = 1", open_schema()));
  EXPECT_FALSE(is_filter("source | project-away name", open_schema()));
  EXPECT_FALSE(is_filter("source | project-rename n = name", open_schema()));
  EXPECT_FALSE(is_filter("source | mv-expand tags", open_schema()));
  EXPECT_FALSE(is_filter("print 1", open_schema()));
}

TEST(RecordRun, AnOpenRecordKeepsWhatNobodyTouched) {
  const std::string raw = R"({"when":1600000000123,"name":"a","extra":{"deep": 1e2},"size":5})";
  EXPECT_EQ(Ran("source | extend double = size * 2").rows(raw),
            "{\"when\":1600000000123,\"name\":\"a\",\"extra\":{\"deep\": 1e2},\"size\":5,\"double\":10}\n");
  EXPECT_EQ(Ran("source | extend name = toupper(name)").rows(raw),
            "{\"when\":1600000000123,\"name\":\"A\",\"extra\":{\"deep\": 1e2},\"size\":5}\n");
  EXPECT_EQ(Ran("source | project-away extra, s*").rows(raw), "{\"when\":1600000000123,\"name\":\"a\"}\n");
  EXPECT_EQ(Ran("source | project-keep extra, n*").rows(raw), "{\"name\":\"a\",\"extra\":{\"deep\": 1e2}}\n");
  EXPECT_EQ(Ran("source | project-rename title = name, more = extra").rows(raw),
            "{\"when\":1600000000123,\"size\":5,\"title\":\"a\",\"more\":{\"deep\": 1e2}}\n");
  EXPECT_EQ(Ran("source | extend name = size | project-away size | extend size = name").rows(raw),
            "{\"when\":1600000000123,\"name\":5,\"extra\":{\"deep\": 1e2},\"size\":5}\n");
}

TEST(RecordRun, WhatWasTakenAwayCannotBeNamed) {
  EXPECT_EQ(Ran("source | project-away extra | where extra == 1").rows("{}"),
            "there is no column \"extra\" any more: an operator before this one took it away");
  EXPECT_EQ(Ran("source | project-away extra | where extra.deep == 1").rows("{}"),
            "there is no column \"extra\" any more: an operator before this one took it away");
  EXPECT_EQ(Ran("source | project name | where extra == 1").rows("{}"), "there is no column \"extra\"");
}

TEST(RecordRun, AClosedProgramGivesItsColumns) {
  EXPECT_EQ(Ran("source | project when, name, size, extra, _Tenant, _Feed, _Time")
                .rows(R"({"size":"12","extra":{"a": [1, 2]},"when":1600000000123})"),
            "{\"when\":\"2020-09-13T12:26:40.1230000Z\",\"name\":\"\",\"size\":12,\"extra\":{\"a\": [1, 2]},"
            "\"_Tenant\":\"contoso\",\"_Feed\":\"activities\",\"_Time\":\"2020-09-13T12:26:40.0000000Z\"}\n");
}

TEST(RecordRun, ScalarsHaveTheTypeOfTheirColumn) {
  const auto size = [](const std::string& json) {
    return Ran("source | project size").rows("{\"size\":" + json + "}");
  };
  EXPECT_EQ(size("7"), "{\"size\":7}\n");
  EXPECT_EQ(size("7.9"), "{\"size\":7}\n");
  EXPECT_EQ(size("\" 0x10 \""), "{\"size\":16}\n");
  EXPECT_EQ(size("true"), "{\"size\":1}\n");
  EXPECT_EQ(size("[7]"), "{\"size\":null}\n");
  EXPECT_EQ(size("9223372036854775807"), "{\"size\":9223372036854775807}\n");
  const auto name = [](const std::string& json) {
    return Ran("source | project name").rows("{\"name\":" + json + "}");
  };
  EXPECT_EQ(name("\"a\\u00e9\\n\""), "{\"name\":\"aé\\n\"}\n");
  EXPECT_EQ(name("true"), "{\"name\":\"true\"}\n");
  EXPECT_EQ(name("1.50"), "{\"name\":\"1.5\"}\n");
  EXPECT_EQ(name("{ \"k\": [1, \"x\"] }"), "{\"name\":\"{\\\"k\\\":[1,\\\"x\\\"]}\"}\n");
}

TEST(RecordRun, ObjectsAreReadWhenTheyAreLookedAt) {
  EXPECT_EQ(
      Ran("source | where array_length(tags) == 2 | project t = tags[1], all = tags").rows(R"({"tags":["a", "b"]})"),
      "{\"t\":\"b\",\"all\":[\"a\",\"b\"]}\n");
  EXPECT_EQ(Ran("source | where tags has 'b' | project name").rows(R"({"tags":["a", "b"],"name":"n"})"),
            "{\"name\":\"n\"}\n");
  EXPECT_EQ(Ran("source | mv-expand tags | project tags, size").rows(R"({"tags":["a", 2],"size":1})"),
            "{\"tags\":\"a\",\"size\":1}\n{\"tags\":2,\"size\":1}\n");
}

TEST(RecordRun, PathsMayBeLong) {
  std::string raw = "7";
  std::string path = "p";
  for (int i = 0; i < 40; ++i) raw = "{\"p\":" + raw + "}";
  for (int i = 1; i < 40; ++i) path += ".p";
  EXPECT_EQ(Ran("source | project x = " + path).rows(raw), "{\"x\":7}\n");
}

TEST(RecordRun, NamesMayHoldWhatPathsAreMadeOf) {
  EXPECT_EQ(
      Ran("source | project x = ['a.b'], y = ['c[0]'], z = d.['e.f']").rows(R"({"a.b":1,"c[0]":"2","d":{"e.f":3}})"),
      "{\"x\":1,\"y\":\"2\",\"z\":3}\n");
}

TEST(RecordRun, ABrokenRecordIsAnError) {
  EXPECT_EQ(Ran("source | where size > 1").rows("{\"size\":"), std::string(label(ErrorCode::broken_record)));
  EXPECT_EQ(Ran("source | extend x = 1").rows("[1]"), std::string(label(ErrorCode::broken_record)));
  Ran ran("source");
  std::string raw = "{}";
  RecordView record = Ran::record(raw, "activities");
  record.is_quarantined = true;
  EXPECT_EQ(ran.run().keeps(record, Ran::envelope()).error().code(), ErrorCode::broken_record);
}

TEST(RecordRun, AWarmFilterTakesNothingFromTheHeap) {
  Ran ran(
      "source | where when > ago(1d) and size between (1 .. 100) and user.name contains 'contoso' "
      "| where name in~ ('a long name that fits into no small buffer', 'b') or name startswith 'up'"
      "| where tostring(size) == '7' and strcat(name, user.name) != '' and tolower(_Feed) == 'activities' "
      "| where tostring(when) startswith '2023' and isnotempty(user.name) and datetime_part('hour', when) >= 0 and "
      "toint(level) in (3, 4)");
  std::string raw = R"({"when":1699999999000,"name":"A long name that fits into no small buffer","size":7,)"
                    R"("user":{"name":"somebody.with.a.long.name@contoso.example"},"level":"3","extra":[1,2,3]})";
  const RecordView record = Ran::record(raw, "activities");
  ASSERT_TRUE(ran.run().keeps(record, Ran::envelope()).value());
  const std::uint64_t before = allocation_count;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ran.run().keeps(record, Ran::envelope()).value());
  EXPECT_EQ(allocation_count - before, 0U);
}

TEST(RecordRun, WarmCellsTakeNothingFromTheHeap) {
  Wanted wanted;
  wanted.shapes = {{"",
                    {"coalesce(appName, 'x')", "first_text(split(description, ': ')[0])", "_Time",
                     "pluck(mainInfo.eventObjects, 'name')", "mdca_name('app', appId)", "strcat(_Id, '-')"}}};
  const CompiledWanted compiled =
      compile("source | where appId == 1", schema_of_feeds(std::vector<std::string>{"activities"}), wanted);
  ASSERT_NE(compiled.program, nullptr);
  RecordRun run(compiled.program);
  const std::string json =
      R"({"appId":1,"appName":"a name that is longer than fifteen","description":"Log on: x","mainInfo":{"eventObjects":[{"name":"n"}]}})";
  const std::string padded = json + std::string(raw_padding, '\0');
  RecordView record;
  record.raw = std::string_view(padded).substr(0, json.size());
  std::size_t seen = 0;
  std::uint64_t warm = 0;
  for (int i = 0; i < 10; ++i) {
    if (i == 1) warm = allocation_count;
    const auto each = [&](std::size_t, std::span<const Datum> of_row) -> Result<> {
      seen += of_row.size();
      return {};
    };
    ASSERT_TRUE(run.cells(record, {}, each));
  }
  EXPECT_EQ(allocation_count, warm);
  EXPECT_EQ(seen, 60U);
}

TEST(RecordRun, AWarmLookupTakesNothingFromTheHeap) {
  if (!counts_allocations) GTEST_SKIP() << "the sanitizers have an operator new of their own";
  Ran ran(
      "let T = datatable(name: string, net: string, n: int)['a', '10.0.0.0/8', 1, 'a', '10.1.0.0/16', 2, 'b', '', 3]; "
      "source | lookup kind=inner T on name | evaluate ipv4_lookup(T, ip, net, n) | where net1 == '10.1.0.0/16'");
  const std::string raw = R"({"name":"a","ip":"10.1.2.3"})";
  std::string padded = raw;
  const RecordView view = Ran::record(padded, "activities");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ran.run().keeps(view, Ran::envelope()).value());
  const std::uint64_t before = allocation_count;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(ran.run().keeps(view, Ran::envelope()).value());
  EXPECT_EQ(allocation_count, before);
}

// --- text that was cut inside a character, and what is nested deep or huge

TEST(RecordRun, HalfASurrogatePairIsAReplacementCharacterWhereverATextStands) {
  for (const auto& [written, text] :
       {std::pair{R"(a\ud83d b)", "a\uFFFD b"}, {R"(a\udc00 b)", "a\uFFFD b"}, {"a\xED\xA0\xBD b", "a\uFFFD b"}}) {
    const std::string s = written;
    const std::string mended = std::string("\"") + text + "\"";
    const std::string record = R"({"name":")" + s + R"(","d":{"x":")" + s + R"(","y":[")" + s + R"("]},"l":[{"z":")" +
                               s + R"("}],")" + s + R"(":1})";
    const auto value = [&](std::string_view expression) {
      return Ran("source | project v = " + std::string(expression)).rows(record);
    };
    const auto row = [](const std::string& json) { return "{\"v\":" + json + "}\n"; };
    for (const std::string_view expression :
         {"name", "tostring(name)", "d.x", "tostring(d.x)", "tostring(d.y[0])", "l[0].z", "tostring(l[0].z)",
          "substring(name, 0)", "strcat(name)", "replace_string(name, 'q', 'r')", "tostring(parse_json(tostring(d)).x)",
          "extract('(.*)', 1, name)", "tostring(split(name, ',')[0])", "reverse(reverse(name))"})
      EXPECT_EQ(value(expression), row(mended)) << expression;
    EXPECT_EQ(value("strlen(name)"), row("4"));
    EXPECT_EQ(value("indexof(name, '\\uFFFD')"), row("1"));
    EXPECT_EQ(value("name has 'a' and name has 'b' and d has 'a' and l has 'b'"), row("true"));
    EXPECT_EQ(value("name contains '\\uFFFD' and tostring(d) contains 'a\\uFFFD b'"), row("true"));
    EXPECT_EQ(value("name matches regex '^a.\\\\sb$' and name startswith 'A' and name endswith 'B'"), row("true"));
    EXPECT_EQ(value("tolong(['a\\uFFFD b'])"), row("1"));
    const std::string object = Ran("source | project d").rows(record);
    EXPECT_EQ(Ran("source | project v = tostring(d.x)").rows(object.substr(0, object.size() - 1)), row(mended))
        << object;
    EXPECT_EQ(value("bag_keys(parse_json(strcat('{\"', name, '\":1}')))"), row("[" + mended + "]"));
  }
}

TEST(RecordRun, ARecordWithSurrogateBytesGoesOnAsUtf8) {
  const std::string raw = "{\"name\":\"a\xED\xA0\xBD\",\"other\":\"\xED\xB8\x80\",\"size\":1}";
  std::string padded = raw;
  RecordView record = Ran::record(padded, "activities");
  record.is_wtf8 = true;
  Ran extended("source | extend size = 2");
  const auto rows = extended.run().rows(record, Ran::envelope());
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->front(), "{\"name\":\"a\uFFFD\",\"other\":\"\uFFFD\",\"size\":2}");
  Ran filter("source | where name == 'a\\uFFFD'");
  EXPECT_TRUE(filter.run().keeps(record, Ran::envelope()).value());
}

TEST(RecordRun, NothingHidesBehindDepthOrSize) {
  // A member that cannot be taken apart would be null, and a rule on it would miss what stands in it.
  for (const int depth : {10, 255, 256, 257, 1000, 1020}) {
    const std::string record = R"({"d":{"x":)" + std::string(static_cast<std::size_t>(depth), '[') + R"("mimikatz")" +
                               std::string(static_cast<std::size_t>(depth), ']') + "}}";
    EXPECT_EQ(Ran("source | where tostring(d) has 'mimikatz' | project v = 1").rows(record), "{\"v\":1}\n") << depth;
    EXPECT_EQ(Ran("source | where d has 'mimikatz' | project v = 1").rows(record), "{\"v\":1}\n") << depth;
  }
  for (const char* number : {"1e400", "-1e400", "123456789012345678901234567890", "18446744073709551616", "1e-400"}) {
    const std::string record = std::string(R"({"d":{"n":)") + number + R"(,"x":"mimikatz"},"n":)" + number + "}";
    EXPECT_EQ(Ran("source | where tostring(d) has 'mimikatz' | project v = 1").rows(record), "{\"v\":1}\n") << number;
    EXPECT_EQ(Ran("source | project v = tostring(d.n) == tostring(n)").rows(record), "{\"v\":true}\n") << number;
  }
  EXPECT_EQ(Ran("source | project v = isnull(n), w = n > 0").rows(R"({"n":1e400})"), "{\"v\":false,\"w\":true}\n");
}

TEST(RecordRun, AnObjectOfManyMembersTakesTimeInProportion) {
  std::string record = R"({"d":{)";
  for (int i = 0; i < 200'000; ++i) record += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  record += R"(,"k7":"last"}})";
  EXPECT_EQ(
      Ran("source | project v = array_length(bag_keys(bag_merge(d, d))), w = parse_json(tostring(d)).k7").rows(record),
      "{\"v\":200000,\"w\":\"last\"}\n");
}

TEST(RecordRun, AReplacementCharacterEndsATerm) {
  // No letter (Unicode category So): "evil" beside half an emoji is the term "evil".
  EXPECT_EQ(Ran("source | project v = name has 'evil', w = name hasprefix 'evil', x = name hassuffix 'evil'")
                .rows(R"({"name":"\ude00evil\ud83d"})"),
            "{\"v\":true,\"w\":true,\"x\":true}\n");
  EXPECT_EQ(Ran("source | project v = base64_decode_tostring('7aCA')").rows("{}"), "{\"v\":\"\"}\n");
}

}  // namespace
}  // namespace capstan::kql
