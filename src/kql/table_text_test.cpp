// Tables out of CSV and JSON: what is read, what is refused, and where.
#include "kql/table_text.h"

#include <gtest/gtest.h>

#include "kql/program.h"
#include "kql/schemas.h"

namespace capstan::kql {
namespace {

// "a:string,b:long|["x",1]|["y",2]": columns, then the rows as JSON.
std::string shown(const Result<TablePtr>& table) {
  if (!table) return table.error().sentence();
  std::string text;
  for (const Column& column : (*table)->columns())
    text += (text.empty() ? "" : ",") + column.name + ":" + std::string(to_string(column.type));
  for (std::size_t i = 0; i < (*table)->size(); ++i) {
    std::string row;
    for (const Datum& value : (*table)->row(i)) {
      if (!row.empty()) row += ',';
      append_json(value, row);
    }
    text += '|' + row;
  }
  return text;
}

std::string csv(std::string_view text, std::string_view schema = {}) {
  TableText source{"t.csv", text, TableFormat::csv, {}};
  if (!schema.empty()) source.columns = parse_schema(schema).value().columns;
  return shown(read_table(source));
}
std::string json(std::string_view text, TableFormat format = TableFormat::ndjson, std::string_view schema = {}) {
  TableText source{"t.json", text, format, {}};
  if (!schema.empty()) source.columns = parse_schema(schema).value().columns;
  return shown(read_table(source));
}

TEST(CsvTable, ReadsWhatRfc4180Says) {
  EXPECT_EQ(csv("a,b\r\n1,x\r\n2,y"), R"(a:string,b:string|"1","x"|"2","y")");
  EXPECT_EQ(csv("a,b\n1,x\n2,y\n"), R"(a:string,b:string|"1","x"|"2","y")");
  EXPECT_EQ(csv("\xEF\xBB\xBF\"a\",b\n\"one, \"\"two\"\"\r\nthree\",\n\"\",\"\"\n"),
            R"(a:string,b:string|"one, \"two\"\r\nthree",""|"","")");
  EXPECT_EQ(csv("a\n\n x \n"), R"(a:string|""|" x ")") << "blanks belong to a cell, and a line may be an empty one";
  EXPECT_EQ(csv("a,b\n\n1,2\n\n"), R"(a:string,b:string|"1","2")");
  EXPECT_EQ(csv("a,b"), "a:string,b:string");
  EXPECT_EQ(csv("a\rb\nc\r"), "a\rb:string|\"c\\r\"") << "CR alone is no end of a line";
}

TEST(CsvTable, GivesCellsTheColumnsTypes) {
  EXPECT_EQ(csv("n,r,t,b,d,s,unused\n7,1.5,2026-01-02,true,\"{\"\"k\"\":[1]}\",x,u\n,,,,,,\n",
                "s:string, n:long, r:real, t:datetime, b:bool, d:dynamic"),
            "s:string,n:long,r:real,t:datetime,b:bool,d:dynamic|"
            R"("x",7,1.5,"2026-01-02T00:00:00.0000000Z",true,{"k":[1]}|"",null,null,null,null,null)");
  EXPECT_EQ(csv("t,d\n1700000000000,plain\n", "t:datetime:ms, d:dynamic"),
            R"(t:datetime,d:dynamic|"2023-11-14T22:13:20.0000000Z","plain")");
}

TEST(CsvTable, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(csv(""), "t.csv:1: expected a row with the names of the columns, got nothing");
  EXPECT_EQ(csv("a,,c\n"), "t.csv:1: column 2 has no name");
  EXPECT_EQ(csv("a,b,a\n"), "t.csv:1: the column \"a\" stands twice");
  EXPECT_EQ(csv("a,b\n1,2\n\"x\ny\",2\n1,2,3\n"), "t.csv:5: expected 2 cells, got 3");
  EXPECT_EQ(csv("a,b\n1\n"), "t.csv:2: expected 2 cells, got 1");
  EXPECT_EQ(csv("a\n\"b\n"), "t.csv:2: expected a quote that closes, got the end of the file");
  EXPECT_EQ(csv("a\n\"b\"c\n"), "t.csv:2: expected \",\" or the end of the line after a quote");
  EXPECT_EQ(csv("a\nb\"c\"\n"), "t.csv:2: expected a cell that is quoted as a whole, got a quote inside");
  EXPECT_EQ(csv("a,b\nx,1\nx,one\n", "b:long"), "t.csv:3: b: expected long, got \"one\"");
  EXPECT_EQ(csv("a,b\n", "c:long"), "t.csv:1: expected a column \"c\", got none of that name");
  EXPECT_EQ(csv("a\nx\n\xFF\n"), "t.csv:3: expected UTF-8");
  EXPECT_EQ(csv("a" + std::string(256, ',')), "t.csv:1: expected at most 256 cells");
}

TEST(JsonTable, TakesTheNarrowestTypeThatHoldsEveryValue) {
  EXPECT_EQ(
      json("{\"s\":\"x\",\"n\":1,\"r\":1,\"b\":true,\"m\":1}\n\n{\"n\":null,\"r\":2.5,\"m\":\"two\",\"late\":[1]}"),
      "s:string,n:long,r:real,b:bool,m:dynamic,late:dynamic|"
      R"("x",1,1.0,true,1,null|"",null,2.5,null,"two",[1])");
  EXPECT_EQ(json("[ {\"a\":1} ,\n{\"a\":2}]", TableFormat::json), "a:long|1|2");
  EXPECT_EQ(json("[]", TableFormat::json), "");
  EXPECT_EQ(json("\xEF\xBB\xBF{\"a\":1}"), "a:long|1");
  EXPECT_EQ(json(R"({"a\ud800":"x\ud800y"})"), "a\uFFFD:string|\"x\uFFFDy\"");
}

TEST(JsonTable, TakesTheColumnsThatAreDeclared) {
  EXPECT_EQ(json("{\"a\":\"7\",\"b\":2,\"c\":{\"d\":1}}\n{}", TableFormat::ndjson, "c:dynamic, a:long, b:string"),
            R"(c:dynamic,a:long,b:string|{"d":1},7,"2"|null,null,"")");
}

TEST(JsonTable, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(json("{\"a\":1}\n{\"a\":1"), "t.json:2: expected a JSON object");
  EXPECT_EQ(json("{\"a\":1}\n[1]"), "t.json:2: expected a JSON object");
  EXPECT_EQ(json("{\"a\":1}", TableFormat::json), "t.json:1: expected one JSON array of objects");
  EXPECT_EQ(json("{\"a\":1}{\"a\":2}"), "t.json:1: expected a JSON object");
  EXPECT_EQ(json("[{\"a\":1},\n,{\"a\":2}]", TableFormat::json), "t.json:2: expected a value, got \",{\\\"a\\\":2}]\"");
  EXPECT_EQ(json("[{\"a\":1},]", TableFormat::json), "t.json:1: expected a value, got \"]\"");
  EXPECT_EQ(json("[{\"a\":1}]\n[{\"a\":2}]", TableFormat::json),
            "t.json:2: expected nothing behind the array, got \"[{\\\"a\\\":2}]\"");
  EXPECT_EQ(json("[{\"a\":NaN}]", TableFormat::json), "t.json:1: expected a value, got \"NaN}]\"");
  EXPECT_EQ(json("[{\"a\":1},\n\n {\"a\":2},\n 3]", TableFormat::json), "t.json:4: expected a JSON object");
  EXPECT_EQ(json("{\"a\":1}\n{\"a\":\"x\"}", TableFormat::ndjson, "a:long"), "t.json:2: a: expected long, got \"x\"");
}

TEST(TableFormat, IsToldByTheExtension) {
  EXPECT_EQ(format_of_file("a/b.csv"), TableFormat::csv);
  EXPECT_EQ(format_of_file("b.json"), TableFormat::json);
  EXPECT_EQ(format_of_file("b.ndjson"), TableFormat::ndjson);
  EXPECT_EQ(format_of_file("b.jsonl"), TableFormat::ndjson);
  EXPECT_EQ(format_of_file("b.txt"), std::nullopt);
}

// Whatever the bytes: an answer, and a row number inside the text.
TEST(CsvTable, ReadsAnyBytesWithoutHarm) {
  std::uint64_t state = 7;
  const std::string_view alphabet = "a,\"\n\r x\xC3\xA9";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "a,b\n" : "";
    for (std::uint64_t left = (state >> 40) % 24; left > 0; --left) {
      state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
      text += alphabet[(state >> 33) % alphabet.size()];
    }
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    const auto table = read_table({"t", text, TableFormat::csv, {}});
    if (table) {
      ASSERT_LE((*table)->size(), text.size());
    } else {
      ASSERT_EQ(table.error().code(), ErrorCode::table_refused);
    }
  }
}

}  // namespace
}  // namespace capstan::kql
